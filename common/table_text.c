/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "common/table_text.h"

#include <string.h>

void
table_text_begin(
    struct table_text *text, struct slice bytes, enum table_format format)
{
	memset(text, 0, sizeof(*text));
	text->rest = bytes;
	text->format = format;
	text->next_line = 1;
	buf_init(&text->row, TABLE_ROW_MAX);
	buf_init(&text->key_bytes, TABLE_ROW_MAX);
}

void
table_text_end(struct table_text *text)
{
	buf_free(&text->row);
	buf_free(&text->key_bytes);
}

static struct slice
take_line(struct table_text *text)
{
	struct slice line;

	slice_cut(text->rest, '\n', &line, &text->rest);
	text->next_line++;
	return line;
}

static bool
is_skipped(struct slice line)
{
	line = slice_trim(line);
	return line.len == 0 || line.ptr[0] == '#';
}

/* A logical line into row. */
static bool
take_row(struct table_text *text)
{
	struct slice line, peek;

	buf_clear(&text->row);
	while (text->row.len == 0) {
		if (text->rest.len == 0)
			return false;
		text->line = text->next_line;
		line = take_line(text);
		if (!is_skipped(line))
			buf_add(&text->row, slice_trim(line));
	}
	while (text->rest.len > 0) {
		slice_cut(text->rest, '\n', &peek, &line);
		if (is_skipped(peek)) {
			(void)take_line(text);
			continue;
		}
		if (!ascii_is_space(peek.ptr[0]))
			break;
		buf_add_char(&text->row, ' ');
		buf_add(&text->row, slice_trim(take_line(text)));
	}
	return true;
}

/* Index of the colon that ends an alias name, or row.len. */
static size_t
find_colon(struct slice row)
{
	bool is_quoted = false;

	for (size_t i = 0; i < row.len; i++) {
		if (row.ptr[i] == '\\' && is_quoted)
			i++;
		else if (row.ptr[i] == '"')
			is_quoted = !is_quoted;
		else if (row.ptr[i] == ':' && !is_quoted)
			return i;
	}
	return row.len;
}

static size_t
find_blank(struct slice row)
{
	size_t i = 0;

	while (i < row.len && !ascii_is_space(row.ptr[i]))
		i++;
	return i;
}

/* Lower case, and for aliases without quotes. */
static struct slice
clean_key(struct table_text *text, struct slice key)
{
	bool has_quotes =
	    text->format == TABLE_ALIASES && key.len > 0 && key.ptr[0] == '"';

	buf_clear(&text->key_bytes);
	for (size_t i = 0; i < key.len; i++) {
		if (has_quotes && key.ptr[i] == '"')
			continue;
		if (has_quotes && key.ptr[i] == '\\' && i + 1 < key.len)
			i++;
		buf_add_char(&text->key_bytes, ascii_lower(key.ptr[i]));
	}
	return buf_slice(&text->key_bytes);
}

bool
table_text_next(struct table_text *text)
{
	struct slice row;
	size_t at;

	while (take_row(text)) {
		row = buf_slice(&text->row);
		at = text->format == TABLE_ALIASES ? find_colon(row)
						   : find_blank(row);
		text->key = clean_key(text, slice_trim(slice_first(row, at)));
		text->value = slice_trim(slice_from(row, at + 1));
		if (!text->row.failed && text->key.len > 0 &&
		    (at < row.len || text->format == TABLE_KEY_VALUE))
			return true;
		if (text->bad_rows++ == 0)
			text->first_bad_line = text->line;
	}
	return false;
}
