/* SPDX-License-Identifier: ISC */
/*
 * deliver-spawn: forks deliver as the user; descriptor 0 is its pipe to qmgr.
 * Started by whoever starts qmgr. -c names mail.conf.
 */
#include "config.h"

#include "common/program_main.h"

#include "deliver/deliver.h"
#include "deliver/spawn.h"

/* deliver is a fork of this process. */
const struct program program_table[] = {
	{ "deliver", deliver_run },
	{ NULL, NULL },
};

int
main(int argc, char *argv[])
{
	static const struct program_main program = { .name = "deliver-spawn",
		.log_name = "deliver-spawn",
		.settings = "deliver",
		.run = deliver_spawn_run };

	return program_main(&program, argc, argv);
}
