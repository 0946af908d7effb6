/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "common/mime/envelope.h"

#include "common/address.h"
#include "common/header.h"
#include "common/mime/nstring.h"
#include "common/mime/parameter.h"

enum {
	FIELD_DATE,
	FIELD_SUBJECT,
	FIELD_FROM,
	FIELD_SENDER,
	FIELD_REPLY_TO,
	FIELD_TO,
	FIELD_CC,
	FIELD_BCC,
	FIELD_IN_REPLY_TO,
	FIELD_MESSAGE_ID,
	FIELD_COUNT
};

static const struct {
	struct slice name;
	bool is_address;
} envelope_fields[FIELD_COUNT] = {
	{ SLICE("date"), false },
	{ SLICE("subject"), false },
	{ SLICE("from"), true },
	{ SLICE("sender"), true },
	{ SLICE("reply-to"), true },
	{ SLICE("to"), true },
	{ SLICE("cc"), true },
	{ SLICE("bcc"), true },
	{ SLICE("in-reply-to"), false },
	{ SLICE("message-id"), false },
};

struct address_writer {
	struct buf *out;
	size_t count;
};

/* (name route mailbox host) */
static bool
write_address(void *context, const struct address_item *item)
{
	struct address_writer *writer = context;
	struct buf *out = writer->out;

	if (writer->count++ == 0)
		buf_add_char(out, '(');
	if (item->kind == ADDRESS_GROUP_END)
		return buf_add(out, S("(NIL NIL NIL NIL)"));
	if (item->kind == ADDRESS_GROUP_START) {
		buf_add(out, S("(NIL NIL "));
		imap_add_string(out, item->display);
		return buf_add(out, S(" NIL)"));
	}
	buf_add_char(out, '(');
	imap_add_nstring(out, item->display);
	buf_add_char(out, ' ');
	imap_add_nstring(out, item->route);
	buf_add_char(out, ' ');
	imap_add_string(out, item->address.local);
	buf_add_char(out, ' ');
	imap_add_string(out, item->address.domain);
	return buf_add_char(out, ')');
}

/* All fields of that name, as one list; NIL when no address is in them. */
static size_t
write_addresses(
    struct buf *out, struct slice header, size_t field, struct arena *arena)
{
	struct address_writer writer = { .out = out };
	struct header_iterator iterator;
	struct header_field found;

	header_begin_stored(&iterator, header);
	while (header_next(&iterator, &found))
		if (slice_eq_nocase(found.name, envelope_fields[field].name))
			(void)address_list_parse(
			    found.body, arena, write_address, &writer);
	if (writer.count > 0)
		buf_add_char(out, ')');
	return writer.count;
}

static void
find_fields(struct slice header, struct slice found[FIELD_COUNT])
{
	struct header_iterator iterator;
	struct header_field field;

	header_begin_stored(&iterator, header);
	while (header_next(&iterator, &field))
		for (size_t i = 0; i < FIELD_COUNT; i++)
			if (found[i].ptr == NULL &&
			    slice_eq_nocase(
				field.name, envelope_fields[i].name))
				found[i] = field.body;
}

static bool
write_text(struct buf *out, struct slice body, struct arena *arena)
{
	struct slice text;

	if (body.ptr == NULL)
		return buf_add(out, S("NIL"));
	return mime_unfold(body, arena, &text) && imap_add_string(out, text);
}

bool
envelope_format(struct buf *out, struct slice header, struct arena *arena)
{
	struct slice found[FIELD_COUNT] = { { NULL, 0 } };
	size_t start = out->len, count;
	bool ok = true;

	find_fields(header, found);
	for (size_t i = 0; ok && i < FIELD_COUNT; i++) {
		buf_add_char(out, i == 0 ? '(' : ' ');
		if (!envelope_fields[i].is_address) {
			ok = write_text(out, found[i], arena);
			continue;
		}
		count = found[i].ptr == NULL
			    ? 0
			    : write_addresses(out, header, i, arena);
		if (count == 0 && (i == FIELD_SENDER || i == FIELD_REPLY_TO))
			count = write_addresses(out, header, FIELD_FROM, arena);
		if (count == 0)
			buf_add(out, S("NIL"));
	}
	ok = buf_add_char(out, ')') && ok;
	if (!ok)
		out->len = start;
	return ok;
}
