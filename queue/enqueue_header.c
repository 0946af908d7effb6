/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "queue/enqueue_header.h"

#include <stdio.h>
#include <string.h>

#include "common/header.h"

enum line_kind {
	KIND_EMPTY,
	KIND_FIELD,
	KIND_CONTINUATION,
	KIND_TEXT
};

static enum line_kind
classify(struct slice line)
{
	struct header_iterator iterator;
	struct header_field field;

	if (slice_trim(line).len == 0 && !ascii_is_space(line.ptr[0]))
		return KIND_EMPTY;
	if (ascii_is_space(line.ptr[0]))
		return KIND_CONTINUATION;
	header_begin(&iterator, line);
	return header_next(&iterator, &field) ? KIND_FIELD : KIND_TEXT;
}

static bool
finish(struct header_scan *scan, size_t length, bool lacks_separator)
{
	scan->is_done = true;
	scan->length = length;
	scan->lacks_separator = lacks_separator;
	return true;
}

/* One whole line; true when the header ends with it. */
static bool
take_line(struct header_scan *scan, struct slice line)
{
	enum line_kind kind = classify(line);

	if (kind == KIND_EMPTY)
		return finish(scan, scan->line + line.len, false);
	if (kind == KIND_TEXT ||
	    (kind == KIND_CONTINUATION && !scan->has_field))
		return finish(scan, scan->line, true);
	scan->has_field = true;
	scan->line += line.len;
	scan->searched = scan->line;
	return false;
}

bool
header_scan_feed(struct header_scan *scan, struct slice bytes, bool is_last)
{
	struct slice rest;
	size_t end;

	while (!scan->is_done) {
		rest = slice_from(bytes, scan->searched);
		end = slice_index(rest, '\n');
		if (end == rest.len)
			break;
		end += scan->searched + 1;
		if (take_line(
			scan, slice_from(slice_first(bytes, end), scan->line)))
			return true;
	}
	if (scan->is_done)
		return true;
	scan->searched = bytes.len;
	if (!is_last)
		return false;
	rest = slice_from(bytes, scan->line);
	if (rest.len > 0 && take_line(scan, rest))
		return true;
	return finish(scan, bytes.len, false);
}

struct seen {
	struct slice name;
	size_t offset; /* of a bool in struct header_facts */
};

#define SEEN(name, member)                                                     \
	{                                                                      \
		SLICE(name), offsetof(struct header_facts, member)             \
	}

static const struct seen seen_table[] = {
	SEEN("date", has_date),
	SEEN("from", has_from),
	SEEN("message-id", has_message_id),
	SEEN("to", has_recipient),
	SEEN("cc", has_recipient),
	SEEN("bcc", has_recipient),
};

static void
keep_message_id(struct header_facts *facts, struct slice body)
{
	size_t n = 0;

	body = slice_trim(body);
	for (size_t i = 0; i < body.len; i++)
		if (ascii_is_print(body.ptr[i]) && body.ptr[i] != ' ' &&
		    n + 1 < sizeof(facts->message_id))
			facts->message_id[n++] = body.ptr[i];
	facts->message_id[n] = '\0';
}

static void
read_field(struct header_facts *facts, const struct header_field *field)
{
	const struct seen *seen;
	bool yes = true;

	facts->fields++;
	if (slice_eq_nocase(field->name, S("received")))
		facts->hops++;
	if (slice_eq_nocase(field->name, S("message-id")) &&
	    !facts->has_message_id)
		keep_message_id(facts, field->body);
	if (slice_eq_nocase(field->name, S("tls-required")) &&
	    slice_eq_nocase(slice_trim(field->body), S("no")))
		facts->is_tls_optional = true;
	for (size_t i = 0; i < sizeof(seen_table) / sizeof(seen_table[0]);
	     i++) {
		seen = &seen_table[i];
		if (slice_eq_nocase(field->name, seen->name))
			memcpy((char *)facts + seen->offset, &yes, sizeof(yes));
	}
}

void
header_facts_read(struct slice header, struct header_facts *facts)
{
	struct header_iterator iterator;
	struct header_field field;

	memset(facts, 0, sizeof(*facts));
	header_begin(&iterator, header);
	while (header_next(&iterator, &field))
		read_field(facts, &field);
}
