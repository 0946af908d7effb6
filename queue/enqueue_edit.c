/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "queue/enqueue_edit.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "common/alloc.h"
#include "common/limits.h"
#include "common/log.h"

#include "queue/enqueue_policy.h"
#include "queue/enqueue_sender.h"
#include "queue/enqueue_state.h"
#include "queue/enqueue_trace.h"

enum {
	HEADER_ARENA = 32 * LIMIT_HEADER,
	EDITS_MAX = LIMIT_FILTERS * LIMIT_FILTER_EDITS
};

void
enqueue_edit_reset(struct enqueue *e)
{
	struct enqueue_edit *edit = &e->edit;

	spill_clear(&edit->body);
	spill_clear(&edit->fresh);
	arena_free(&edit->arena);
	edit->is_active = edit->is_shown = edit->is_open = false;
	edit->has_fresh = edit->is_fresh_8bit = false;
	edit->fresh_last = '\n';
	edit->count = 0;
	edit->addresses = NULL;
	edit->last = &edit->addresses;
}

void
enqueue_edit_init(struct enqueue *e)
{
	struct enqueue_edit *edit = &e->edit;

	spill_init(&edit->body, e->tables.spool_fd, ".");
	spill_init(&edit->fresh, e->tables.spool_fd, ".");
	enqueue_edit_reset(e);
}

void
enqueue_edit_free(struct enqueue *e)
{
	enqueue_edit_reset(e);
	spill_free(&e->edit.body);
	spill_free(&e->edit.fresh);
}

static bool
refuse(struct inject_reply *reply, const struct why *why)
{
	enqueue_reply_of_error(reply, why);
	return false;
}

static bool
refuse_header(struct inject_reply *reply)
{
	answer_set(reply, 552, "5.3.4",
	    "message header is larger than %d bytes", LIMIT_HEADER);
	return false;
}

static bool
keep_body(struct enqueue *e, struct slice bytes, struct inject_reply *reply)
{
	struct why why = { 0 };

	if (enqueue_has_8bit(bytes))
		e->envelope.flags |= SPOOL_8BIT;
	return spill_add(&e->edit.body, bytes, &why) || refuse(reply, &why);
}

static void
show(struct enqueue *e, struct slice bytes)
{
	for (; bytes.len > 0; bytes = slice_from(bytes, LIMIT_PIPE_CHUNK))
		enqueue_verify_chunk(e, slice_first(bytes, LIMIT_PIPE_CHUNK));
}

/* The header is whole: who is logged in may have written it, what it lacks
 * goes in front of it, verify sees it, and what came behind it is body. */
static bool
end_header(struct enqueue *e, struct inject_reply *reply)
{
	struct slice held = buf_slice(&e->held), header;
	struct header_facts facts;
	struct buf fields;
	bool ok;

	header = slice_first(held, e->scan.length);
	if (!sender_check_header(e, header, reply))
		return false;
	header_facts_read(header, &facts);
	buf_init(&fields, LIMIT_HEADER + LIMIT_PIPE_CHUNK);
	enqueue_trace_missing(e, &facts, &fields);
	sender_add_header(e, header, &fields);
	show(e, buf_slice(&fields));
	if (e->scan.lacks_separator)
		show(e, S("\r\n"));
	show(e, slice_from(held, e->scan.length));
	ok = !fields.failed || refuse_header(reply);
	ok = ok && keep_body(e, slice_from(held, e->scan.length), reply);
	buf_clear(&e->held);
	buf_add(&e->held, buf_slice(&fields));
	buf_free(&fields);
	e->edit.is_shown = true;
	return ok;
}

bool
enqueue_edit_add(
    struct enqueue *e, struct slice bytes, struct inject_reply *reply)
{
	if (e->edit.is_shown) {
		show(e, bytes);
		return keep_body(e, bytes, reply);
	}
	if (!buf_add(&e->held, bytes))
		return refuse_header(reply);
	if (header_scan_feed(&e->scan, buf_slice(&e->held), false))
		return end_header(e, reply);
	return e->held.len <= LIMIT_HEADER || refuse_header(reply);
}

bool
enqueue_edit_open(struct enqueue *e, struct inject_reply *reply)
{
	struct enqueue_edit *edit = &e->edit;

	if (!edit->is_shown) {
		(void)header_scan_feed(&e->scan, buf_slice(&e->held), true);
		if (!end_header(e, reply))
			return false;
	}
	edit->arena = arena_new("header", HEADER_ARENA);
	header_list_init(&edit->headers, edit->arena);
	if (!header_list_read(&edit->headers, buf_slice(&e->held)))
		return refuse_header(reply);
	edit->is_open = true;
	return true;
}

static bool
take_address(struct enqueue *e, const struct verify_change *change)
{
	struct address_edit *fresh;

	if (change->value.len > LIMIT_SMTP_PATH)
		return false;
	fresh = arena_alloc(e->arena, sizeof(*fresh));
	if (fresh == NULL)
		return false;
	fresh->kind = change->kind;
	fresh->value = arena_slice(e->arena, change->value);
	*e->edit.last = fresh;
	e->edit.last = &fresh->next;
	return true;
}

