/* SPDX-License-Identifier: ISC */
/*
 * address - RFC 5321 paths and RFC 5322 address lists. No I/O.
 *
 * Nothing here allocates but through the arena given; slices point into the
 * input or the arena. Grammar is accepted, not patterns: one function per
 * production. UTF-8 (RFC 6531 section 3.3) is taken in paths where the
 * caller says so, and kept in header display names; no normal form is asked
 * for.
 */
#ifndef COMMON_ADDRESS_H
#define COMMON_ADDRESS_H

#include <stdbool.h>

#include "common/arena.h"
#include "common/buf.h"
#include "common/result.h"
#include "common/slice.h"

/*
 * A mailbox. local is the value: quotes and backslashes of a quoted string
 * are taken off. domain is as written, without a final dot; for an address
 * literal it includes the brackets. Both empty: the null reverse-path.
 */
struct address {
	struct slice local;
	struct slice domain;
};

/*
 * The argument of MAIL FROM: or RCPT TO: at the start of *input: "<path>" with
 * source route ignored, or, as people type it, blanks before it and no
 * brackets at all. *input moves to what follows (ESMTP parameters). RFC 5321
 * section 4.1.2.
 * "<>" is accepted when may_be_null; "<postmaster>" (no domain) when
 * may_be_local. Errors: enhanced status 5.1.3, 5.1.7 in why->status.
 */
struct address_syntax {
	bool may_be_null;
	bool may_be_local;
	bool may_be_utf8; /* local part, and labels of the domain */
};
bool address_parse_path(struct slice *input, struct address_syntax syntax,
    struct arena *arena, struct address *out, struct why *why);
/* A bare "local@domain" or "local", whole input, perhaps UTF-8. */
bool address_parse(struct slice input, struct arena *arena,
    struct address *out);
/* Append local@domain, quoting local when RFC 5321 asks for it. */
bool address_format(struct buf *out, const struct address *address);
bool address_is_null(const struct address *address);
/* RFC 5321 Domain: letters, digits, hyphens, dots; or an address literal. */
bool domain_is_valid(struct slice domain);
/* The same where labels may be UTF-8 (U-labels), at least one of them. */
bool domain_is_valid_utf8(struct slice domain);

/*
 * RFC 5322 address-list, tolerant (obsolete syntax, comments, missing
 * commas): calls each() for every mailbox and group edge, in order. Linear
 * time, no recursion, at most LIMIT_ADDRESSES items. A comment after an
 * address without a phrase is its display ("a@b (Ann)").
 */
enum address_item_kind { ADDRESS_MAILBOX, ADDRESS_GROUP_START,
	ADDRESS_GROUP_END };
struct address_item {
	enum address_item_kind kind;
	struct slice display; /* value; phrase or group name; may be empty */
	struct slice route;   /* obsolete source route, "@a,@b", or empty */
	struct address address;
};
typedef bool address_item_fn(void *context, const struct address_item *item);
/* False when each() returned false or memory ran into the arena's ceiling. */
bool address_list_parse(struct slice field_body, struct arena *arena,
    address_item_fn *each, void *context);

#endif
