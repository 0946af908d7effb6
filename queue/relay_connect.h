/* SPDX-License-Identifier: ISC */
/*
 * relay_connect - a connection to a mail host, and which family works.
 *
 * When a host has addresses of both families, the second one gets its chance
 * RELAY_HEAD_START after the first (RFC 8305 section 5), and the connection
 * that stands first is kept. Which family that was is remembered for
 * RELAY_FAMILIES hosts, the oldest goes first. Connections come from the
 * addresses that the next hop or the settings say.
 */
#ifndef QUEUE_RELAY_CONNECT_H
#define QUEUE_RELAY_CONNECT_H

#include "common/next_hop.h"

#include "queue/route_mx.h"

/* "host[address]:port", cut when the host name is too long */
#define RELAY_REMOTE_SIZE 384
#define RELAY_HEAD_START  250 /* ms */
#define RELAY_FAMILIES    64

struct relay_families {
	struct {
		char host[DNS_NAME_SIZE];
		uint8_t family;
	} known[RELAY_FAMILIES];
	size_t next;
};

struct relay_way {
	const struct route_target *first;
	const struct route_target *second; /* the other family, or NULL */
	struct netaddr bind4, bind6;       /* family 0: any */
};

/* The other family of the host of targets[at], when it comes next. */
const struct route_target *
relay_connect_second(const struct route_mx *route, size_t at);
/* A socket and which of the two it is; -1 with errno of the first. */
int relay_connect(const struct relay_way *way, int64_t deadline,
    const struct route_target **winner);
void relay_families_learn(
    struct relay_families *families, const struct route_target *target);
/* 4, 6, or 0: unknown. */
uint8_t
relay_families_find(const struct relay_families *families, struct slice host);
void relay_remote_format(
    char text[RELAY_REMOTE_SIZE], const char *host, const struct netaddr *addr);

#endif
