/* SPDX-License-Identifier: ISC */
#include "config.h"

#include <stdint.h>

#include "common/mime/text.h"

static int
base64_value(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	if (c == '+')
		return 62;
	return c == '/' ? 63 : -1;
}

bool
transfer_decode_base64(struct slice body, struct buf *out)
{
	char *room = buf_reserve(out, body.len / 4 * 3 + 3);
	uint32_t bits = 0;
	unsigned int count = 0;
	size_t n = 0;
	int value;

	if (room == NULL)
		return false;
	for (size_t i = 0; i < body.len && body.ptr[i] != '='; i++) {
		value = base64_value(body.ptr[i]);
		if (value < 0)
			continue;
		bits = (bits << 6 | (uint32_t)value) & 0xffffff;
		count += 6;
		if (count >= 8) {
			count -= 8;
			room[n++] = (char)(bits >> count);
		}
	}
	buf_commit(out, n);
	return true;
}

static int
hex_value(char c)
{
	if (ascii_is_digit(c))
		return c - '0';
	c = ascii_lower(c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* "=" at i: a soft line end or a byte. Returns how many bytes it took. */
static size_t
decode_escape(struct slice body, size_t i, char *room, size_t *n)
{
	int high, low;
	size_t end = i + 1;

	while (end < body.len && ascii_is_space(body.ptr[end]))
		end++;
	if (end < body.len && body.ptr[end] == '\r')
		end++;
	if (end < body.len && body.ptr[end] == '\n')
		return end + 1 - i;
	high = i + 2 < body.len ? hex_value(body.ptr[i + 1]) : -1;
	low = i + 2 < body.len ? hex_value(body.ptr[i + 2]) : -1;
	if (high < 0 || low < 0) {
		room[(*n)++] = '=';
		return 1;
	}
	room[(*n)++] = (char)(high << 4 | low);
	return 3;
}

bool
transfer_decode_quoted(struct slice body, bool is_word, struct buf *out)
{
	char *room = buf_reserve(out, body.len);
	size_t n = 0, i = 0;

	if (room == NULL)
		return false;
	while (i < body.len) {
		if (body.ptr[i] == '=') {
			i += decode_escape(body, i, room, &n);
			continue;
		}
		room[n++] = is_word && body.ptr[i] == '_' ? ' ' : body.ptr[i];
		i++;
	}
	buf_commit(out, n);
	return true;
}

bool
transfer_decode(struct slice encoding, struct slice body, struct buf *out)
{
	if (slice_eq_nocase(encoding, S("base64")))
		return transfer_decode_base64(body, out);
	if (slice_eq_nocase(encoding, S("quoted-printable")))
		return transfer_decode_quoted(body, false, out);
	return buf_add(out, body);
}
