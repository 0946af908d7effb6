/* SPDX-License-Identifier: ISC */
/*
 * server_inetd - the super-server as inetd's "wait" service.
 *
 * inetd, xinetd or systemd (Accept=no) gives a listening socket on 0 and
 * waits for this process to end: it serves all connections of one listener
 * with fronts that it keeps, and ends when nobody has come for a while, or
 * with inetd. While mail.conf is in error every client is told so, as a
 * front would do it.
 */
#ifndef COMMON_SERVER_INETD_H
#define COMMON_SERVER_INETD_H

/* path NULL: the default; listener: "smtp". Returns the exit code. */
int server_inetd_run(const char *path, const char *listener);

#endif
