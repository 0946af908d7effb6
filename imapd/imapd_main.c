/* SPDX-License-Identifier: ISC */
/*
 * imapd: one IMAP connection on descriptors 0 and 1, started by inetd,
 * xinetd, systemd or merpatid. -c names mail.conf, -s the listener.
 */
#include "config.h"

#include "common/front.h"

#include "imapd/imapd.h"

/* tls, auth and imapd-mailbox are executed. */
const struct program program_table[] = {
	{ "imapd", imapd_program },
	{ NULL, NULL },
};

int
main(int argc, char *argv[])
{
	return front_main(&imapd_front, argc, argv);
}
