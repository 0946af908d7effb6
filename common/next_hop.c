/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "common/next_hop.h"

#include <string.h>

#define BLANKS S(" \t")

bool
next_hop_parse_address(struct slice text, struct netaddr *addr)
{
	if (slice_starts_nocase(text, S("IPv6:")))
		text = slice_from(text, 5);
	return netaddr_parse(text, addr);
}

bool
next_hop_parse_bind(struct slice text, struct next_hop *hop)
{
	struct slice word;
	struct netaddr addr, *to;

	while (slice_token(&text, S(", \t"), &word)) {
		if (!next_hop_parse_address(word, &addr))
			return false;
		to = addr.family == 4 ? &hop->bind4 : &hop->bind6;
		if (to->family != 0)
			return false;
		*to = addr;
	}
	return true;
}

struct slice
next_hop_key(struct slice text)
{
	struct slice word = { NULL, 0 };

	slice_token(&text, BLANKS, &word);
	return word;
}

/* A prefix, unless it is a host with a port. */
static bool
take_prefix(struct slice *text, struct slice prefix)
{
	struct slice rest = slice_from(*text, prefix.len);
	uint64_t number;

	if (!slice_starts_nocase(*text, prefix) ||
	    slice_u64(rest, UINT64_MAX, &number))
		return false;
	*text = rest;
	return true;
}

static bool
parse_port(struct slice text, uint16_t *port)
{
	uint64_t number = 0;

	if (text.len == 0)
		return true;
	if (!slice_u64(text, UINT16_MAX, &number) || number == 0)
		return false;
	*port = (uint16_t)number;
	return true;
}

/* "host", "host:port", "[host]", "[host]:port" */
static bool
parse_host(struct slice text, struct next_hop *hop)
{
	struct slice host, rest;

	if (!slice_starts(text, S("["))) {
		slice_cut(text, ':', &host, &rest);
	} else {
		if (!slice_cut(slice_from(text, 1), ']', &host, &rest) ||
		    (rest.len > 0 && rest.ptr[0] != ':'))
			return false;
		rest = slice_from(rest, 1);
	}
	return host.len > 0 && parse_port(rest, &hop->port) &&
	       slice_to_array(host, hop->name, sizeof(hop->name));
}

static bool
parse_where(struct slice text, struct next_hop *hop)
{
	if (take_prefix(&text, S("mx:"))) {
		hop->kind = NEXT_HOP_MX;
		return text.len == 0 || parse_host(text, hop);
	}
	if (take_prefix(&text, S("srv:"))) {
		hop->kind = NEXT_HOP_SERVICE;
		return parse_host(text, hop) && hop->port == 0;
	}
	if (!take_prefix(&text, S("lmtp:")))
		return parse_host(text, hop);
	hop->is_lmtp = true;
	if (!take_prefix(&text, S("unix:")))
		return parse_host(text, hop);
	hop->kind = NEXT_HOP_SOCKET;
	return slice_starts(text, S("/")) &&
	       text.len <= LIMIT_FILTER_SOCKET_PATH &&
	       slice_to_array(text, hop->name, sizeof(hop->name));
}

bool
next_hop_parse(struct slice text, struct next_hop *hop, struct why *why)
{
	struct slice rest = text, word = { NULL, 0 };

	memset(hop, 0, sizeof(*hop));
	slice_token(&rest, BLANKS, &word);
	if (!parse_where(word, hop))
		return why_set(
		    why, "next hop \"%.*s\" is not host:port", SLICE_FMT(text));
	while (slice_token(&rest, BLANKS, &word))
		if (!slice_starts(word, S("bind=")) || word.len == 5 ||
		    !next_hop_parse_bind(slice_from(word, 5), hop))
			return why_set(why,
			    "next hop \"%.*s\": \"%.*s\" is not bind=ADDRESS",
			    SLICE_FMT(text), SLICE_FMT(word));
	return true;
}
