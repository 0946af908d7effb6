/* SPDX-License-Identifier: ISC */
/*
 * smtpd: one SMTP connection on descriptors 0 and 1, started by inetd,
 * xinetd, systemd or merpatid. -c names mail.conf, -s the listener.
 */
#include "config.h"

#include "smtpd/smtpd.h"

/* enqueue costs a fork; tls and auth are executed. */
const struct program program_table[] = {
	{ "enqueue", enqueue_program },
	{ NULL, NULL },
};

int
main(int argc, char *argv[])
{
	return front_main(&smtpd_front, argc, argv);
}
