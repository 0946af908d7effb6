/* SPDX-License-Identifier: ISC */
/*
 * header - iterate over the fields of a message header (RFC 5322 2.2).
 *
 * Works on a slice that holds at least the header section. Lines end in CRLF
 * or LF. A line that is no field and no continuation ends the header: then
 * body_offset points at it, and the message has no empty separator line
 * (this is how hand-typed mail looks). Field bodies keep their folding.
 *
 * header_begin_stored is for mail as readers see it: only an empty line ends
 * the header, and a line that is no field (mbox's "From ") comes out as a
 * field without a name, so that what follows it is not lost.
 */
#ifndef COMMON_HEADER_H
#define COMMON_HEADER_H

#include <stdbool.h>

#include "common/buf.h"
#include "common/slice.h"

struct header_iterator {
	struct slice input;
	size_t position;
	bool is_stored;      /* begun by header_begin_stored */
	bool is_at_end;
	bool has_separator;  /* set at the end: an empty line was there */
	size_t body_offset;  /* set at the end: after the separator */
};

struct header_field {
	struct slice name;   /* without colon and trailing blanks */
	struct slice body;   /* after the colon, without the last line end */
	struct slice raw;    /* the whole field with its line end */
};

void header_begin(struct header_iterator *iterator, struct slice input);
void header_begin_stored(struct header_iterator *iterator,
    struct slice input);
bool header_next(struct header_iterator *iterator,
    struct header_field *field);
/* First field of that name, without moving any iterator. */
bool header_find(struct slice input, struct slice name,
    struct header_field *field);
/* Append body unfolded (RFC 5322 2.2.3), leading and trailing blanks off. */
bool header_unfold(struct slice body, struct buf *out);

#endif
