/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "smtpd/filter_message.h"

#include <fcntl.h>
#include <string.h>

#include "common/alloc.h"
#include "common/header.h"
#include "common/limits.h"

enum {
	ARENA_CEILING = 32 * LIMIT_HEADER,
	HEAD_MAX = LIMIT_HEADER + 1
};

void
filter_message_init(struct filter_message *message, const char *directory,
    filter_change_fn *change, void *context)
{
	memset(message, 0, sizeof(*message));
	message->arena = arena_new("filtered", ARENA_CEILING);
	message->change = change;
	message->context = context;
	header_list_init(&message->headers, message->arena);
	spill_init(&message->whole, AT_FDCWD, directory);
	spill_init(&message->body, AT_FDCWD, directory);
	spill_init(&message->draft, AT_FDCWD, directory);
}

void
filter_message_reset(struct filter_message *message)
{
	spill_clear(&message->whole);
	spill_clear(&message->body);
	spill_clear(&message->draft);
	arena_reset(message->arena);
	header_list_init(&message->headers, message->arena);
	message->body_start = 0;
	message->has_new_body = message->has_draft = false;
	message->edits = 0;
	message->last = '\n';
}

void
filter_message_free(struct filter_message *message)
{
	spill_free(&message->whole);
	spill_free(&message->body);
	spill_free(&message->draft);
	arena_free(&message->arena);
}

bool
filter_message_add(
    struct filter_message *message, struct slice bytes, struct why *why)
{
	return spill_add(&message->whole, bytes, why);
}

/* The start of a message, all of its header at least. */
static bool
read_head(const struct spill *spill, struct buf *head, struct why *why)
{
	char *room = alloc_zero(SPILL_PIECE, 1);
	struct slice piece = S(" ");
	bool ok = true;

	while (ok && piece.len > 0 && head->len < HEAD_MAX) {
		ok = spill_read(spill, head->len, room, &piece);
		piece = slice_first(piece, HEAD_MAX - head->len);
		ok = ok && buf_add(head, piece);
	}
	alloc_release(room);
	return ok || why_set(why, "cannot read the message back");
}

/* Fields into list; *body_start is behind the empty line. */
static bool
read_headers(const struct spill *spill, struct header_list *list,
    uint64_t *body_start, struct why *why)
{
	struct header_iterator iterator;
	struct header_field field;
	struct buf head;
	bool ok;

	buf_init(&head, HEAD_MAX);
	ok = read_head(spill, &head, why);
	header_begin(&iterator, buf_slice(&head));
	while (header_next(&iterator, &field))
		continue;
	*body_start = iterator.body_offset;
	if (ok &&
	    !header_list_read(list, slice_first(buf_slice(&head), *body_start)))
		ok = why_set(why, "message header is too large");
	buf_free(&head);
	return ok;
}

bool
filter_message_open(struct filter_message *message, struct why *why)
{
	return read_headers(
	    &message->whole, &message->headers, &message->body_start, why);
}

bool
filter_message_body(const struct filter_message *message, uint64_t offset,
    char room[SPILL_PIECE], struct slice *bytes)
{
	if (message->has_new_body)
		return spill_read(&message->body, offset, room, bytes);
	return spill_read(
	    &message->whole, message->body_start + offset, room, bytes);
}

uint64_t
filter_message_body_length(const struct filter_message *message)
{
	return message->has_new_body
		   ? message->body.length
		   : message->whole.length - message->body_start;
}

/* Only CRLF ends a line of what goes into the spool; a NUL never does. */
static bool
add_body(struct filter_message *message, struct slice bytes, struct why *why)
{
	char text[2 * 1024];
	size_t n = 0;
	char c;

	for (size_t i = 0; i < bytes.len; i++) {
		c = bytes.ptr[i];
		if ((c == '\n' && message->last != '\r') ||
		    (c != '\n' && message->last == '\r'))
			text[n++] = c == '\n' ? '\r' : '\n';
		if (c == '\0')
			c = ' ';
		text[n++] = c;
		message->last = c;
		if (n + 2 < sizeof(text))
			continue;
		if (!spill_add(&message->draft, slice_make(text, n), why))
			return false;
		n = 0;
	}
	return spill_add(&message->draft, slice_make(text, n), why);
}

static bool
edit_body(struct filter_message *message, struct slice bytes, struct why *why)
{
	if (!message->has_draft) {
		spill_clear(&message->draft);
		message->has_draft = true;
		message->last = '\n';
	}
	return add_body(message, bytes, why);
}

bool
filter_message_edit(struct filter_message *message,
    const struct verify_change *edit, struct why *why)
{
	if (edit->kind == EDIT_BODY)
		return edit_body(message, edit->value, why);
	if (message->edits++ >= LIMIT_FILTER_EDITS)
		return why_set(why, "more than %d edits", LIMIT_FILTER_EDITS);
	if (edit->kind <= EDIT_HEADER_CHANGE &&
	    !header_list_edit(&message->headers, edit))
		return why_set(why, "edit of field %.*s is not possible",
		    SLICE_FMT(slice_first(edit->name, 60)));
	return message->change(message->context, edit) ||
	       why_set(why, "enqueue does not take an edit");
}

