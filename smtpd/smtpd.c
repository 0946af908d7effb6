/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "smtpd/smtpd.h"

#include "smtpd/session_io.h"

const struct front smtpd_front = {
	.program = "smtpd",
	.jail = "smtpd-session",
	.session = session_io_run,
	.has_enqueue = true,
};

int
smtpd_program(const struct settings *settings, int argc, char *const argv[])
{
	return front_run(&smtpd_front, settings, argc, argv);
}
