/* SPDX-License-Identifier: ISC */
/*
 * mime_walk - the MIME structure of a message that is fed in pieces.
 *
 * Unlike mime/structure.h it never has the whole message: only the line at
 * hand (a segment of WALK_SEGMENT bytes of a longer one), one header and the
 * boundaries that are open. Lines end in CRLF only, as a binary message has
 * other line ends in its parts. Entities are numbered from 0 in the order of
 * their headers: a part, or the message within a message/rfc822 part.
 * The line end before a boundary belongs to the boundary (RFC 2046 section
 * 5.1.1); an outer boundary ends all within it (5.1.2). Text around the parts
 * is WALK_OUTSIDE. All bytes come out again, in order, has_break meaning a
 * CRLF before them, whatever the split of the input.
 * WALK_BAD, for good: a header over LIMIT_HEADER, parts deeper than
 * LIMIT_MIME_DEPTH or more than LIMIT_MIME_PARTS.
 */
#ifndef QUEUE_MIME_WALK_H
#define QUEUE_MIME_WALK_H

#include <stdbool.h>
#include <stdint.h>

#include "common/arena.h"
#include "common/buf.h"
#include "common/limits.h"
#include "common/slice.h"

#define WALK_SEGMENT      2048
#define WALK_BOUNDARY_MAX 200 /* RFC 2046 section 5.1.1 says 70 */
#define WALK_NONE         UINT32_MAX

enum walk_event {
	WALK_MORE, /* input used up */
	WALK_HEADER,
	WALK_BODY, /* of a leaf */
	WALK_OUTSIDE,
	WALK_END, /* after walk_finish */
	WALK_BAD,
};

enum walk_encoding { /* RFC 2045 section 6 */
	ENCODING_7BIT, /* or absent */
	ENCODING_8BIT,
	ENCODING_BINARY,
	ENCODING_QUOTED,
	ENCODING_BASE64,
	ENCODING_UNKNOWN
};

/* Of a header; valid until the next call. */
struct walk_header {
	uint32_t entity;
	uint32_t enclosing; /* nearest message part around it, or WALK_NONE */
	enum walk_encoding encoding;
	bool is_text, is_multipart, is_message;
	bool is_root; /* of a message: its header is a whole one */
	bool has_type, has_version;
};

struct walk_item {
	bool has_break;
	struct slice bytes;
	struct walk_header header; /* WALK_HEADER */
};

struct walk_frame {
	bool is_message, is_digest;
	uint32_t entity;
	size_t length;
	char boundary[WALK_BOUNDARY_MAX];
};

struct walk {
	enum walk_event state; /* what the next line is part of */
	bool is_bad, is_finished;
	bool has_held; /* a line end, not yet known whose */
	bool has_segment, has_line_end, is_spent, is_line_start, has_cr;
	bool is_header_spent, is_root, is_digest_part;
	uint32_t entities;
	size_t depth;
	struct walk_frame *frames;
	struct buf line, header;
	struct arena *arena;
};

void walk_init(struct walk *walk);
void walk_clear(struct walk *walk);
enum walk_event
walk_next(struct walk *walk, struct slice *input, struct walk_item *item);
/* There is no more input: walk_next until WALK_END. */
void walk_finish(struct walk *walk);
/* Right after WALK_HEADER: take all of the entity as the body of a leaf; the
 * next header is that of entity number next. */
void walk_take_as_leaf(struct walk *walk, uint32_t next);

#endif
