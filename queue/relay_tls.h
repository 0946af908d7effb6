/* SPDX-License-Identifier: ISC */
/*
 * relay_tls - TLS for relay, which has no OpenSSL and may start nothing.
 *
 * relay_tls_start, before the jail, forks a helper that may start programs
 * and reads nothing from the network. For each connection it is sent the
 * socket and the name to ask for, starts "tls -o HOST" on it, and sends back
 * what tls said and the plaintext end of it. tls ends with its descriptors,
 * the helper when relay does.
 */
#ifndef QUEUE_RELAY_TLS_H
#define QUEUE_RELAY_TLS_H

#include "common/result.h"
#include "common/settings.h"
#include "common/tls_status.h"

/* In the child this never returns. The descriptor, or -1 with why. */
int relay_tls_start(const struct settings *settings, struct why *why);
struct relay_tls_peer {
	const char *host;    /* the name to ask for */
	const char *domain;  /* whose MX it is, or ""; for tlsa */
	const char *tlsa;    /* dane.h: what it has to match; "" nothing */
	const char *address; /* for the log, as id */
	const char *id;
};

/* The plaintext descriptor, or -1: status->text says why. The caller closes
 * network whatever comes of it: tls has its own copy. */
int relay_tls_connect(int helper, int network,
    const struct relay_tls_peer *peer, struct tls_status *status);

#endif
