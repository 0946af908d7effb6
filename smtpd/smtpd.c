/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "smtpd/smtpd.h"

#include "common/front.h"

#include "smtpd/session_io.h"

int
smtpd_program(const struct settings *settings, int argc, char *const argv[])
{
	static const struct front front = {
		.program = "smtpd",
		.jail = "smtpd-session",
		.session = session_io_run,
		.has_enqueue = true,
	};

	return front_run(&front, settings, argc, argv);
}
