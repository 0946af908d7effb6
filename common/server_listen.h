/* SPDX-License-Identifier: ISC */
/*
 * server_listen - the sockets of the super-server.
 *
 * settings.listen says "smtp", "smtp:2525", "smtp:192.0.2.1:25" or
 * "pop3s:[::1]:995"; an entry without address means all addresses, IPv6
 * and IPv4 each by its own socket. No entry at all means every row of
 * listener_table on its own port.
 */
#ifndef COMMON_SERVER_LISTEN_H
#define COMMON_SERVER_LISTEN_H

#include <stdbool.h>

#include "common/front.h"
#include "common/netaddr.h"
#include "common/result.h"
#include "common/settings.h"

#define SERVER_LISTENERS_MAX 64
#define SERVER_BACKLOG       1024

struct server_socket {
	const struct listener *listener;
	struct netaddr address;
	int fd;
};

struct server_sockets {
	size_t count;
	struct server_socket items[SERVER_LISTENERS_MAX];
};

/* One entry of settings.listen. address->family 0: all addresses. */
bool server_listen_parse(struct slice entry, const struct listener **listener,
    struct netaddr *address, struct why *why);
/* Open all that settings want; sockets that old has already are moved from
 * there. False: some could not be opened, each is logged. */
bool server_listen_open(const struct settings *settings,
    struct server_sockets *old, struct server_sockets *out);
/* The one that inetd gives: listening, and shared with it. It is taken. */
void server_listen_take(
    const struct listener *listener, int fd, struct server_sockets *out);
void server_listen_close(struct server_sockets *sockets);

#endif
