/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "common/header.h"

#include <string.h>

void
header_begin(struct header_iterator *iterator, struct slice input)
{
	memset(iterator, 0, sizeof(*iterator));
	iterator->input = input;
}

void
header_begin_stored(struct header_iterator *iterator, struct slice input)
{
	header_begin(iterator, input);
	iterator->is_stored = true;
}

/* The line at the start of s with its line end; all of s when there is none. */
static struct slice
header_line(struct slice s)
{
	size_t end = slice_index(s, '\n');

	return slice_first(s, end == s.len ? end : end + 1);
}

static struct slice
without_line_end(struct slice line)
{
	if (line.len > 0 && line.ptr[line.len - 1] == '\n')
		line.len--;
	if (line.len > 0 && line.ptr[line.len - 1] == '\r')
		line.len--;
	return line;
}

/*
 * The length of the field name before the colon (RFC 5322 section 2.2: 33 to
 * 126 without colon), or 0. *colon is where the colon is: section 4.5 has
 * blanks before it.
 */
static size_t
header_name_length(struct slice line, size_t *colon)
{
	size_t length = 0, i;

	while (length < line.len && line.ptr[length] > ' ' &&
	       line.ptr[length] <= '~' && line.ptr[length] != ':')
		length++;
	for (i = length; i < line.len && ascii_is_space(line.ptr[i]); i++)
		continue;
	*colon = i;
	return i < line.len && line.ptr[i] == ':' ? length : 0;
}

static bool
header_stop(struct header_iterator *iterator, size_t separator)
{
	iterator->is_at_end = true;
	iterator->has_separator = separator > 0;
	iterator->position += separator;
	iterator->body_offset = iterator->position;
	return false;
}

/* The length of the field that starts with line: its continuations too. */
static size_t
header_field_length(struct slice rest, struct slice line)
{
	size_t length = line.len;

	while (length < rest.len && ascii_is_space(rest.ptr[length]))
		length += header_line(slice_from(rest, length)).len;
	return length;
}

static bool
header_junk(struct header_iterator *iterator, struct header_field *field,
    struct slice line)
{
	if (!iterator->is_stored)
		return header_stop(iterator, 0);
	field->name = slice_make("", 0);
	field->raw = line;
	field->body = without_line_end(line);
	iterator->position += line.len;
	return true;
}

bool
header_next(struct header_iterator *iterator, struct header_field *field)
{
	struct slice rest = slice_from(iterator->input, iterator->position);
	struct slice line = header_line(rest);
	size_t name_length, colon;

	if (iterator->is_at_end)
		return false;
	if (without_line_end(line).len == 0)
		return header_stop(iterator, line.len);
	name_length = header_name_length(line, &colon);
	if (name_length == 0)
		return header_junk(iterator, field, line);
	field->name = slice_first(line, name_length);
	field->raw = slice_first(rest, header_field_length(rest, line));
	field->body = without_line_end(slice_from(field->raw, colon + 1));
	iterator->position += field->raw.len;
	return true;
}

bool
header_find(struct slice input, struct slice name, struct header_field *field)
{
	struct header_iterator iterator;

	header_begin(&iterator, input);
	while (header_next(&iterator, field))
		if (slice_eq_nocase(field->name, name))
			return true;
	return false;
}

bool
header_unfold(struct slice body, struct buf *out)
{
	size_t n;

	body = slice_trim(body);
	while (body.len > 0) {
		for (n = 0;
		     n < body.len && body.ptr[n] != '\r' && body.ptr[n] != '\n';
		     n++)
			continue;
		buf_add(out, slice_first(body, n));
		while (n < body.len &&
		       (body.ptr[n] == '\r' || body.ptr[n] == '\n'))
			n++;
		body = slice_from(body, n);
	}
	return !out->failed;
}
