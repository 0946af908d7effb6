/* SPDX-License-Identifier: ISC */
/*
 * newaliases: rebuild the alias caches. -c names mail.conf.
 */
#include "config.h"

#include <stdio.h>
#include <sysexits.h>
#include <unistd.h>

#include "common/log.h"
#include "common/program.h"
#include "common/settings.h"

#include "queue/newaliases.h"

const struct program program_table[] = {
	{ NULL, NULL },
};

int
main(int argc, char *argv[])
{
	const char *path = NULL;
	struct settings_errors errors;
	struct settings *settings;
	struct why why = { 0 };
	int option, status = EX_CONFIG;

	while ((option = getopt(argc, argv, "c:")) == 'c')
		path = optarg;
	if (option != -1 || optind < argc) {
		fprintf(stderr, "usage: newaliases [-c file]\n");
		return EX_USAGE;
	}
	settings = settings_load(path, "newaliases", &errors);
	log_open("newaliases", "-", LOG_LEVEL_WARNING);
	if (errors.count == 0)
		status = newaliases_run(settings, &why);
	if (status != EX_OK)
		fprintf(stderr, "newaliases: %s\n",
		    errors.count > 0 ? errors.texts[0] : why.text);
	settings_errors_free(&errors);
	settings_free(&settings);
	return status;
}
