/* SPDX-License-Identifier: ISC */
/*
 * base64 - RFC 4648 section 4, on slices.
 */
#ifndef COMMON_BASE64_H
#define COMMON_BASE64_H

#include <stdbool.h>

#include "common/buf.h"
#include "common/slice.h"

/* Strict: whole groups of four, correct padding, nothing else. */
bool base64_decode(struct slice text, struct buf *out);
/* One line without line ends. */
bool base64_encode(struct slice bytes, struct buf *out);
/* MIME body: lines of 76 with CRLF. */
bool base64_encode_lines(struct slice bytes, struct buf *out);

#endif
