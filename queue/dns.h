/* SPDX-License-Identifier: ISC */
/*
 * dns - a small stub resolver: MX, A and AAAA, and /etc/hosts.
 *
 * The files are read once, by resolver_open, before the jail; what is asked
 * afterwards needs only sockets. libresolv is not used: it may look at files
 * and make system calls that the jail forbids, at a moment of its own.
 * Each server is asked through UDP with a fresh random id from a fresh port,
 * then through TCP when the answer did not fit. Answers are kept for their
 * time to live, LIMIT_DNS_TTL at most; failures are not kept.
 */
#ifndef QUEUE_DNS_H
#define QUEUE_DNS_H

#include <stdint.h>

#include "common/buf.h"
#include "common/netaddr.h"
#include "common/slice.h"

#include "queue/dns_message.h"

#define RESOLVER_SERVERS 3
#define RESOLVER_CACHE   32

struct resolver_entry {
	struct dns_question question;
	int64_t expires; /* io_now() */
	struct dns_answer *answer;
};

struct resolver {
	struct netaddr servers[RESOLVER_SERVERS];
	size_t server_count;
	unsigned int timeout;  /* seconds per try */
	unsigned int attempts; /* rounds over all servers */
	struct buf hosts;      /* text of /etc/hosts */
	struct resolver_entry cache[RESOLVER_CACHE];
	size_t next; /* cache slot to be used next */
};

/* A file that is missing counts as empty: the server is then 127.0.0.1. */
void resolver_open(
    struct resolver *resolver, const char *resolv_conf, const char *hosts);
/* The text of a resolv.conf(5): "nameserver", "options timeout: attempts:".
 * "[1.2.3.4]:53" is understood as a server too, for tests. */
void resolver_configure(struct resolver *resolver, struct slice text);
void resolver_close(struct resolver *resolver);
/* Never NULL; valid until the next call. */
const struct dns_answer *
resolver_find(struct resolver *resolver, struct slice name, enum dns_type type);
/* Addresses of one family (A or AAAA) from hosts(5) text: how many. */
size_t hosts_find(struct slice hosts, struct slice name, enum dns_type type,
    struct netaddr *out, size_t max);
/* From the kernel. */
uint32_t resolver_random(void);

#endif
