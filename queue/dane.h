/* SPDX-License-Identifier: ISC */
/*
 * dane - what the name servers say of a mail host's certificate (RFC 7672).
 *
 * For levels dane and dane-only, from a level to what has to be done with one
 * host. Only where MX, addresses and TLSA are all vouched for (AD) by servers
 * that dns_trust believes (section 2.2.1 and 2.2.2); else dane is as may, and
 * dane-only puts the mail off. Records of usage 2 and 3 with a digest are
 * used (section 3.1); where there are only others, TLS is a must and nobody
 * is authenticated. A lookup that fails says nothing: such a host gets no
 * mail (section 2.1.2), as it would where somebody hides the records. Pure
 * but for the question, which a function asks.
 */
#ifndef QUEUE_DANE_H
#define QUEUE_DANE_H

#include <stdbool.h>

#include "common/result.h"
#include "common/settings.h"

#include "queue/route_mx.h"

#define DANE_RECORDS      8
#define DANE_RECORD_SIZE  136 /* "3 1 2 " and 128 digits */
#define DANE_RECORDS_SIZE (DANE_RECORDS * DANE_RECORD_SIZE)

struct dane {
	enum tls_level level; /* MAY, ENCRYPT or VERIFY */
	/* "3 1 1 HEX,2 0 1 HEX": one has to match; "": the authorities and the
	 * name decide. */
	char records[DANE_RECORDS_SIZE];
};

struct dane_request {
	enum tls_level level; /* DANE or DANE_ONLY */
	bool is_trusted;      /* dns_trust believes the servers */
	route_find_fn *find;
	void *context;
};

/* RESULT_LATER: why this host gets no mail now. */
enum result
dane_find(const struct dane_request *request, const struct route_mx *route,
    const struct route_target *target, struct dane *dane, struct why *why);

#endif
