/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "smtpd/xtext.h"

#include <stdint.h>

#include "common/utf8.h"

/* 16: no upper-case hex digit. */
static unsigned int
hex_value(char c)
{
	static const struct slice digits = SLICE("0123456789ABCDEF");

	return (unsigned int)slice_index(digits, c);
}

/* xchar: printable ASCII but "+" and "=". */
static bool
is_xchar(char c)
{
	return ascii_is_print(c) && c != ' ' && c != '+' && c != '=';
}

static bool
decode(struct slice text, bool is_strict, struct buf *out)
{
	unsigned int high, low;

	while (text.len > 0) {
		if (text.ptr[0] != '+') {
			if ((is_strict && !is_xchar(text.ptr[0])) ||
			    !buf_add_char(out, text.ptr[0]))
				return false;
			text = slice_from(text, 1);
			continue;
		}
		high = text.len < 3 ? 16 : hex_value(text.ptr[1]);
		low = text.len < 3 ? 16 : hex_value(text.ptr[2]);
		if (high > 15 || low > 15 ||
		    !buf_add_char(out, (char)(high << 4 | low)))
			return false;
		text = slice_from(text, 3);
	}
	return true;
}

bool
xtext_decode(struct slice text, struct buf *out)
{
	return decode(text, true, out);
}

bool
xtext_decode_any(struct slice text, struct buf *out)
{
	return decode(text, false, out);
}

static bool
put_code(struct buf *out, uint32_t code)
{
	char bytes[4];
	size_t n = code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
	static const unsigned char first[] = { 0, 0, 0xc0, 0xe0, 0xf0 };

	for (size_t i = n; i > 1; i--) {
		bytes[i - 1] = (char)(0x80 | (code & 0x3f));
		code >>= 6;
	}
	bytes[0] = (char)(first[n] | code);
	return buf_add(out, slice_make(bytes, n));
}

/* The HEX of \x{HEX}: two to six digits, no leading zero but in two. */
static bool
take_code(struct slice *text, uint32_t *code)
{
	struct slice digits, rest;
	unsigned int value;

	if (!slice_starts(*text, S("\\x{")) ||
	    !slice_cut(slice_from(*text, 3), '}', &digits, &rest) ||
	    digits.len < 2 || digits.len > 6)
		return false;
	*code = 0;
	for (size_t i = 0; i < digits.len; i++) {
		value = hex_value(digits.ptr[i]);
		if (value > 15)
			return false;
		*code = *code << 4 | value;
	}
	*text = rest;
	return digits.len == 2 || digits.ptr[0] != '0';
}

bool
xtext_decode_utf8(struct slice text, struct buf *out)
{
	uint32_t code;
	bool ok = true;

	while (ok && text.len > 0) {
		if (text.ptr[0] == '\\') {
			ok = take_code(&text, &code);
		} else {
			ok = utf8_next(&text, &code) &&
			     (code > 0x7f || is_xchar((char)code));
		}
		ok = ok && put_code(out, code);
	}
	return ok && utf8_is_valid(buf_slice(out));
}
