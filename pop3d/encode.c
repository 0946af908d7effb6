/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "pop3d/encode.h"

#include <string.h>

void
pop3_encode_init(struct pop3_encoder *encoder, uint64_t body_lines)
{
	memset(encoder, 0, sizeof(*encoder));
	encoder->body_lines = body_lines;
	encoder->is_line_empty = true;
	encoder->is_at_start = true;
}

/* Bytes of one line without its end. */
static void
put_part(struct pop3_encoder *encoder, struct slice part, struct buf *out)
{
	size_t start;

	if (part.len == 0)
		return;
	/* A CR that was held back is a byte of the line after all. */
	if (encoder->has_cr) {
		buf_add_char(out, '\r');
		encoder->is_at_start = false;
		encoder->is_line_empty = false;
	}
	encoder->has_cr = part.ptr[part.len - 1] == '\r';
	part.len -= encoder->has_cr ? 1 : 0;
	if (part.len == 0)
		return;
	if (encoder->is_at_start && part.ptr[0] == '.')
		buf_add_char(out, '.');
	encoder->is_at_start = false;
	encoder->is_line_empty = false;
	start = out->len;
	buf_add(out, part);
	for (char *at = out->ptr + start, *end = out->ptr + out->len;
	     (at = memchr(at, '\0', (size_t)(end - at))) != NULL;)
		*at = (char)0x80;
}

static void
put_line_end(struct pop3_encoder *encoder, struct buf *out)
{
	buf_add(out, S("\r\n"));
	if (encoder->is_in_body) {
		encoder->body_lines--;
	} else if (encoder->is_line_empty) {
		encoder->is_in_body = true;
	}
	encoder->is_full = encoder->is_in_body && encoder->body_lines == 0;
	encoder->has_cr = false;
	encoder->is_line_empty = true;
	encoder->is_at_start = true;
}

bool
pop3_encode(struct pop3_encoder *encoder, struct slice input, struct buf *out)
{
	while (input.len > 0 && !encoder->is_full) {
		size_t end = slice_index(input, '\n');

		put_part(encoder, slice_first(input, end), out);
		if (end < input.len)
			put_line_end(encoder, out);
		input = slice_from(input, end + 1);
	}
	return !out->failed;
}

bool
pop3_encode_end(struct pop3_encoder *encoder, struct buf *out)
{
	if (encoder->has_cr || !encoder->is_at_start)
		buf_add(out, S("\r\n"));
	buf_add(out, S(".\r\n"));
	return !out->failed;
}
