/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "imapd/section.h"

#include "common/header.h"

static bool
has_name(const struct fetch_item *item, struct slice name)
{
	for (size_t i = 0; i < item->name_count; i++)
		if (slice_eq_nocase(item->names[i], name))
			return true;
	return false;
}

/* The fields asked for, and the empty line if there is one (6.4.5). */
static struct slice
select_fields(
    const struct fetch_item *item, struct slice header, struct buf *scratch)
{
	struct header_iterator iterator;
	struct header_field field;

	buf_clear(scratch);
	header_begin_stored(&iterator, header);
	while (header_next(&iterator, &field)) {
		if (has_name(item, field.name) !=
		    (item->text == SECTION_FIELDS))
			continue;
		buf_add(scratch, field.raw);
		if (!slice_ends(field.raw, S("\n")))
			buf_add(scratch, S("\r\n"));
	}
	if (iterator.has_separator)
		buf_add(scratch, S("\r\n"));
	return buf_slice(scratch);
}

static bool
section_of(const struct fetch_item *item, const struct mime_part *part,
    struct buf *scratch, struct slice *out)
{
	/* HEADER and TEXT are those of a message: the root or one within. */
	if (item->number_count > 0 && item->text != SECTION_ALL &&
	    item->text != SECTION_MIME)
		part = part->is_message ? part->children : NULL;
	if (part == NULL)
		return false;
	if (item->text == SECTION_HEADER || item->text == SECTION_MIME)
		*out = part->header;
	else if (item->text == SECTION_TEXT || item->text == SECTION_ALL)
		*out = part->body;
	else
		*out = select_fields(item, part->header, scratch);
	return true;
}

bool
section_find(struct content *message, const struct fetch_item *item,
    struct buf *scratch, struct slice *out)
{
	const struct mime_part *part;
	struct slice header = content_header(message);
	struct slice bytes = buf_slice(&message->bytes);

	if (item->number_count == 0) {
		if (item->text == SECTION_ALL)
			*out = bytes;
		else if (item->text == SECTION_TEXT)
			*out = slice_from(bytes, header.len);
		else if (item->text == SECTION_HEADER)
			*out = header;
		else
			*out = select_fields(item, header, scratch);
		return true;
	}
	part = content_root(message);
	if (part != NULL)
		part = mime_find(part, item->numbers, item->number_count);
	return part != NULL && section_of(item, part, scratch, out);
}

struct slice
section_partial(const struct fetch_item *item, struct slice s)
{
	if (!item->is_partial)
		return s;
	return slice_first(slice_from(s, item->offset), item->length);
}

enum content_part
section_needs(const struct fetch_item *item)
{
	switch (item->kind) {
	case FETCH_FLAGS:
	case FETCH_UID:
	case FETCH_SIZE:
	case FETCH_DATE:
		return CONTENT_OPEN;
	case FETCH_ENVELOPE:
		return CONTENT_HEADER;
	case FETCH_SECTION:
		if (item->number_count == 0 && item->text != SECTION_ALL &&
		    item->text != SECTION_TEXT)
			return CONTENT_HEADER;
		return CONTENT_WHOLE;
	case FETCH_BODY:
	case FETCH_BODYSTRUCTURE:
		break;
	}
	return CONTENT_WHOLE;
}
