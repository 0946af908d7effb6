/* SPDX-License-Identifier: ISC */
/*
 * nstring - strings as an IMAP server says them (RFC 3501 section 9): NIL,
 * quoted, or literal when a byte cannot be quoted (CR, LF, 8 bit) or the
 * string is long. NUL, which IMAP cannot say, becomes 0x80.
 */
#ifndef COMMON_MIME_NSTRING_H
#define COMMON_MIME_NSTRING_H

#include <stdbool.h>

#include "common/buf.h"
#include "common/slice.h"

/* Never NIL. */
bool imap_add_string(struct buf *out, struct slice s);
/* NIL when s is empty. */
bool imap_add_nstring(struct buf *out, struct slice s);

#endif
