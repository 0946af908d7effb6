/* SPDX-License-Identifier: ISC */
/*
 * verify: opinions on one connection, started by the front of smtpd with
 * enqueue on descriptor 0. -c names mail.conf.
 */
#include "config.h"

#include "common/program_main.h"

#include "smtpd/verify.h"

const struct program program_table[] = {
	{ NULL, NULL },
};

int
main(int argc, char *argv[])
{
	static const struct program_main program = { .name = "verify",
		.log_name = "verify",
		.settings = "smtpd",
		.run = verify_program };

	return program_main(&program, argc, argv);
}
