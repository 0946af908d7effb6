/* SPDX-License-Identifier: ISC */
/*
 * relay_delivery - one job: which hosts, in which order, and the verdicts.
 *
 * An open session to the same destination is used first. Else at most
 * LIMIT_RELAY_ADDRESSES addresses are tried, until LIMIT_RELAY_SESSIONS of
 * them have spoken; recipients that one host put off are tried at the next.
 * Every recipient gets exactly one verdict, and its remote is the host that
 * gave it ("none" when no host did).
 */
#ifndef QUEUE_RELAY_DELIVERY_H
#define QUEUE_RELAY_DELIVERY_H

#include "common/arena.h"
#include "common/job.h"
#include "common/settings.h"

#include "common/dns/dns.h"
#include "queue/relay_session.h"

struct relay {
	const struct settings *settings;
	struct dns_resolver resolver;
	int tls_helper;
	int outside;      /* relay_outside.h, or -1 */
	struct buf token; /* the session's */
	struct relay_families families;
	struct next_hop source; /* smtp_bind_address: bind4 and bind6 alone */
	struct relay_session session;
	struct buf destination; /* the session's: domain, next hop, login */
};

struct relay *relay_new(const struct settings *settings,
    const char *resolv_conf, const char *hosts);
void relay_free(struct relay **relay);
/* verdicts: one per recipient of the job, in its order. */
void relay_deliver(struct relay *relay, const struct job *job, int spool,
    struct verdict *verdicts);

#endif