/* Only CRLF ends a line in the spool (RFC 5321 section 2.3.8). */
static bool
is_clean_body(struct slice bytes, char *last)
{
	for (size_t i = 0; i < bytes.len; i++) {
		if (bytes.ptr[i] == '\0' ||
		    (bytes.ptr[i] == '\n') != (*last == '\r'))
			return false;
		*last = bytes.ptr[i];
	}
	return true;
}

static bool
take_body(struct enqueue *e, struct slice bytes)
{
	uint64_t limit = e->settings->message_size_limit;
	struct enqueue_edit *edit = &e->edit;
	struct why why = { 0 };

	edit->has_fresh = true;
	if (limit > 0 && edit->fresh.length + bytes.len > limit + LIMIT_HEADER)
		return false;
	if (!is_clean_body(bytes, &edit->fresh_last))
		return false;
	if (enqueue_has_8bit(bytes))
		edit->is_fresh_8bit = true;
	if (spill_add(&edit->fresh, bytes, &why))
		return true;
	log_error("cannot keep a changed message: %s", why.text);
	return false;
}

bool
enqueue_edit_take(struct enqueue *e, const struct verify_change *change)
{
	if (!e->edit.is_open)
		return false;
	if (change->kind == EDIT_BODY)
		return take_body(e, change->value);
	if (e->edit.count++ >= EDITS_MAX)
		return false;
	if (change->kind <= EDIT_HEADER_CHANGE)
		return header_list_edit(&e->edit.headers, change);
	return take_address(e, change);
}

static void
delete_recipient(struct enqueue *e, struct slice value)
{
	struct spool_message *m = &e->envelope;
	size_t kept = 0;

	for (size_t i = 0; i < m->recipient_count; i++)
		if (!slice_eq_nocase(m->recipients[i].original, value) &&
		    !slice_eq_nocase(m->recipients[i].address, value))
			m->recipients[kept++] = m->recipients[i];
	log_info("%s: a filter deleted recipient <%.*s>%s",
	    spool_writer_id(e->writer), SLICE_FMT(value),
	    kept == m->recipient_count ? ", which is none" : "");
	m->recipient_count = kept;
}

/* What cannot be done is logged; the message goes on. */
static void
apply_address(struct enqueue *e, const struct address_edit *edit)
{
	struct slice before = e->envelope.sender;
	struct inject_reply reply = { 0 };
	bool ok = true;

	if (edit->kind == EDIT_RCPT_DELETE) {
		delete_recipient(e, edit->value);
		return;
	}
	arena_reset(e->scratch);
	if (edit->kind == EDIT_SENDER) {
		ok = enqueue_set_sender(e, edit->value, &reply);
		if (!ok)
			e->envelope.sender = before;
	} else {
		ok = enqueue_admit(e, edit->value, &reply);
	}
	log_info("%s: a filter %s <%.*s>%s%s", spool_writer_id(e->writer),
	    edit->kind == EDIT_SENDER ? "changed the sender to"
				      : "added recipient",
	    SLICE_FMT(edit->value),
	    ok ? "" : ", which is refused: ", ok ? "" : reply.text);
}

static bool
write_spill(struct enqueue *e, const struct spill *body, struct why *why)
{
	char *room = alloc_zero(SPILL_PIECE, 1);
	struct slice bytes = S("");
	uint64_t at = 0;
	bool ok = true;

	do {
		ok = spill_read(body, at, room, &bytes) ||
		     why_errno(why, "read of a temporary file");
		ok = ok && spool_writer_body(e->writer, bytes, why);
		at += bytes.len;
	} while (ok && bytes.len > 0);
	alloc_release(room);
	return ok;
}

/* verify was lost in the middle of its edits, and mail goes on without it:
 * the message is as it came. */
static bool
undo(struct enqueue *e)
{
	struct enqueue_edit *edit = &e->edit;

	edit->addresses = NULL;
	edit->has_fresh = edit->is_fresh_8bit = false;
	arena_reset(edit->arena);
	header_list_init(&edit->headers, edit->arena);
	return header_list_read(&edit->headers, buf_slice(&e->held));
}

static void
apply_addresses(struct enqueue *e)
{
	const struct address_edit *edit = e->edit.addresses;

	for (; edit != NULL; edit = edit->next)
		apply_address(e, edit);
}

bool
enqueue_edit_compose(struct enqueue *e, struct inject_reply *reply)
{
	struct enqueue_edit *edit = &e->edit;
	struct why why = { 0 };

	if (e->verify.fd < 0 && !undo(e))
		return refuse_header(reply);
	apply_addresses(e);
	if (edit->fresh_last == '\r' && edit->has_fresh) {
		why_set(&why, "a changed body ends in the middle of a line");
		return refuse(reply, &why);
	}
	if (e->envelope.recipient_count == 0) {
		e->verify.is_dropped = true;
		return false;
	}
	buf_clear(&e->held);
	header_list_write(&edit->headers, &e->held);
	if (!buf_add_string(&e->held, "\r\n"))
		return refuse_header(reply);
	e->scan =
	    (struct header_scan){ .is_done = true, .length = e->held.len };
	if (edit->is_fresh_8bit)
		e->envelope.flags |= SPOOL_8BIT;
	enqueue_start_body(e);
	if (e->failure.code != 0) {
		*reply = e->failure;
		return false;
	}
	return write_spill(
		   e, edit->has_fresh ? &edit->fresh : &edit->body, &why) ||
	       refuse(reply, &why);
}
