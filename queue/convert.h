/* SPDX-License-Identifier: ISC */
/*
 * convert - a message for a host that takes fewer kinds of bytes (RFC 6152
 * section 3, RFC 3030 section 3).
 *
 * Two passes over the message, each fed in pieces, with memory for one line,
 * one header and a word per part. The first one finds what is in it; the
 * second one encodes each leaf part that needs it, text as quoted-printable
 * (or base64 when that is shorter), the rest as base64, and corrects
 * Content-Transfer-Encoding wherever it says 8bit or binary. Parts that need
 * nothing pass unchanged; what is signed is converted all the same, for there
 * is no other way through. A message/rfc822 part whose own header (or that
 * of a part in it) has 8-bit bytes becomes message/global in base64 (RFC
 * 6532 section 3.7). Bytes around the parts, which nobody is shown, are
 * masked. Every leaf decodes to the bytes it had.
 * A plan with is_impossible cannot be followed: a part with an encoding
 * nobody knows or a structure past all limits has 8-bit bytes. 8-bit bytes
 * in the message's own header are has_8bit_header, and stay.
 */
#ifndef QUEUE_CONVERT_H
#define QUEUE_CONVERT_H

#include <stdbool.h>
#include <stdint.h>

#include "common/buf.h"
#include "common/slice.h"

#include "queue/encode.h"
#include "queue/mime_walk.h"

enum convert_target {
	CONVERT_7BIT,
	CONVERT_8BIT, /* of binary parts alone */
};

struct convert_part;

struct convert_plan {
	bool has_8bit;        /* anywhere */
	bool has_8bit_header; /* in the message's header or a part's */
	bool has_8bit_inside; /* in the header of a message in it */
	bool has_binary;      /* NUL, CR or LF alone, lines over 998 */
	bool is_impossible;   /* to 7 bits */
	bool is_unreadable;   /* binary: not even to 8 bits */
	/* private */
	struct walk walk;
	struct convert_part *parts;
	uint32_t count, room;
	size_t line; /* bytes since a line end */
};

/* First pass. */
void convert_plan_init(struct convert_plan *plan);
void convert_plan_clear(struct convert_plan *plan);
void convert_plan_feed(struct convert_plan *plan, struct slice bytes);
void convert_plan_end(struct convert_plan *plan);

/* Second pass; the plan must live as long. */
struct convert {
	const struct convert_plan *plan;
	enum convert_target target;
	struct walk walk;
	struct encoder encoder;
};
/* Most that one feed of n bytes, or the end, adds to out. */
#define CONVERT_ROOM(n) \
	((size_t)LIMIT_HEADER + ENCODE_GROWTH * ((n) + WALK_SEGMENT) + 1024)

void convert_init(struct convert *convert, const struct convert_plan *plan,
    enum convert_target target);
void convert_clear(struct convert *convert);
bool convert_feed(
    struct convert *convert, struct slice bytes, struct buf *out);
bool convert_end(struct convert *convert, struct buf *out);

#endif
