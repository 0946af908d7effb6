/* SPDX-License-Identifier: ISC */
/*
 * client_options - what the driver of the SMTP client says about a host
 * before the first word, and what the host says in its reply to EHLO.
 *
 * Text belongs to the driver and must live as long as the client.
 */
#ifndef QUEUE_CLIENT_OPTIONS_H
#define QUEUE_CLIENT_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "common/settings.h"
#include "common/slice.h"

enum client_extension {
	CLIENT_PIPELINING = 1 << 0,
	CLIENT_8BITMIME = 1 << 1,
	CLIENT_SIZE = 1 << 2,
	CLIENT_STARTTLS = 1 << 3,
	CLIENT_AUTH_PLAIN = 1 << 4,
	CLIENT_AUTH_LOGIN = 1 << 5,
	CLIENT_CHUNKING = 1 << 6,
	CLIENT_BINARYMIME = 1 << 7,
	CLIENT_SMTPUTF8 = 1 << 8,
	CLIENT_DSN = 1 << 9,
	CLIENT_REQUIRETLS = 1 << 10,
	CLIENT_DELIVERBY = 1 << 11,
	CLIENT_PRIORITY = 1 << 12,
	CLIENT_AUTH_SCRAM = 1 << 13,
	CLIENT_AUTH_OAUTHBEARER = 1 << 14,
	CLIENT_AUTH_XOAUTH2 = 1 << 15,
};

struct client_options {
	const char *hostname;
	enum tls_level tls_level;
	bool is_tls_first;   /* before the greeting (RFC 8314 section 3.3) */
	bool is_tls_avoided; /* a handshake with this host has failed */
	bool is_own_address; /* the peer's address is ours */
	bool may_auth_in_clear;
	bool requires_tls; /* RFC 8689: TLS, verified, and REQUIRETLS */
	bool is_lmtp;      /* RFC 2033 */
	struct slice login, password; /* "" none */
	bool is_token;     /* the password is one: OAUTHBEARER, XOAUTH2 */
	const char *nonce; /* fresh, for SCRAM */
};

/* RFC 9422: what the host takes at most; 0 it does not say. */
struct client_limits {
	uint64_t recipients; /* RCPTMAX, of one transaction */
	uint64_t messages;   /* MAILMAX, of one connection */
	uint64_t domains;    /* RCPTDOMAINMAX, of one transaction */
};

#endif
