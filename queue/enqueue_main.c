/* SPDX-License-Identifier: ISC */
/*
 * enqueue: the gate of the spool, started by a front or by pickup with the
 * session on descriptor 0 and the facts on 3. -c names mail.conf.
 */
#include "config.h"

#include "common/program_main.h"

#include "queue/enqueue.h"

const struct program program_table[] = {
	{ NULL, NULL },
};

int
main(int argc, char *argv[])
{
	static const struct program_main program = { .name = "enqueue",
		.log_name = "enqueue",
		.settings = "enqueue",
		.run = enqueue_program };

	return program_main(&program, argc, argv);
}
