/* SPDX-License-Identifier: ISC */
/*
 * idna - domain names with U-labels as DNS and our tables have them: A-labels
 * (RFC 5890 section 2.3.2.1, Punycode of RFC 3492). Pure.
 *
 * Code points are taken as they come (RFC 6531 section 3.7.1 wants NFC of the
 * sender and forbids nobody to ask DNS); only ASCII letters become lower
 * case. What is no name by its A-labels is refused.
 */
#ifndef COMMON_IDNA_H
#define COMMON_IDNA_H

#include <stdbool.h>

#include "common/address.h"
#include "common/arena.h"
#include "common/buf.h"
#include "common/slice.h"

/* Append domain with each U-label as its A-label. False: malformed UTF-8, a
 * label over 63 bytes or a name over LIMIT_SMTP_DOMAIN. */
bool idna_to_ascii(struct slice domain, struct buf *out);
/* The same of an address's domain, in the arena when it changes. */
bool idna_address(struct address *address, struct arena *arena);

#endif
