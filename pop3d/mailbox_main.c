/* SPDX-License-Identifier: ISC */
/*
 * pop3d-mailbox: POP3 after login, as the user. Executed by pop3d's front
 * with descriptors as in program.h. -c names mail.conf.
 */
#include "config.h"

#include <stdio.h>
#include <sysexits.h>
#include <unistd.h>

#include "common/log.h"
#include "common/program.h"
#include "common/settings.h"

#include "pop3d/mailbox.h"

const struct program program_table[] = {
	{ NULL, NULL },
};

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
	const char *path = NULL;
	struct settings_errors errors;
	struct settings *settings;
	int option, status;

	while ((option = getopt(argc, argv, "c:")) == 'c')
		path = optarg;
	if (option != -1 || optind < argc) {
		fprintf(stderr, "usage: pop3d-mailbox [-c file]\n");
		return EX_USAGE;
	}
	settings = settings_load(path, "pop3d", &errors);
	log_open(
	    "pop3d", settings->log_file, (enum log_level)settings->log_level);
	status =
	    errors.count > 0 ? complain(&errors) : pop3_mailbox_run(settings);
	settings_errors_free(&errors);
	settings_free(&settings);
	return status;
}
