/* SPDX-License-Identifier: ISC */
/*
 * relay-spawn: starts relay for qmgr; descriptor 0 is its pipe. Started by
 * init, merpatid or whoever starts qmgr. -c names mail.conf.
 */
#include "config.h"

#include "common/program_main.h"

#include "queue/relay.h"
#include "queue/relay_spawn.h"

/* relay is a fork of this process; tls is executed. */
const struct program program_table[] = {
	{ "relay", relay_run },
	{ NULL, NULL },
};

int
main(int argc, char *argv[])
{
	static const struct program_main program = { .name = "relay-spawn",
		.log_name = "relay-spawn",
		.settings = "relay",
		.run = relay_spawn_run };

	return program_main(&program, argc, argv);
}
