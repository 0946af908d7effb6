/* SPDX-License-Identifier: ISC */
/*
 * auth: one login on descriptor 0, one verdict on 3, the front's facts on 4.
 * Started by a front: -c mail.conf.
 */
#include "config.h"

#include <signal.h>
#include <stdio.h>
#include <sysexits.h>
#include <unistd.h>

#include "common/log.h"
#include "common/programs.h"

/* This program starts none. */
const struct program program_table[] = { { NULL, NULL } };

int
main(int argc, char *argv[])
{
	struct sigaction ignore = { .sa_handler = SIG_IGN };
	struct settings_errors errors = { 0 };
	struct settings *settings;
	const char *path = NULL;
	int option, code = EX_CONFIG;

	while ((option = getopt(argc, argv, "c:")) != -1) {
		if (option == 'c')
			path = optarg;
		if (option == '?') {
			fprintf(stderr, "usage: auth [-c file]\n");
			return EX_USAGE;
		}
	}
	sigaction(SIGPIPE, &ignore, NULL);
	settings = settings_load(path, "auth", &errors);
	log_open(
	    "auth", settings->log_file, (enum log_level)settings->log_level);
	log_move(STDERR_FILENO);
	if (errors.count > 0)
		log_error("%s", errors.texts[0]);
	else
		code = auth_program(settings, 1, argv);
	settings_errors_free(&errors);
	settings_free(&settings);
	return code;
}
