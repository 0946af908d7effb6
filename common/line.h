/* SPDX-License-Identifier: ISC */
/*
 * line - the one line reader of the suite. Fed bytes, does no I/O.
 *
 * CRLF ends a line. A lone LF ends it too but says so (LINE_BARE_LF), for
 * people who type commands through nc; a CR that no LF follows stays in the
 * line and makes it LINE_BARE_CR. A line longer than the ceiling (without its
 * line end) is swallowed to its end and reported once as LINE_TOO_LONG.
 * Message data never passes here: see dot.h (RFC 5321 section 2.3.8).
 */
#ifndef COMMON_LINE_H
#define COMMON_LINE_H

#include <stdbool.h>

#include "common/buf.h"
#include "common/slice.h"

enum line_status {
	LINE_MORE, /* input used up, no whole line yet */
	LINE_OK,
	LINE_BARE_LF,
	LINE_BARE_CR,
	LINE_TOO_LONG,
};

struct line_reader {
	struct buf partial;
	size_t ceiling;
	bool is_too_long;
};

void line_init(struct line_reader *reader, size_t ceiling);
/*
 * Take the next line, without its end, from *input; *input moves past it.
 * The line is valid until the next call or until the input bytes change.
 */
enum line_status line_next(struct line_reader *reader, struct slice *input,
    struct slice *line);
/* Forget a partial line. */
void line_clear(struct line_reader *reader);
void line_free(struct line_reader *reader);

#endif
