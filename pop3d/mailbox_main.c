/* SPDX-License-Identifier: ISC */
/*
 * pop3d-mailbox: POP3 after login, as the user. Executed by pop3d's front
 * with descriptors as in program.h. -c names mail.conf.
 */
#include "config.h"

#include "common/program_main.h"

#include "pop3d/mailbox.h"

const struct program program_table[] = {
	{ NULL, NULL },
};

static int
run(const struct settings *settings, int argc, char *const argv[])
{
	(void)argc;
	(void)argv;
	return pop3_mailbox_run(settings);
}

int
main(int argc, char *argv[])
{
	static const struct program_main program = { .name = "pop3d-mailbox",
		.log_name = "pop3d",
		.settings = "pop3d",
		.run = run };

	return program_main(&program, argc, argv);
}
