/* SPDX-License-Identifier: ISC */
/*
 * imapd-mailbox: a logged-in IMAP session as its user, started by the front
 * of imapd with the facts of the login on descriptor 3 (handover.h).
 */
#include "config.h"

#include <signal.h>
#include <stdio.h>
#include <sysexits.h>
#include <unistd.h>

#include "common/log.h"
#include "common/settings.h"

#include "imapd/mailbox_io.h"

const struct program program_table[] = {
	{ "imapd-mailbox", imapd_mailbox_program },
	{ NULL, NULL },
};

int
main(int argc, char *argv[])
{
	struct sigaction ignore = { .sa_handler = SIG_IGN };
	struct settings_errors errors = { 0 };
	struct settings *settings;
	const char *path = NULL;
	int option, code = EX_CONFIG;

	while ((option = getopt(argc, argv, "c:")) != -1) {
		if (option != 'c') {
			fprintf(stderr, "usage: imapd-mailbox [-c file]\n");
			return EX_USAGE;
		}
		path = optarg;
	}
	sigaction(SIGPIPE, &ignore, NULL);
	settings = settings_load(path, "imapd", &errors);
	log_open("imapd-mailbox", settings->log_file,
	    (enum log_level)settings->log_level);
	settings_errors_log(&errors);
	if (errors.count == 0)
		code = imapd_mailbox_program(settings, argc, argv);
	settings_errors_free(&errors);
	settings_free(&settings);
	return code;
}
