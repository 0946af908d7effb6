/* SPDX-License-Identifier: ISC */
/*
 * enqueue: the gate of the spool, started by a front or by pickup with the
 * session on descriptor 0 and the facts on 3. -c names mail.conf.
 */
#include "config.h"

#include <stdio.h>
#include <sysexits.h>
#include <unistd.h>

#include "common/log.h"
#include "common/program.h"
#include "common/settings.h"

#include "queue/enqueue.h"

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
		fprintf(stderr, "usage: enqueue [-c file]\n");
		return EX_USAGE;
	}
	settings = settings_load(path, "enqueue", &errors);
	log_open(
	    "enqueue", settings->log_file, (enum log_level)settings->log_level);
	status = errors.count > 0 ? complain(&errors)
				  : enqueue_program(settings, argc, argv);
	settings_errors_free(&errors);
	settings_free(&settings);
	return status;
}
