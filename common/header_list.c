/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "common/header_list.h"

#include <string.h>

#include "common/header.h"
#include "common/limits.h"

enum {
	FIRST_ROOM = 64
};

void
header_list_init(struct header_list *list, struct arena *arena)
{
	memset(list, 0, sizeof(*list));
	list->arena = arena;
}

static bool
grow(struct header_list *list)
{
	size_t room = list->room == 0 ? FIRST_ROOM : list->room * 2;
	struct header_entry *fresh;

	if (list->count < list->room)
		return true;
	if (list->count >= LIMIT_HEADER_FIELDS)
		return false;
	fresh = arena_alloc(list->arena, room * sizeof(*fresh));
	if (fresh == NULL)
		return false;
	if (list->count > 0)
		memcpy(fresh, list->items, list->count * sizeof(*fresh));
	list->items = fresh;
	list->room = room;
	return true;
}

static bool
add_raw(struct header_list *list, const struct header_field *field)
{
	struct header_entry *entry;
	struct slice raw;

	if (list->count >= LIMIT_HEADER_FIELDS ||
	    list->bytes + field->raw.len > LIMIT_HEADER || !grow(list))
		return false;
	raw = arena_slice(list->arena, field->raw);
	if (raw.ptr == NULL)
		return false;
	entry = &list->items[list->count++];
	entry->raw = raw;
	entry->name = slice_first(raw, field->name.len);
	entry->value = slice_make(
	    raw.ptr + (field->body.ptr - field->raw.ptr), field->body.len);
	list->bytes += raw.len;
	return true;
}

bool
header_list_read(struct header_list *list, struct slice header)
{
	struct header_iterator iterator;
	struct header_field field;

	header_begin(&iterator, header);
	while (header_next(&iterator, &field))
		if (!add_raw(list, &field))
			return false;
	return true;
}

static bool
name_is_valid(struct slice name)
{
	for (size_t i = 0; i < name.len; i++)
		if (name.ptr[i] <= ' ' || name.ptr[i] > '~' ||
		    name.ptr[i] == ':')
			return false;
	return name.len > 0;
}

/* Folding as it has to be: CRLF, then a blank; a line of blanks alone would
 * be taken for the end of the header by some, so it goes. */
static bool
add_value(struct buf *out, struct slice value)
{
	struct slice line;
	bool is_first = true;

	if (slice_index(value, '\0') < value.len)
		return false;
	while (value.len > 0) {
		slice_cut(value, '\n', &line, &value);
		while (line.len > 0 && line.ptr[line.len - 1] == '\r')
			line.len--;
		if (slice_index(line, '\r') < line.len)
			return false;
		if (!is_first && slice_trim(line).len == 0)
			continue;
		if (!is_first)
			buf_add_string(out, "\r\n");
		if (!is_first && !ascii_is_space(line.ptr[0]))
			buf_add_char(out, '\t');
		buf_add(out, line);
		is_first = false;
	}
	return !out->failed;
}

static bool
make_entry(struct header_list *list, struct slice name, struct slice value,
    struct header_entry *entry)
{
	struct buf text;
	bool ok;

	buf_init(&text, LIMIT_HEADER);
	ok = name_is_valid(name) && buf_add(&text, name) &&
	     buf_add_char(&text, ':') && add_value(&text, value) &&
	     buf_add_string(&text, "\r\n");
	if (ok)
		entry->raw = arena_slice(list->arena, buf_slice(&text));
	ok = ok && entry->raw.ptr != NULL;
	buf_free(&text);
	if (!ok)
		return false;
	entry->name = slice_first(entry->raw, name.len);
	entry->value = slice_first(slice_from(entry->raw, name.len + 1),
	    entry->raw.len - name.len - 3);
	return true;
}

bool
header_list_insert(struct header_list *list, size_t index, struct slice name,
    struct slice value)
{
	struct header_entry entry;

	if (list->count >= LIMIT_HEADER_FIELDS ||
	    !make_entry(list, name, value, &entry) ||
	    list->bytes + entry.raw.len > LIMIT_HEADER || !grow(list))
		return false;
	if (index > list->count)
		index = list->count;
	memmove(&list->items[index + 1], &list->items[index],
	    (list->count - index) * sizeof(*list->items));
	list->items[index] = entry;
	list->count++;
	list->bytes += entry.raw.len;
	return true;
}

static size_t
find(const struct header_list *list, struct slice name, uint32_t nth)
{
	uint32_t seen = 0;

	for (size_t i = 0; i < list->count; i++)
		if (slice_eq_nocase(list->items[i].name, name) && ++seen >= nth)
			return i;
	return list->count;
}

static void
delete_at(struct header_list *list, size_t index)
{
	list->bytes -= list->items[index].raw.len;
	list->count--;
	memmove(&list->items[index], &list->items[index + 1],
	    (list->count - index) * sizeof(*list->items));
}

bool
header_list_change(struct header_list *list, struct slice name, uint32_t nth,
    struct slice value)
{
	size_t index = find(list, name, nth);
	struct header_entry entry;
	size_t bytes;

	if (index == list->count)
		return value.len == 0 ||
		       header_list_insert(list, index, name, value);
	if (value.len == 0) {
		delete_at(list, index);
		return true;
	}
	if (!make_entry(list, name, value, &entry))
		return false;
	bytes = list->bytes - list->items[index].raw.len + entry.raw.len;
	if (bytes > LIMIT_HEADER)
		return false;
	list->items[index] = entry;
	list->bytes = bytes;
	return true;
}

bool
header_list_edit(struct header_list *list, const struct verify_change *edit)
{
	switch (edit->kind) {
	case EDIT_HEADER_ADD:
		return header_list_insert(
		    list, SIZE_MAX, edit->name, edit->value);
	case EDIT_HEADER_INSERT:
		return header_list_insert(
		    list, edit->index, edit->name, edit->value);
	case EDIT_HEADER_CHANGE:
		return header_list_change(
		    list, edit->name, edit->index, edit->value);
	case EDIT_BODY:
	case EDIT_SENDER:
	case EDIT_RCPT_ADD:
	case EDIT_RCPT_DELETE:
		break;
	}
	return false;
}

bool
header_list_write(const struct header_list *list, struct buf *out)
{
	struct slice raw;

	for (size_t i = 0; i < list->count; i++) {
		raw = list->items[i].raw;
		buf_add(out, raw);
		if (!slice_ends(raw, S("\n")))
			buf_add_string(out, "\r\n");
	}
	return !out->failed;
}

uint32_t
header_list_nth(const struct header_list *list, size_t index)
{
	uint32_t nth = 0;

	for (size_t i = 0; i <= index && i < list->count; i++)
		if (slice_eq_nocase(
			list->items[i].name, list->items[index].name))
			nth++;
	return nth;
}
