/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "imapd/imapd.h"

#include "imapd/login_io.h"

const struct front imapd_front = {
	.program = "imapd",
	.jail = "imapd-login",
	.session = login_io_run,
	.mailbox = "imapd-mailbox",
};

int
imapd_program(const struct settings *settings, int argc, char *const argv[])
{
	return front_run(&imapd_front, settings, argc, argv);
}
