/* SPDX-License-Identifier: ISC */
/*
 * server_children - what the super-server has started.
 *
 * A plain array: it is walked once for each connection, and has at most
 * max_connections entries.
 */
#ifndef COMMON_SERVER_CHILDREN_H
#define COMMON_SERVER_CHILDREN_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "common/netaddr.h"

struct server_child {
	pid_t pid;
	struct netaddr peer;
};

struct server_children {
	size_t count, size;
	struct server_child *items;
};

void server_children_add(
    struct server_children *children, pid_t pid, const struct netaddr *peer);
/* False: not one of these. */
bool server_children_remove(struct server_children *children, pid_t pid);
/* How many come from the same client (IPv6: the same /64). */
size_t server_children_count(
    const struct server_children *children, const struct netaddr *peer);
void server_children_kill(const struct server_children *children, int number);
void server_children_free(struct server_children *children);

#endif
