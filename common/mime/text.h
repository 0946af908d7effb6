/* SPDX-License-Identifier: ISC */
/*
 * text - from what stands in a message to UTF-8 that can be searched.
 *
 * Transfer encodings (RFC 2045 section 6), charsets, encoded words (RFC 2047)
 * and case folding. Input may be damaged in any way: what cannot be decoded
 * is taken as it is or replaced. Charsets are UTF-8, US-ASCII, ISO-8859-1 and
 * windows-1252, and those of charset_table.h; text in others stays as it is.
 * All append to out; false when its ceiling is reached.
 */
#ifndef COMMON_MIME_TEXT_H
#define COMMON_MIME_TEXT_H

#include <stdbool.h>

#include "common/buf.h"
#include "common/slice.h"

/* "base64", "quoted-printable"; anything else is a copy. */
bool transfer_decode(struct slice encoding, struct slice body, struct buf *out);
/* Without the limits of base64.h: bytes that are no base64 are skipped. */
bool transfer_decode_base64(struct slice body, struct buf *out);
/* is_word: "_" is a space (RFC 2047 section 4.2). */
bool transfer_decode_quoted(struct slice body, bool is_word, struct buf *out);
bool charset_to_utf8(struct slice charset, struct slice bytes, struct buf *out);
/* An unfolded or folded header field body. */
bool encoded_word_decode(struct slice body, struct buf *out);
/* UTF-8 for a header field with a name of up to 10 letters, folded. */
bool encoded_word_encode(struct slice utf8, struct buf *out);
/* Lower case for Latin, Greek and Cyrillic letters; the rest stays. */
bool text_fold_case(struct slice utf8, struct buf *out);

#endif
