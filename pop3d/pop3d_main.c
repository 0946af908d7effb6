/* SPDX-License-Identifier: ISC */
/*
 * pop3d: POP3 until login, from inetd, xinetd or systemd. merpatid has it
 * linked in. -c FILE names mail.conf, -s LISTENER is pop3 or pop3s.
 */
#include "config.h"

#include "common/program.h"

#include "pop3d/pop3d.h"

const struct program program_table[] = {
	{ NULL, NULL },
};

int
main(int argc, char *argv[])
{
	return front_main(&pop3d_front, argc, argv);
}
