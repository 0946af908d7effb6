/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "common/dot.h"

#include <string.h>

/*
 * state x input of the decoder; "x" is any other byte:
 *
 *             CR            LF              .             x
 * START       CR            bare LF,MIDDLE  DOT           x,MIDDLE
 * MIDDLE      CR            bare LF,MIDDLE  .,MIDDLE      x,MIDDLE
 * CR          bare CR,CR    CRLF,START      bare CR,.     bare CR,x,MIDDLE
 * DOT         DOT_CR        bare LF,MIDDLE  .,MIDDLE      x,MIDDLE
 * DOT_CR      bare CR,CR    end             bare CR,.     bare CR,x,MIDDLE
 *
 * A bare LF or CR is given out as it is and leads to MIDDLE, where a dot is
 * an ordinary byte: LF.CRLF is no end.
 */
enum {
	START,
	MIDDLE,
	CR,
	DOT,
	DOT_CR
};

void
dot_decode_init(struct dot_decoder *decoder, size_t line_limit)
{
	memset(decoder, 0, sizeof(*decoder));
	decoder->line_limit = line_limit;
	decoder->state = START;
}

/* One byte in MIDDLE, START or after a dot: not CR pending. */
static void
dot_plain(struct dot_decoder *decoder, char c, struct buf *out)
{
	if (c == '\n') {
		decoder->problems |= DOT_BARE_LF;
	} else if (c == '\0') {
		decoder->problems |= DOT_NUL;
	}
	if (++decoder->line_length > decoder->line_limit)
		decoder->problems |= DOT_LONG_LINE;
	buf_add_char(out, c);
	decoder->state = MIDDLE;
}

/* One byte after a CR that was held back. True at the end of the data. */
static bool
dot_after_cr(struct dot_decoder *decoder, char c, struct buf *out)
{
	bool is_end = decoder->state == DOT_CR && c == '\n';

	if (is_end)
		return true;
	if (c == '\n') {
		buf_add(out, S("\r\n"));
		decoder->line_length = 0;
		decoder->state = START;
		return false;
	}
	decoder->problems |= DOT_BARE_CR;
	buf_add_char(out, '\r');
	if (c == '\r')
		decoder->state = CR;
	else
		dot_plain(decoder, c, out);
	return false;
}

static bool
dot_decode_byte(struct dot_decoder *decoder, char c, struct buf *out)
{
	switch (decoder->state) {
	case CR:
	case DOT_CR:
		return dot_after_cr(decoder, c, out);
	case START:
		if (c == '.') {
			decoder->state = DOT;
			return false;
		}
		break;
	case DOT:
		if (c == '\r') {
			decoder->state = DOT_CR;
			return false;
		}
		break;
	}
	if (c == '\r')
		decoder->state = CR;
	else
		dot_plain(decoder, c, out);
	return false;
}

/* The length of the run at the start of s that needs no decision. */
static size_t
dot_run(const struct dot_decoder *decoder, struct slice s, size_t room)
{
	size_t n = 0;

	if (decoder->state != MIDDLE)
		return 0;
	s = slice_first(s, room);
	n = slice_index(s, '\r');
	s = slice_first(s, n);
	n = slice_index(s, '\n');
	s = slice_first(s, n);
	return slice_index(s, '\0');
}

bool
dot_decode(struct dot_decoder *decoder, struct slice *input, struct buf *out)
{
	size_t run;

	/* A byte gives at most three bytes out: held back CR, and itself. */
	while (input->len > 0 && out->ceiling - out->len >= 3) {
		run = dot_run(decoder, *input, out->ceiling - out->len);
		if (run > 0) {
			buf_add(out, slice_first(*input, run));
			decoder->line_length += run;
			if (decoder->line_length > decoder->line_limit)
				decoder->problems |= DOT_LONG_LINE;
			*input = slice_from(*input, run);
			continue;
		}
		decoder->is_at_end =
		    dot_decode_byte(decoder, input->ptr[0], out);
		*input = slice_from(*input, 1);
		if (decoder->is_at_end)
			return true;
	}
	return false;
}

void
dot_encode_init(struct dot_encoder *encoder)
{
	encoder->is_at_line_start = true;
	encoder->is_after_cr = false;
}

static void
dot_encode_line_end(struct dot_encoder *encoder, char c, struct buf *out)
{
	/* The LF of a CRLF was already written with its CR. */
	if (c == '\n' && encoder->is_after_cr) {
		encoder->is_after_cr = false;
		return;
	}
	buf_add(out, S("\r\n"));
	encoder->is_after_cr = c == '\r';
	encoder->is_at_line_start = true;
}

bool
dot_encode(struct dot_encoder *encoder, struct slice input, struct buf *out)
{
	size_t run;

	while (input.len > 0) {
		run = slice_index(input, '\r');
		run = slice_index(slice_first(input, run), '\n');
		if (run == 0) {
			dot_encode_line_end(encoder, input.ptr[0], out);
			input = slice_from(input, 1);
			continue;
		}
		encoder->is_after_cr = false;
		if (encoder->is_at_line_start && input.ptr[0] == '.')
			buf_add_char(out, '.');
		encoder->is_at_line_start = false;
		buf_add(out, slice_first(input, run));
		input = slice_from(input, run);
	}
	return !out->failed;
}

bool
dot_encode_end(struct dot_encoder *encoder, struct buf *out)
{
	if (!encoder->is_at_line_start)
		buf_add(out, S("\r\n"));
	buf_add(out, S(".\r\n"));
	dot_encode_init(encoder);
	return !out->failed;
}
