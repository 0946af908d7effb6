/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "common/mime/text.h"

#include <stdint.h>

#include "common/mime/charset_table.h"

static void
add_code(struct buf *out, uint32_t code)
{
	if (code < 0x80) {
		buf_add_char(out, (char)code);
		return;
	}
	if (code < 0x800) {
		buf_add_char(out, (char)(0xc0 | code >> 6));
	} else {
		buf_add_char(out, (char)(0xe0 | code >> 12));
		buf_add_char(out, (char)(0x80 | (code >> 6 & 0x3f)));
	}
	buf_add_char(out, (char)(0x80 | (code & 0x3f)));
}

/* ISO-8859-1, whose 0x80 to 0x9f mail means as windows-1252. */
static bool
latin_to_utf8(struct slice bytes, struct buf *out)
{
	static const uint16_t high[32] = { 0x20ac, 0x81, 0x201a, 0x192, 0x201e,
		0x2026, 0x2020, 0x2021, 0x2c6, 0x2030, 0x160, 0x2039, 0x152,
		0x8d, 0x17d, 0x8f, 0x90, 0x2018, 0x2019, 0x201c, 0x201d, 0x2022,
		0x2013, 0x2014, 0x2dc, 0x2122, 0x161, 0x203a, 0x153, 0x9d,
		0x17e, 0x178 };

	for (size_t i = 0; i < bytes.len; i++) {
		unsigned char c = (unsigned char)bytes.ptr[i];

		add_code(out, c >= 0x80 && c < 0xa0 ? high[c - 0x80] : c);
	}
	return !out->failed;
}

static bool
is_latin_name(struct slice charset)
{
	return slice_eq_nocase(charset, S("iso-8859-1")) ||
	       slice_eq_nocase(charset, S("latin1")) ||
	       slice_eq_nocase(charset, S("windows-1252")) ||
	       slice_eq_nocase(charset, S("cp1252"));
}

static const struct charset_table *
find_table(struct slice charset)
{
	const struct charset_table *table = charset_tables;

	while (table->name.len > 0 && !slice_eq_nocase(table->name, charset))
		table++;
	return table->name.len > 0 ? table : NULL;
}

/* A byte that is nothing becomes "?". */
static bool
table_to_utf8(
    const struct charset_table *table, struct slice bytes, struct buf *out)
{
	for (size_t i = 0; i < bytes.len; i++) {
		unsigned int c = (unsigned char)bytes.ptr[i];

		if (c >= table->first)
			c = table->codes[c - table->first];
		add_code(out, c == 0 ? '?' : c);
	}
	return !out->failed;
}

bool
charset_to_utf8(struct slice charset, struct slice bytes, struct buf *out)
{
	const struct charset_table *table;

	if (is_latin_name(charset))
		return latin_to_utf8(bytes, out);
	table = find_table(charset);
	if (table != NULL)
		return table_to_utf8(table, bytes, out);
	return buf_add(out, bytes);
}

/* Upper case letters: Latin-1, Latin Extended-A, Greek and Cyrillic. add 0:
 * pairs, whose upper case has this parity and the lower case follows. */
static const struct {
	uint32_t first, last, add, parity;
} upper_case[] = {
	{ 'A', 'Z', 0x20, 0 },
	{ 0xc0, 0xd6, 0x20, 0 },
	{ 0xd8, 0xde, 0x20, 0 },
	{ 0x100, 0x12f, 0, 0 },
	{ 0x132, 0x137, 0, 0 },
	{ 0x139, 0x148, 0, 1 },
	{ 0x14a, 0x177, 0, 0 },
	{ 0x179, 0x17e, 0, 1 },
	{ 0x391, 0x3a9, 0x20, 0 },
	{ 0x400, 0x40f, 0x50, 0 },
	{ 0x410, 0x42f, 0x20, 0 },
};

static uint32_t
fold_code(uint32_t c)
{
	for (size_t i = 0; i < sizeof(upper_case) / sizeof(upper_case[0]);
	     i++) {
		if (c < upper_case[i].first || c > upper_case[i].last)
			continue;
		if (upper_case[i].add > 0)
			return c + upper_case[i].add;
		return (c & 1) == upper_case[i].parity ? c + 1 : c;
	}
	return c;
}

bool
text_fold_case(struct slice utf8, struct buf *out)
{
	for (size_t i = 0; i < utf8.len; i++) {
		unsigned char c = (unsigned char)utf8.ptr[i], next;

		if (c < 0x80) {
			buf_add_char(out, ascii_lower((char)c));
			continue;
		}
		next = i + 1 < utf8.len ? (unsigned char)utf8.ptr[i + 1] : 0;
		if (c < 0xc2 || c > 0xdf || (next & 0xc0) != 0x80) {
			buf_add_char(out, (char)c);
			continue;
		}
		add_code(out, fold_code((c & 0x1fU) << 6 | (next & 0x3fU)));
		i++;
	}
	return !out->failed;
}
