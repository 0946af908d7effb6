/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "common/utf8.h"

/* By the first byte: how long a sequence is, and the least code point that
 * needs that many bytes. */
static const struct {
	unsigned char first, last, length;
	uint32_t least;
} utf8_lengths[] = {
	{ 0x00, 0x7f, 1, 0 },
	{ 0xc2, 0xdf, 2, 0x80 },
	{ 0xe0, 0xef, 3, 0x800 },
	{ 0xf0, 0xf4, 4, 0x10000 },
};

#define UTF8_LENGTHS (sizeof(utf8_lengths) / sizeof(utf8_lengths[0]))

/* UTF8_LENGTHS: no sequence begins so. */
static size_t
utf8_row(unsigned char first)
{
	size_t row = 0;

	while (row < UTF8_LENGTHS && first > utf8_lengths[row].last)
		row++;
	if (row < UTF8_LENGTHS && first < utf8_lengths[row].first)
		row = UTF8_LENGTHS;
	return row;
}

bool
utf8_next(struct slice *rest, uint32_t *code)
{
	unsigned char first =
	    rest->len == 0 ? 0xff : (unsigned char)rest->ptr[0];
	size_t row = utf8_row(first), length;

	if (row == UTF8_LENGTHS || utf8_lengths[row].length > rest->len)
		return false;
	length = utf8_lengths[row].length;
	*code = length == 1 ? first : first & (0x7fU >> length);
	for (size_t i = 1; i < length; i++) {
		unsigned char c = (unsigned char)rest->ptr[i];

		if ((c & 0xc0) != 0x80)
			return false;
		*code = *code << 6 | (c & 0x3fU);
	}
	if (*code < utf8_lengths[row].least || *code > 0x10ffff ||
	    (*code >= 0xd800 && *code < 0xe000))
		return false;
	*rest = slice_from(*rest, length);
	return true;
}

bool
utf8_is_valid(struct slice s)
{
	uint32_t code;

	while (s.len > 0)
		if (!utf8_next(&s, &code))
			return false;
	return true;
}
