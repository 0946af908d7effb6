/* SPDX-License-Identifier: ISC */
/*
 * encode - transfer encodings of a body that is fed in pieces (RFC 2045
 * sections 6.7 and 6.8).
 *
 * Pieces are bytes with or without a CRLF before them, as mime_walk.h gives
 * them; the result does not depend on the split. Lines are at most 76
 * characters, none ends in a blank, and the last one is left without its
 * line end, which belongs to what follows. Into out at most
 * ENCODE_GROWTH bytes per byte fed, and ENCODE_EXTRA.
 */
#ifndef QUEUE_ENCODE_H
#define QUEUE_ENCODE_H

#include <stdbool.h>
#include <stdint.h>

#include "common/buf.h"
#include "common/slice.h"

#define ENCODE_GROWTH 4
#define ENCODE_EXTRA  128

enum encode_how {
	ENCODE_COPY,
	ENCODE_MASK,   /* 8-bit bytes and NUL as "?" */
	ENCODE_OMIT,   /* 8-bit bytes and NUL left out: base64 with dirt */
	ENCODE_ESCAPE, /* the same as =XX: quoted-printable with dirt */
	ENCODE_QUOTED,
	ENCODE_BASE64,
};

#define ENCODE_LINE 57 /* bytes of a base64 line */

struct encoder {
	enum encode_how how;
	size_t column;
	char blank; /* quoted-printable: not yet known to be the last */
	size_t held;
	char bytes[ENCODE_LINE];
	bool has_lines;
};

void encode_init(struct encoder *encoder, enum encode_how how);
bool encode_feed(struct encoder *encoder, bool has_break, struct slice bytes,
    struct buf *out);
bool encode_end(struct encoder *encoder, struct buf *out);

#endif
