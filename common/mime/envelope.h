/* SPDX-License-Identifier: ISC */
/*
 * envelope - the ENVELOPE of a message (RFC 3501 section 7.4.2).
 *
 * From the header alone. Encoded words are passed as they are. Sender and
 * Reply-To fall back to From. An absent field is NIL; a group is an address
 * with NIL host; an address without a domain has an empty host.
 */
#ifndef COMMON_MIME_ENVELOPE_H
#define COMMON_MIME_ENVELOPE_H

#include <stdbool.h>

#include "common/arena.h"
#include "common/buf.h"
#include "common/slice.h"

/* False when out or arena reached its ceiling; then out is as before. */
bool envelope_format(struct buf *out, struct slice header, struct arena *arena);

#endif
