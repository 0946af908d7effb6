/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "common/line.h"

#include <string.h>

void
line_init(struct line_reader *reader, size_t ceiling)
{
	/* Room for the line end itself. */
	buf_init(&reader->partial, ceiling + 2);
	reader->ceiling = ceiling;
	reader->is_too_long = false;
}

/* Judge one raw line that ends in LF, the LF included. */
static enum line_status
line_judge(
    const struct line_reader *reader, struct slice raw, struct slice *line)
{
	bool has_cr = raw.len >= 2 && raw.ptr[raw.len - 2] == '\r';

	*line = slice_first(raw, raw.len - (has_cr ? 2 : 1));
	if (line->len > reader->ceiling) {
		*line = slice_first(*line, 0);
		return LINE_TOO_LONG;
	}
	if (slice_index(*line, '\r') < line->len)
		return LINE_BARE_CR;
	return has_cr ? LINE_OK : LINE_BARE_LF;
}

static enum line_status
line_keep(struct line_reader *reader, struct slice *input)
{
	if (!reader->is_too_long && !buf_add(&reader->partial, *input)) {
		reader->is_too_long = true;
		buf_clear(&reader->partial);
	}
	*input = slice_from(*input, input->len);
	return LINE_MORE;
}

enum line_status
line_next(struct line_reader *reader, struct slice *input, struct slice *line)
{
	size_t end = slice_index(*input, '\n');
	struct slice raw;

	/* A line given out by the last call may live in the buffer. */
	if (reader->partial.len > 0 &&
	    reader->partial.ptr[reader->partial.len - 1] == '\n')
		buf_clear(&reader->partial);
	if (end == input->len)
		return line_keep(reader, input);
	raw = slice_first(*input, end + 1);
	*input = slice_from(*input, end + 1);
	if (reader->is_too_long) {
		reader->is_too_long = false;
		*line = slice_first(raw, 0);
		return LINE_TOO_LONG;
	}
	if (reader->partial.len == 0)
		return line_judge(reader, raw, line);
	if (!buf_add(&reader->partial, raw)) {
		buf_clear(&reader->partial);
		*line = slice_first(raw, 0);
		return LINE_TOO_LONG;
	}
	return line_judge(reader, buf_slice(&reader->partial), line);
}

void
line_clear(struct line_reader *reader)
{
	buf_clear(&reader->partial);
	reader->is_too_long = false;
}

void
line_free(struct line_reader *reader)
{
	buf_free(&reader->partial);
	reader->is_too_long = false;
}
