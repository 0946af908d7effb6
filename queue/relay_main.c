/* SPDX-License-Identifier: ISC */
/*
 * relay: one agent of qmgr that speaks SMTP to other hosts; descriptor 0 is
 * its pipe. Started by relay-spawn. -c names mail.conf.
 */
#include "config.h"

#include "common/program_main.h"

#include "queue/relay.h"

/* tls is executed. */
const struct program program_table[] = {
	{ "relay", relay_run },
	{ NULL, NULL },
};

int
main(int argc, char *argv[])
{
	static const struct program_main program = { .name = "relay",
		.log_name = "relay",
		.settings = "relay",
		.run = relay_run };

	return program_main(&program, argc, argv);
}
