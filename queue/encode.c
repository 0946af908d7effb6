/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "queue/encode.h"

#include <string.h>

#include "common/base64.h"

/* Of 76, one is for the "=" of a soft line break. */
#define QUOTED_COLUMNS 75

void
encode_init(struct encoder *encoder, enum encode_how how)
{
	memset(encoder, 0, sizeof(*encoder));
	encoder->how = how;
}

static void
add_hex(struct buf *out, char c)
{
	static const char digits[] = "0123456789ABCDEF";
	unsigned char value = (unsigned char)c;
	const char text[3] = { '=', digits[value >> 4], digits[value & 15] };

	buf_add(out, slice_make(text, sizeof(text)));
}

static bool
is_dirty(char c)
{
	return (unsigned char)c >= 0x80 || c == '\0';
}

/* The three ways that only touch bytes that should not be there. */
static void
clean(enum encode_how how, struct slice bytes, struct buf *out)
{
	size_t start = 0;

	for (size_t i = 0; i < bytes.len; i++) {
		if (!is_dirty(bytes.ptr[i]))
			continue;
		buf_add(out, slice_make(bytes.ptr + start, i - start));
		start = i + 1;
		if (how == ENCODE_MASK)
			buf_add_char(out, '?');
		else if (how == ENCODE_ESCAPE)
			add_hex(out, bytes.ptr[i]);
	}
	buf_add(out, slice_from(bytes, start));
}

static void
quoted_add(struct encoder *encoder, char c, bool is_literal, struct buf *out)
{
	size_t width = is_literal ? 1 : 3;

	if (encoder->column + width > QUOTED_COLUMNS) {
		buf_add(out, S("=\r\n"));
		encoder->column = 0;
	}
	encoder->column += width;
	if (is_literal)
		buf_add_char(out, c);
	else
		add_hex(out, c);
}

static void
quoted_blank(struct encoder *encoder, bool is_literal, struct buf *out)
{
	if (encoder->blank != '\0')
		quoted_add(encoder, encoder->blank, is_literal, out);
	encoder->blank = '\0';
}

static void
quoted_break(struct encoder *encoder, struct buf *out)
{
	quoted_blank(encoder, false, out);
	buf_add(out, S("\r\n"));
	encoder->column = 0;
}

static void
quoted_feed(struct encoder *encoder, struct slice bytes, struct buf *out)
{
	for (size_t i = 0; i < bytes.len; i++) {
		char c = bytes.ptr[i];

		quoted_blank(encoder, true, out);
		if (ascii_is_space(c))
			encoder->blank = c;
		else
			quoted_add(
			    encoder, c, ascii_is_print(c) && c != '=', out);
	}
}

static void
base64_flush(struct encoder *encoder, struct buf *out)
{
	if (encoder->held == 0)
		return;
	if (encoder->has_lines)
		buf_add(out, S("\r\n"));
	base64_encode(slice_make(encoder->bytes, encoder->held), out);
	encoder->has_lines = true;
	encoder->held = 0;
}

static void
base64_feed(struct encoder *encoder, struct slice bytes, struct buf *out)
{
	struct slice piece;

	while (bytes.len > 0) {
		piece = slice_first(bytes, ENCODE_LINE - encoder->held);
		memcpy(encoder->bytes + encoder->held, piece.ptr, piece.len);
		encoder->held += piece.len;
		bytes = slice_from(bytes, piece.len);
		if (encoder->held == ENCODE_LINE)
			base64_flush(encoder, out);
	}
}

bool
encode_feed(struct encoder *encoder, bool has_break, struct slice bytes,
    struct buf *out)
{
	switch (encoder->how) {
	case ENCODE_BASE64:
		if (has_break)
			base64_feed(encoder, S("\r\n"), out);
		base64_feed(encoder, bytes, out);
		break;
	case ENCODE_QUOTED:
		if (has_break)
			quoted_break(encoder, out);
		quoted_feed(encoder, bytes, out);
		break;
	case ENCODE_COPY:
	case ENCODE_MASK:
	case ENCODE_OMIT:
	case ENCODE_ESCAPE:
		if (has_break)
			buf_add(out, S("\r\n"));
		if (encoder->how == ENCODE_COPY)
			buf_add(out, bytes);
		else
			clean(encoder->how, bytes, out);
		break;
	}
	return !out->failed;
}

bool
encode_end(struct encoder *encoder, struct buf *out)
{
	if (encoder->how == ENCODE_BASE64)
		base64_flush(encoder, out);
	else if (encoder->how == ENCODE_QUOTED)
		quoted_blank(encoder, false, out);
	encode_init(encoder, ENCODE_COPY);
	return !out->failed;
}
