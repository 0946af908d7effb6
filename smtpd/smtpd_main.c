/* SPDX-License-Identifier: ISC */
/*
 * smtpd: one SMTP connection on descriptors 0 and 1, started by inetd,
 * xinetd, systemd or merpatid. -c names mail.conf, -s the listener.
 */
#include "config.h"

#include <stdio.h>
#include <sysexits.h>
#include <unistd.h>

#include "common/log.h"
#include "common/program.h"
#include "common/settings.h"

#include "smtpd/smtpd.h"

/* enqueue, tls and auth are executed. */
const struct program program_table[] = {
	{ "smtpd", smtpd_program },
	{ NULL, NULL },
};

static int
usage(void)
{
	fprintf(stderr, "usage: smtpd [-c file] [-s listener]\n");
	return EX_USAGE;
}

static int
complain(const struct settings_errors *errors)
{
	for (size_t i = 0; i < errors->count; i++)
		log_error("%s", errors->texts[i]);
	return EX_CONFIG;
}

int
main(int argc, char *argv[])
{
	char *front_argv[] = { argv[0], NULL, NULL, NULL };
	char listener_option[] = "-s";
	const char *path = NULL;
	struct settings_errors errors;
	struct settings *settings;
	int option, status;

	while ((option = getopt(argc, argv, "c:s:")) != -1) {
		if (option == 'c') {
			path = optarg;
		} else if (option == 's') {
			front_argv[1] = listener_option;
			front_argv[2] = optarg;
		} else {
			return usage();
		}
	}
	if (optind < argc)
		return usage();
	settings = settings_load(path, "smtpd", &errors);
	log_open(
	    "smtpd", settings->log_file, (enum log_level)settings->log_level);
	status = errors.count > 0
		     ? complain(&errors)
		     : smtpd_program(
			   settings, front_argv[1] == NULL ? 1 : 3, front_argv);
	settings_errors_free(&errors);
	settings_free(&settings);
	return status;
}
