/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "common/mailbox/mutf7.h"

static const struct slice alphabet = SLICE("ABCDEFGHIJKLMNOPQRSTUVWXYZ"
					   "abcdefghijklmnopqrstuvwxyz"
					   "0123456789+,");

static void
utf8_put(struct buf *out, uint32_t code)
{
	if (code < 0x80) {
		buf_add_char(out, (char)code);
		return;
	}
	if (code < 0x800) {
		buf_add_char(out, (char)(0xc0 | code >> 6));
	} else {
		if (code < 0x10000) {
			buf_add_char(out, (char)(0xe0 | code >> 12));
		} else {
			buf_add_char(out, (char)(0xf0 | code >> 18));
			buf_add_char(out, (char)(0x80 | (code >> 12 & 0x3f)));
		}
		buf_add_char(out, (char)(0x80 | (code >> 6 & 0x3f)));
	}
	buf_add_char(out, (char)(0x80 | (code & 0x3f)));
}

/* Bits of UTF-16 on their way into base 64. */
struct shift {
	uint32_t bits;
	unsigned int count;
	bool is_open;
};

static void
shift_put(struct shift *shift, struct buf *out, uint32_t unit)
{
	if (!shift->is_open)
		buf_add_char(out, '&');
	shift->is_open = true;
	shift->bits = shift->bits << 16 | unit;
	shift->count += 16;
	while (shift->count >= 6) {
		shift->count -= 6;
		buf_add_char(
		    out, alphabet.ptr[shift->bits >> shift->count & 63]);
	}
	shift->bits &= (1U << shift->count) - 1;
}

static void
shift_close(struct shift *shift, struct buf *out)
{
	if (!shift->is_open)
		return;
	if (shift->count > 0)
		buf_add_char(
		    out, alphabet.ptr[shift->bits << (6 - shift->count) & 63]);
	buf_add_char(out, '-');
	*shift = (struct shift){ 0 };
}

bool
mutf7_encode(struct slice utf8, struct buf *out)
{
	struct shift shift = { 0 };
	uint32_t code;

	while (utf8.len > 0) {
		if (!utf8_next(&utf8, &code))
			return false;
		if (code >= 0x20 && code < 0x7f) {
			shift_close(&shift, out);
			buf_add_char(out, (char)code);
			if (code == '&')
				buf_add_char(out, '-');
		} else if (code < 0x10000) {
			shift_put(&shift, out, code);
		} else {
			code -= 0x10000;
			shift_put(&shift, out, 0xd800 | code >> 10);
			shift_put(&shift, out, 0xdc00 | (code & 0x3ff));
		}
	}
	shift_close(&shift, out);
	return !out->failed;
}

/* One UTF-16 unit; *high holds a first surrogate that waits. */
static bool
unit_put(struct buf *out, uint32_t unit, uint32_t *high)
{
	if (unit >= 0xdc00 && unit < 0xe000) {
		if (*high == 0)
			return false;
		utf8_put(
		    out, 0x10000 + ((*high & 0x3ff) << 10) + (unit & 0x3ff));
		*high = 0;
		return true;
	}
	if (*high != 0 || (unit >= 0x20 && unit < 0x7f) || unit == 0)
		return false;
	if (unit >= 0xd800 && unit < 0xdc00)
		*high = unit;
	else
		utf8_put(out, unit);
	return true;
}

static bool
mutf7_decode_shift(struct slice coded, struct buf *out)
{
	uint32_t bits = 0, high = 0;
	unsigned int count = 0;

	for (size_t i = 0; i < coded.len; i++) {
		size_t value = slice_index(alphabet, coded.ptr[i]);

		if (value == alphabet.len)
			return false;
		bits = bits << 6 | (uint32_t)value;
		count += 6;
		if (count < 16)
			continue;
		count -= 16;
		if (!unit_put(out, bits >> count & 0xffff, &high))
			return false;
		bits &= (1U << count) - 1;
	}
	return high == 0 && count < 6 && bits == 0;
}

bool
mutf7_decode(struct slice mutf7, struct buf *out)
{
	bool was_shift = false;

	while (mutf7.len > 0) {
		struct slice coded, rest;

		if (!ascii_is_print(mutf7.ptr[0]))
			return false;
		if (mutf7.ptr[0] != '&') {
			buf_add_char(out, mutf7.ptr[0]);
			mutf7 = slice_from(mutf7, 1);
			was_shift = false;
			continue;
		}
		if (!slice_cut(slice_from(mutf7, 1), '-', &coded, &rest))
			return false;
		if (coded.len == 0)
			buf_add_char(out, '&');
		else if (was_shift || !mutf7_decode_shift(coded, out))
			return false;
		was_shift = coded.len > 0;
		mutf7 = rest;
	}
	return !out->failed;
}
