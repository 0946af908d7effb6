/* SPDX-License-Identifier: ISC */
/*
 * dns_many - many questions to the name servers at once.
 *
 * For lists of clients, whose weights are added up: one that is silent must
 * not take the time of the others. Each question is what dns_find would ask
 * (cache, fresh id, fresh port, all tries), on a socket of its own, at most
 * DNS_MANY_SOCKETS at a time. An answer that does not fit into a datagram is
 * asked for through TCP when all others are told.
 */
#ifndef COMMON_DNS_DNS_MANY_H
#define COMMON_DNS_DNS_MANY_H

#include "common/dns/dns.h"

#define DNS_MANY_SOCKETS 16

/* The answer to the index-th name; valid until it returns. False: no more of
 * them are wanted. */
typedef bool dns_tell_fn(
    void *context, size_t index, const struct dns_answer *answer);

struct dns_many {
	const struct slice *names;
	size_t count;
	enum dns_type type;
	dns_tell_fn *tell;
	void *context;
};

/* Tells each name once, as answers come; those that have none by the
 * resolver's deadline as DNS_TEMPORARY. */
void dns_find_many(
    struct dns_resolver *resolver, const struct dns_many *wanted);

#endif
