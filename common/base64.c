/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "common/base64.h"

#include <string.h>

static const char alphabet[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

static int
base64_value(char c)
{
	const char *found = c == '\0' ? NULL : strchr(alphabet, c);

	return found == NULL ? -1 : (int)(found - alphabet);
}

/* One group of four characters; padding allowed in the last one only. */
static bool
base64_decode_group(const char *text, bool is_last, struct buf *out)
{
	int padding = 0, value;
	uint32_t bits = 0;
	char bytes[3];

	for (int i = 0; i < 4; i++) {
		value = base64_value(text[i]);
		if (text[i] == '=' && is_last && i >= 2) {
			padding++;
			value = 0;
		} else if (value < 0 || padding > 0) {
			return false;
		}
		bits = bits << 6 | (uint32_t)value;
	}
	/* Bits that padding drops must be zero: one spelling per value. */
	if ((padding == 1 && (bits & 0xffu) != 0) ||
	    (padding == 2 && (bits & 0xffffu) != 0))
		return false;
	for (int i = 0; i < 3; i++)
		bytes[i] = (char)(bits >> (16 - 8 * i));
	return buf_add(out, slice_make(bytes, (size_t)(3 - padding)));
}

bool
base64_decode(struct slice text, struct buf *out)
{
	if (text.len % 4 != 0)
		return false;
	for (size_t i = 0; i < text.len; i += 4)
		if (!base64_decode_group(text.ptr + i, i + 4 == text.len, out))
			return false;
	return !out->failed;
}

bool
base64_encode(struct slice bytes, struct buf *out)
{
	uint32_t bits;
	size_t left;
	char group[4];

	for (size_t i = 0; i < bytes.len; i += 3) {
		left = bytes.len - i;
		bits = (uint32_t)(unsigned char)bytes.ptr[i] << 16;
		if (left > 1)
			bits |= (uint32_t)(unsigned char)bytes.ptr[i + 1] << 8;
		if (left > 2)
			bits |= (unsigned char)bytes.ptr[i + 2];
		group[0] = alphabet[bits >> 18];
		group[1] = alphabet[bits >> 12 & 63];
		group[2] = left > 1 ? alphabet[bits >> 6 & 63] : '=';
		group[3] = left > 2 ? alphabet[bits & 63] : '=';
		buf_add(out, slice_make(group, 4));
	}
	return !out->failed;
}

bool
base64_encode_lines(struct slice bytes, struct buf *out)
{
	enum {
		BYTES_PER_LINE = 57
	};

	while (bytes.len > 0) {
		base64_encode(slice_first(bytes, BYTES_PER_LINE), out);
		buf_add(out, S("\r\n"));
		bytes = slice_from(bytes, BYTES_PER_LINE);
	}
	return !out->failed;
}
