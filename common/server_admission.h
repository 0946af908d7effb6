/* SPDX-License-Identifier: ISC */
/*
 * server_admission - who gets a place when places are few. No I/O, no clock.
 *
 * Trusted clients (mynetworks, this host) are bound by the number of places
 * alone. A stranger may hold rate_client places, its network (/24, /48) a
 * quarter of all, at least rate_client. When all are taken, a newcomer gets
 * the place of a stranger who is not logged in, of those first who have not
 * begun a message: the oldest one of the most crowded address within the
 * most crowded /24 of the most crowded /16 (IPv6: /64, /48, /32), when that
 * crowd is larger than the newcomer's own; else the oldest one of all, when
 * it has been held for some time. So whoever opens many connections competes
 * with itself, and whoever comes from many networks can hold a place for
 * that long alone; a host that is not full ends nobody.
 */
#ifndef COMMON_SERVER_ADMISSION_H
#define COMMON_SERVER_ADMISSION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/netaddr.h"
#include "common/server_children.h"
#include "common/settings.h"

/* Milliseconds: without and with a message begun. */
#define ADMISSION_PATIENCE      (2 * 1000)
#define ADMISSION_PATIENCE_MAIL (60 * 1000)

struct admission_limits {
	size_t places;     /* max_connections; 0: no limit */
	size_t per_client; /* rate_client; 0: no limit */
};

struct admission_limits admission_limits_of(const struct settings *settings);
/* mynetworks, and this host itself: 127.0.0.1 and ::1; the rest of
 * 127.0.0.0/8 may be anybody of it. */
bool admission_is_trusted(
    const struct settings *settings, const struct netaddr *peer);

struct newcomer {
	struct netaddr peer;
	bool is_trusted;
	bool is_proxy;     /* many clients behind one address */
	int64_t now;       /* io_now() */
};

enum admission {
	ADMISSION_YES,
	ADMISSION_EVICT,   /* yes, when children->items[*victim] ends */
	ADMISSION_CLIENT,  /* too many of this client */
	ADMISSION_NETWORK, /* too many of its network */
	ADMISSION_FULL,
};

enum admission admission_decide(const struct admission_limits *limits,
    const struct server_children *children, const struct newcomer *newcomer,
    size_t *victim);
/* Has a client that a proxy named too many places, with this one? */
bool admission_is_over(const struct admission_limits *limits,
    const struct server_children *children,
    const struct server_child *child);

#endif
