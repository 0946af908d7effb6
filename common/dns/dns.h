/* SPDX-License-Identifier: ISC */
/*
 * dns - a small stub resolver: MX, A, AAAA, PTR, TXT, SRV, and /etc/hosts.
 *
 * The files are read once, by dns_open, before the jail; what is asked
 * afterwards needs only sockets. libresolv is not used: it may look at files
 * and make system calls that the jail forbids, at a moment of its own.
 * Each server is asked through UDP with a fresh random id from a fresh port,
 * then through TCP when the answer did not fit. DNS_CACHE answers are kept,
 * the oldest goes first: for their time to live, LIMIT_DNS_TTL at most, and
 * "no" for what its SOA says, LIMIT_DNS_NEGATIVE_TTL at most (RFC 2308);
 * failures of servers are not kept.
 */
#ifndef COMMON_DNS_DNS_H
#define COMMON_DNS_DNS_H

#include <stdint.h>

#include "common/buf.h"
#include "common/netaddr.h"
#include "common/slice.h"

#include "common/dns/dns_message.h"

#define DNS_SERVERS 3
#define DNS_CACHE   32

struct dns_entry {
	struct dns_question question;
	int64_t expires; /* io_now() */
	struct dns_answer *answer;
};

struct dns_resolver {
	struct netaddr servers[DNS_SERVERS];
	size_t server_count;
	unsigned int timeout;  /* seconds per try */
	unsigned int attempts; /* rounds over all servers */
	int64_t deadline;      /* nothing new is asked after it; 0: none */
	bool wants_dnssec;     /* ask all servers for AD */
	struct buf hosts;      /* text of /etc/hosts */
	struct dns_entry cache[DNS_CACHE];
	size_t next; /* cache slot to be used next */
};

/* A file that is missing counts as empty: the server is then 127.0.0.1. */
void dns_open(
    struct dns_resolver *resolver, const char *resolv_conf, const char *hosts);
/* The text of a resolv.conf(5): "nameserver", "options timeout: attempts:".
 * "[1.2.3.4]:53" is understood as a server too, for tests. */
void dns_configure(struct dns_resolver *resolver, struct slice text);
void dns_close(struct dns_resolver *resolver);
/* Never NULL; valid until the next call. */
const struct dns_answer *
dns_find(struct dns_resolver *resolver, struct slice name, enum dns_type type);
/* The parts of dns_find, for dns_many: the question (false: no name, it does
 * not exist), its answer from the cache (NULL: none), and an answer for it. */
bool dns_question_set(
    struct dns_question *question, struct slice name, enum dns_type type);
const struct dns_answer *dns_cached(
    const struct dns_resolver *resolver, const struct dns_question *question);
void dns_keep(struct dns_resolver *resolver,
    const struct dns_question *question, const struct dns_answer *answer);
/* Addresses of one family (A or AAAA) from hosts(5) text: how many. */
size_t hosts_find(struct slice hosts, struct slice name, enum dns_type type,
    struct netaddr *out, size_t max);
/* The first name of an address in hosts(5) text; empty when it has none. */
struct slice hosts_name(struct slice hosts, const struct netaddr *addr);
/* "4.3.2.1.zone", nibbles for IPv6 (RFC 1035 section 3.5, RFC 3596 section
 * 2.5, RFC 5782 section 2.4). zone NULL: in-addr.arpa or ip6.arpa. */
bool dns_reverse_format(
    struct buf *out, const struct netaddr *addr, const char *zone);
/* The name of an address that leads back to it, from the hosts text or by
 * PTR and then A or AAAA. False: there is none, or nobody can say now. */
bool dns_find_name(struct dns_resolver *resolver, const struct netaddr *addr,
    char *name, size_t size);
/* From the kernel. */
uint32_t dns_random(void);

#endif
