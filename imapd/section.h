/* SPDX-License-Identifier: ISC */
/*
 * section - the bytes of BODY[section] (RFC 3501 section 6.4.5).
 */
#ifndef IMAPD_SECTION_H
#define IMAPD_SECTION_H

#include <stdbool.h>

#include "common/buf.h"
#include "common/slice.h"

#include "imapd/content.h"
#include "imapd/fetch.h"

/* False: the message has no such part (the answer is NIL). The slice points
 * into message or, for selected header fields, into scratch. */
bool section_find(struct content *message, const struct fetch_item *item,
    struct buf *scratch, struct slice *out);
/* The part of s that <offset.length> asks for. */
struct slice section_partial(const struct fetch_item *item, struct slice s);
/* How much of the file the item needs. */
enum content_part section_needs(const struct fetch_item *item);

#endif
