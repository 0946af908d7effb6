/* SPDX-License-Identifier: ISC */
/*
 * deliver: the delivery agent; descriptor 0 is its pipe to qmgr. Started by
 * deliver-spawn as the user. -c names mail.conf.
 */
#include "config.h"

#include <stdio.h>
#include <sysexits.h>
#include <unistd.h>

#include "common/log.h"
#include "common/program.h"
#include "common/settings.h"

#include "deliver/deliver.h"

const struct program program_table[] = {
	{ "deliver", deliver_run },
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
		fprintf(stderr, "usage: deliver [-c file]\n");
		return EX_USAGE;
	}
	settings = settings_load(path, "deliver", &errors);
	log_open(
	    "deliver", settings->log_file, (enum log_level)settings->log_level);
	status = errors.count > 0 ? complain(&errors)
				  : deliver_run(settings, argc, argv);
	settings_errors_free(&errors);
	settings_free(&settings);
	return status;
}
