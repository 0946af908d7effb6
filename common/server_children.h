/* SPDX-License-Identifier: ISC */
/*
 * server_children - the fronts that the super-server has started.
 *
 * A front serves one connection after the other (front.h). It is busy from
 * the offer to its notice; between them it waits, its socket open. A front
 * that is to end has its socket closed and is waited for. A plain array: it
 * is walked once for each connection, and has at most max_connections
 * entries and those that wait.
 */
#ifndef COMMON_SERVER_CHILDREN_H
#define COMMON_SERVER_CHILDREN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "common/netaddr.h"

#define SERVER_FRONT_USES 200 /* connections; then a fresh one */
#define SERVER_IDLE_MAX   32  /* fronts that wait at once */
#define SERVER_IDLE_TIME  60  /* seconds that one waits */

struct server_child {
	pid_t pid;
	const char *program;
	int offers;            /* our end of FRONT_POOL; -1: it is to end */
	bool is_busy;
	struct netaddr peer;   /* when busy */
	unsigned int uses;
	int64_t since;         /* it waits, io_now() */
	int64_t began;         /* the connection, io_now() */
	bool is_trusted, is_logged_in, has_mail;
	bool is_leaving;       /* told to end: its place is free */
};

struct server_children {
	size_t count, size;
	size_t busy;
	struct server_child *items;
};

/* A front that waits for its first connection; offers is taken. */
struct server_child *server_children_add(struct server_children *children,
    pid_t pid, const char *program, int offers);
/* The front of this program that waited last, or NULL. */
struct server_child *server_children_waiting(
    struct server_children *children, const char *program);
void server_children_begin(struct server_children *children,
    struct server_child *child, const struct netaddr *peer);
struct server_child *server_children_find(
    const struct server_children *children, pid_t pid);
/* No more offers: it ends. */
void server_children_drop(struct server_child *child);
/* The notice of pid: it waits again, or is to end. */
void server_children_notice(struct server_children *children, pid_t pid);
/* It is reaped. False: not one of these. */
bool server_children_remove(struct server_children *children, pid_t pid);
/* How many connections the same client has (IPv6: the same /64). */
size_t server_children_count(
    const struct server_children *children, const struct netaddr *peer);
/* Let those end that wait since before; the busy ones after their
 * connection when all. */
void server_children_retire(
    struct server_children *children, int64_t before, bool all);
void server_children_kill(const struct server_children *children, int number);
void server_children_free(struct server_children *children);

#endif
