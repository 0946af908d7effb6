/* SPDX-License-Identifier: ISC */
/*
 * route_mx - from a destination to the addresses to try, in order.
 *
 * RFC 5321 section 5.1: the MX hosts by preference, equal ones in random
 * order; when this host is in the list, it and every host not better than it
 * is left out; a domain without MX is its own host. "." as the only MX means
 * no mail at all (RFC 7505). An address literal is its own address.
 * A next hop (next_hop.h) is used instead of the domain; its host is looked up
 * in /etc/hosts and then as A and AAAA. What is wrong with it is for later:
 * 4.3.5, 4.4.3, 4.4.4. SRV hosts come in the order of RFC 2782.
 * The addresses of a host come one of each family in turn, the one that
 * "prefer" says first, else IPv4; either may be switched off (smtp_ipv4,
 * smtp_ipv6). Asks its questions through a function, so tests need no network.
 */
#ifndef QUEUE_ROUTE_MX_H
#define QUEUE_ROUTE_MX_H

#include <stdbool.h>
#include <stdint.h>

#include "common/limits.h"
#include "common/netaddr.h"
#include "common/next_hop.h"
#include "common/result.h"
#include "common/slice.h"

#include "common/dns/dns_message.h"

struct route_target {
	char host[DNS_NAME_SIZE];
	struct netaddr addr; /* with port; family 0: host is a path */
	bool is_tls_first;   /* a host of _submissions */
	bool is_secure;      /* DNSSEC, or /etc/hosts, vouches for addr */
};

struct route_mx {
	struct next_hop hop; /* as the next hop says; else zero */
	bool is_secure;      /* so does DNSSEC, or who wrote the next hop, for
			      * the names of the hosts */
	size_t count;
	struct route_target targets[LIMIT_RELAY_ADDRESSES];
};

typedef const struct dns_answer *
route_find_fn(void *context, struct slice name, enum dns_type type);

/* 4, 6, or 0: the family by which the host answered last. */
typedef uint8_t route_prefer_fn(void *context, struct slice host);

struct route_request {
	struct slice domain;
	struct slice nexthop; /* "" none */
	const char *hostname; /* our own */
	uint16_t port;        /* of MX hosts */
	bool has_ipv4, has_ipv6;
	struct slice hosts; /* text of /etc/hosts */
	route_find_fn *find;
	route_prefer_fn *prefer; /* NULL: IPv4 */
	void *context;
	uint32_t seed; /* for the order among equals */
};

/* RESULT_OK: at least one target. Otherwise why has the status code. */
enum result route_mx_find(const struct route_request *request,
    struct route_mx *route, struct why *why);
/* In place: order the list and cut it; how many are left. */
size_t route_mx_order(
    struct dns_record *list, size_t count, uint32_t seed, const char *hostname);
void route_srv_order(struct dns_record *list, size_t count, uint32_t seed);

#endif
