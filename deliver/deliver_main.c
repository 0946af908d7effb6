/* SPDX-License-Identifier: ISC */
/*
 * deliver: the delivery agent; descriptor 0 is its pipe to qmgr. Started by
 * deliver-spawn as the user. -c names mail.conf.
 */
#include "config.h"

#include "common/program_main.h"

#include "deliver/deliver.h"

const struct program program_table[] = {
	{ "deliver", deliver_run },
	{ NULL, NULL },
};

int
main(int argc, char *argv[])
{
	static const struct program_main program = { .name = "deliver",
		.log_name = "deliver",
		.settings = "deliver",
		.run = deliver_run };

	return program_main(&program, argc, argv);
}
