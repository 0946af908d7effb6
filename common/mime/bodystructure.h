/* SPDX-License-Identifier: ISC */
/*
 * bodystructure - BODY and BODYSTRUCTURE of a part and all below it
 * (RFC 3501 section 7.4.2), from the tree of structure.h.
 *
 * The message parsed has CRLF line ends, so sizes are those of the wire.
 * BODYSTRUCTURE always has every extension field: phones take a picture
 * without them for text. False when out or arena reached its ceiling; then
 * out is as before.
 */
#ifndef COMMON_MIME_BODYSTRUCTURE_H
#define COMMON_MIME_BODYSTRUCTURE_H

#include <stdbool.h>

#include "common/arena.h"
#include "common/buf.h"
#include "common/mime/structure.h"

bool bodystructure_format(struct buf *out, const struct mime_part *part,
    bool is_extended, struct arena *arena);

#endif
