/* SPDX-License-Identifier: ISC */
/*
 * next_hop - the right side of route_map, sender_route_map and relayhost.
 *
 *   [lmtp:] HOST [:PORT]      A and AAAA of a host, never its MX
 *   [lmtp:] "[" HOST-OR-ADDRESS "]" [:PORT]
 *   lmtp:unix:/PATH           a socket of this machine
 *   mx: [DOMAIN [:PORT]]      the MX of a domain; of the mail's own if none
 *   srv:DOMAIN                RFC 6186 and 8314: _submissions, _submission
 *
 * then, after a blank, bind=ADDRESS[,ADDRESS]: where connections come from,
 * one address of each family at most. What follows a prefix must not be a
 * number alone, so "lmtp:24" is port 24 of a host called lmtp. A port of 0 in
 * the struct: the default one. Pure; what is wrong is said in why.
 */
#ifndef COMMON_NEXT_HOP_H
#define COMMON_NEXT_HOP_H

#include <stdbool.h>
#include <stdint.h>

#include "common/limits.h"
#include "common/netaddr.h"
#include "common/result.h"
#include "common/slice.h"

#define NEXT_HOP_NAME_SIZE (LIMIT_SMTP_DOMAIN + 1)
#define NEXT_HOP_LMTP_PORT 24

enum next_hop_kind {
	NEXT_HOP_HOST,
	NEXT_HOP_MX,
	NEXT_HOP_SERVICE,
	NEXT_HOP_SOCKET
};

struct next_hop {
	enum next_hop_kind kind;
	bool is_lmtp;
	char name[NEXT_HOP_NAME_SIZE]; /* host, domain or path; "" with mx: */
	uint16_t port;                 /* 0: the default */
	struct netaddr bind4, bind6;   /* family 0: any */
};

/* "1.2.3.4", "2001:db8::1" and "IPv6:2001:db8::1" (RFC 5321 section 4.1.3),
 * text without the brackets. */
bool next_hop_parse_address(struct slice text, struct netaddr *addr);
/* "ADDRESS[,ADDRESS]", empty for none. */
bool next_hop_parse_bind(struct slice text, struct next_hop *hop);
bool next_hop_parse(
    struct slice text, struct next_hop *hop, struct why *why) MUST_CHECK;
/* The first word: what relay_map has as its key. */
struct slice next_hop_key(struct slice text);

#endif