bool
filter_message_settle(struct filter_message *message, struct why *why)
{
	struct spill old = message->body;

	if (!message->has_draft)
		return true;
	if (message->last == '\r' && !spill_add(&message->draft, S("\n"), why))
		return false;
	message->body = message->draft;
	message->draft = old;
	spill_clear(&message->draft);
	message->has_draft = false;
	message->has_new_body = true;
	return true;
}

/* Fields of old from first to last, counted, go; those of fresh come. */
static bool
replace_fields(struct filter_message *message, size_t first, size_t end,
    const struct header_list *fresh, struct why *why)
{
	size_t added = fresh->count - (message->headers.count - (end - first));
	struct verify_change edit;

	for (size_t i = end; i > first; i--) {
		edit = (struct verify_change){ .kind = EDIT_HEADER_CHANGE,
			.index = header_list_nth(&message->headers, i - 1),
			.name = message->headers.items[i - 1].name };
		if (!filter_message_edit(message, &edit, why))
			return false;
	}
	for (size_t i = first; i < first + added; i++) {
		edit = (struct verify_change){ .kind = EDIT_HEADER_INSERT,
			.index = (uint32_t)i,
			.name = fresh->items[i].name,
			.value = fresh->items[i].value };
		if (!filter_message_edit(message, &edit, why))
			return false;
	}
	return true;
}

/* Programs put their fields in front or behind: what both lists begin and
 * end with stays. */
static bool
replace_headers(struct filter_message *message, const struct header_list *fresh,
    struct why *why)
{
	const struct header_list *old = &message->headers;
	size_t first = 0, end = old->count, tail = fresh->count;

	while (first < old->count && first < fresh->count &&
	       slice_eq(old->items[first].raw, fresh->items[first].raw))
		first++;
	while (end > first && tail > first &&
	       slice_eq(old->items[end - 1].raw, fresh->items[tail - 1].raw)) {
		end--;
		tail--;
	}
	return replace_fields(message, first, end, fresh, why);
}

static bool
is_same_body(const struct filter_message *message, const struct spill *printed,
    uint64_t start)
{
	char *one = alloc_zero(SPILL_PIECE, 1),
	     *two = alloc_zero(SPILL_PIECE, 1);
	struct slice a = S(""), b = S("");
	uint64_t at = 0, length = filter_message_body_length(message);
	bool is_same = length == printed->length - start;

	while (is_same && at < length) {
		is_same = filter_message_body(message, at, one, &a) &&
			  spill_read(printed, start + at, two, &b);
		if (a.len > b.len)
			a.len = b.len;
		is_same =
		    is_same && a.len > 0 && slice_eq(a, slice_first(b, a.len));
		at += a.len;
	}
	alloc_release(one);
	alloc_release(two);
	return is_same;
}

static bool
replace_body(struct filter_message *message, const struct spill *printed,
    uint64_t start, struct why *why)
{
	char *room = alloc_zero(SPILL_PIECE, 1);
	struct slice bytes = S("");
	bool ok = true;

	do {
		ok = spill_read(printed, start, room, &bytes) ||
		     why_set(why, "cannot read what was printed");
		ok = ok && edit_body(message, bytes, why);
		start += bytes.len;
	} while (ok && bytes.len > 0);
	alloc_release(room);
	return ok && filter_message_settle(message, why);
}

bool
filter_message_replace(struct filter_message *message,
    const struct spill *printed, struct why *why)
{
	struct arena *arena = arena_new("printed", ARENA_CEILING);
	struct header_list fresh;
	uint64_t start = 0;
	bool ok;

	header_list_init(&fresh, arena);
	ok = read_headers(printed, &fresh, &start, why);
	if (ok && fresh.count == 0 && message->headers.count > 0)
		ok = why_set(why, "what was printed is no message");
	ok = ok && replace_headers(message, &fresh, why);
	if (ok && !is_same_body(message, printed, start))
		ok = replace_body(message, printed, start, why);
	arena_free(&arena);
	return ok;
}

bool
filter_message_finish(struct filter_message *message, struct why *why)
{
	char *room;
	struct verify_change edit = { .kind = EDIT_BODY };
	uint64_t at = 0;
	bool ok = true;

	if (!message->has_new_body)
		return true;
	room = alloc_zero(SPILL_PIECE, 1);
	/* One piece at least: an empty body is a body. */
	do {
		ok = filter_message_body(message, at, room, &edit.value) ||
		     why_set(why, "cannot read the new body");
		if (ok && (edit.value.len > 0 || at == 0))
			ok = message->change(message->context, &edit) ||
			     why_set(why, "enqueue does not take a body");
		at += edit.value.len;
	} while (ok && edit.value.len > 0);
	alloc_release(room);
	return ok;
}
