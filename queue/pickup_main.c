/* SPDX-License-Identifier: ISC */
/*
 * pickup: one pass over spool/drop, started by qmgr when something is there.
 * -c names mail.conf. Needs the rights of _mpqueue.
 */
#include "config.h"

#include "common/program_main.h"

#include "queue/pickup.h"

const struct program program_table[] = {
	{ NULL, NULL },
};

int
main(int argc, char *argv[])
{
	static const struct program_main program = { .name = "pickup",
		.log_name = "pickup",
		.settings = "pickup",
		.run = pickup_program };

	return program_main(&program, argc, argv);
}
