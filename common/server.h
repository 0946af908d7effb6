/* SPDX-License-Identifier: ISC */
/*
 * server - the inetd-compatible super-server's loop.
 *
 * Accepts, applies max_connections and rate_client (server_admission.h),
 * starts the listener's front
 * with the socket on 0 and 1 through program_spawn, and keeps qmgr running,
 * with back-off. Signals come through a descriptor, so none is lost: SIGCHLD
 * reaps, SIGHUP re-reads the settings and changes the sockets to what they
 * say, SIGTERM and SIGINT end every child and return. mail.conf is looked at
 * before each connection, so an edited setting needs no signal; one in error
 * changes nothing and is logged.
 */
#ifndef COMMON_SERVER_H
#define COMMON_SERVER_H

#include <stdbool.h>

#include "common/result.h"
#include "common/server_listen.h"
#include "common/server_settings.h"

struct server;

/* Takes the settings, which were read from path (NULL: the default). NULL:
 * a socket could not be opened, logged. */
struct server *server_new(struct server_settings *settings, const char *path);
/* inetd's "wait" way: fd listens, as listener says, and is taken; no qmgr.
 * server_run returns when nobody has connected for SERVER_IDLE_TIME. */
struct server *server_new_inetd(struct server_settings *settings,
    const char *path, const struct listener *listener, int fd);
/* Until SIGTERM: true. False with why when it cannot go on. */
bool server_run(struct server *server, struct why *why);
void server_free(struct server **server);

#endif
