/* SPDX-License-Identifier: ISC */
/*
 * sendmail: the classic submission command; also as newaliases and mailq.
 * Options: sendmail_options.c. Exit codes: sysexits.h.
 */
#include "config.h"

#include <stdio.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "common/log.h"
#include "common/program.h"
#include "common/settings.h"

#include "queue/newaliases.h"
#include "queue/sendmail.h"

const struct program program_table[] = {
	{ NULL, NULL },
};

/* mailq is where this program is, wherever that was put. */
static bool
find_mailq(char *path, size_t size, struct why *why)
{
	ssize_t n = readlink("/proc/self/exe", path, size - 1);
	size_t slash;

	if (n <= 0) {
		snprintf(path, size, "%s/mailq", SBINDIR);
		return true;
	}
	path[n] = '\0';
	slash = slice_last_index(slice_of(path), '/');
	if (slash + sizeof("/mailq") > size)
		return why_set(why, "%s: name too long", path);
	snprintf(path + slash, size - slash, "/mailq");
	return true;
}

static int
run_mailq(const struct sendmail_options *options, struct why *why)
{
	char name[] = "mailq", option[] = "-c", config[4096] = "";
	char path[4096];
	char *const argv[] = { name, options->config == NULL ? NULL : option,
		config, NULL };

	snprintf(config, sizeof(config), "%s",
	    options->config == NULL ? "" : options->config);
	if (find_mailq(path, sizeof(path), why)) {
		execv(path, argv);
		why_errno(why, "%s", path);
	}
	return EX_OSFILE;
}

static int
run(const struct settings *settings, const struct sendmail_options *options,
    struct why *why)
{
	switch (options->mode) {
	case SENDMAIL_SMTP:
		return sendmail_smtp(settings, STDIN_FILENO, STDOUT_FILENO);
	case SENDMAIL_LIST:
		return run_mailq(options, why);
	case SENDMAIL_ALIASES:
		return newaliases_run(settings, why);
	case SENDMAIL_VERIFY:
		return sendmail_verify(settings, options, why);
	case SENDMAIL_FLUSH:
		return sendmail_flush(settings, options, why);
	case SENDMAIL_SUBMIT:
		break;
	}
	return sendmail_submit(settings, options, STDIN_FILENO, why);
}

static int
complain(const char *name, int status, const char *text)
{
	if (text[0] != '\0')
		fprintf(stderr, "%s: %s\n", name, text);
	return status;
}

int
main(int argc, char *argv[])
{
	struct sendmail_options options;
	struct settings_errors errors;
	struct settings *settings;
	struct why why = { 0 };
	int status;

	if (!sendmail_options_parse(argc, argv, getuid() == 0, &options, &why))
		return complain("sendmail", EX_USAGE, why.text);
	settings = settings_load(options.config, "sendmail", &errors);
	log_open("sendmail", "-", LOG_LEVEL_WARNING);
	if (errors.count > 0)
		status = complain("sendmail", EX_CONFIG, errors.texts[0]);
	else
		status = complain(
		    "sendmail", run(settings, &options, &why), why.text);
	settings_errors_free(&errors);
	settings_free(&settings);
	return status;
}
