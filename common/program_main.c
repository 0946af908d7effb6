/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "common/program_main.h"

#include <stdio.h>
#include <sysexits.h>
#include <unistd.h>

#include "common/log.h"
#include "common/settings.h"

int
program_main(const struct program_main *program, int argc, char *argv[])
{
	const char *path = NULL;
	struct settings_errors errors;
	struct settings *settings;
	int option, status = EX_CONFIG;

	while ((option = getopt(argc, argv, "c:")) == 'c')
		path = optarg;
	if (option != -1 || optind < argc) {
		fprintf(stderr, "usage: %s [-c file]\n", program->name);
		return EX_USAGE;
	}
	settings = settings_load(path, program->settings, &errors);
	log_open(program->log_name, settings->log_file,
	    (enum log_level)settings->log_level);
	settings_errors_log(&errors);
	if (errors.count == 0)
		status = program->run(settings, argc, argv);
	settings_errors_free(&errors);
	settings_free(&settings);
	return status;
}
