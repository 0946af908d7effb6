/* SPDX-License-Identifier: ISC */
#include "config.h"

#include <string.h>

#include "queue/sendmail.h"

void
text_filter_init(struct text_filter *filter, bool ignores_dots)
{
	memset(filter, 0, sizeof(*filter));
	filter->ignores_dots = ignores_dots;
	buf_init(&filter->line, TEXT_LINE_MAX);
}

void
text_filter_free(struct text_filter *filter)
{
	buf_free(&filter->line);
}

/* The line is whole. Dots count at its start only, so a line that was given
 * out in part cannot be a lone dot. */
static bool
end_line(struct text_filter *filter, struct buf *out)
{
	bool is_dot =
	    !filter->ignores_dots && slice_eq(buf_slice(&filter->line), S("."));

	if (is_dot)
		filter->is_at_end = true;
	else if (!buf_add(out, buf_slice(&filter->line)) ||
		 !buf_add_string(out, "\r\n"))
		return false;
	buf_clear(&filter->line);
	return true;
}

static bool
add_byte(struct text_filter *filter, char c, struct buf *out)
{
	bool is_second_half = c == '\n' && filter->is_after_cr;

	filter->is_after_cr = c == '\r';
	if (is_second_half || c == '\0')
		return true;
	if (c == '\n' || c == '\r')
		return end_line(filter, out);
	if (filter->line.len == TEXT_LINE_MAX) {
		if (!buf_add(out, buf_slice(&filter->line)))
			return false;
		buf_clear(&filter->line);
	}
	return buf_add_char(&filter->line, c);
}

bool
text_filter_feed(
    struct text_filter *filter, struct slice bytes, struct buf *out)
{
	for (size_t i = 0; i < bytes.len && !filter->is_at_end; i++)
		if (!add_byte(filter, bytes.ptr[i], out))
			return false;
	return true;
}

bool
text_filter_end(struct text_filter *filter, struct buf *out)
{
	return filter->line.len == 0 || end_line(filter, out);
}
