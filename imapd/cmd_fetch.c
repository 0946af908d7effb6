/* SPDX-License-Identifier: ISC */
#include "config.h"

#include <errno.h>
#include <unistd.h>

#include "common/alloc.h"
#include "common/date.h"
#include "common/log.h"
#include "common/mime/bodystructure.h"
#include "common/mime/envelope.h"

#include "imapd/fetch.h"
#include "imapd/section.h"
#include "imapd/session.h"

#define STREAM_PIECE ((size_t)64 * 1024)
#define HEADER_ARENA ((size_t)8 * 1024 * 1024)

struct fetch {
	struct session *session;
	const struct command *command;
	struct arena *arena; /* of one envelope or body structure */
	struct buf scratch;
	size_t index;
	bool sets_seen, has_flags;
};

/* BODY[] of a file with CRLF line ends goes from file to network. */
static bool
may_stream(const struct fetch_item *item, const struct mail *mail)
{
	return item->kind == FETCH_SECTION && item->number_count == 0 &&
	       item->text == SECTION_ALL && mail->size != UINT64_MAX &&
	       mail->size == mail->wire_size;
}

static void
fetch_plan(struct fetch *fetch)
{
	for (const struct fetch_item *i = fetch->command->items; i != NULL;
	     i = i->next) {
		if (i->kind == FETCH_FLAGS)
			fetch->has_flags = true;
		if (!i->is_peek && !fetch->session->is_read_only)
			fetch->sets_seen = true;
	}
}

/* Everything that can fail, before the response begins. */
static bool
fetch_prepare(struct fetch *fetch, struct why *why)
{
	struct session *session = fetch->session;
	struct mail *mail = folder_mail(session->folder, fetch->index);
	enum content_part needs = CONTENT_OPEN, part;
	bool needs_file = false;

	for (const struct fetch_item *i = fetch->command->items; i != NULL;
	     i = i->next) {
		if (i->kind == FETCH_SIZE &&
		    !folder_measure(session->folder, fetch->index, why))
			return false;
		if (i->kind == FETCH_FLAGS || i->kind == FETCH_UID ||
		    i->kind == FETCH_SIZE)
			continue;
		needs_file = true;
		part = section_needs(i);
		if (part > needs && !may_stream(i, mail))
			needs = part;
	}
	return !needs_file || content_load(&session->message, session->folder,
				  fetch->index, needs, why);
}

static void
stream_file(struct fetch *fetch, uint64_t offset, uint64_t length)
{
	struct output *output = fetch->session->output;
	char *bytes = alloc_zero(1, STREAM_PIECE);
	ssize_t n;

	while (length > 0 && !output->is_broken) {
		n = pread(fetch->session->message.fd, bytes,
		    length < STREAM_PIECE ? (size_t)length : STREAM_PIECE,
		    (off_t)offset);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0) {
			/* The length is promised; only an end is honest. */
			log_error("a message became shorter while it was read");
			output->is_broken = true;
			break;
		}
		output_body(output, slice_make(bytes, (size_t)n));
		offset += (uint64_t)n;
		length -= (uint64_t)n;
	}
	alloc_release(bytes);
}

static void
write_stream(struct fetch *fetch, const struct fetch_item *item)
{
	const struct mail *mail =
	    folder_mail(fetch->session->folder, fetch->index);
	uint64_t offset = 0, length = mail->size;

	if (item->is_partial) {
		offset = item->offset < length ? item->offset : length;
		length -= offset;
		if (length > item->length)
			length = item->length;
	}
	buf_add_format(&fetch->session->output->buf, " {%llu}\r\n",
	    (unsigned long long)length);
	stream_file(fetch, offset, length);
}

static void
write_section(struct fetch *fetch, const struct fetch_item *item)
{
	struct session *session = fetch->session;
	struct buf *out = &session->output->buf;
	struct slice bytes;

	if (may_stream(item, folder_mail(session->folder, fetch->index)) &&
	    session->message.fd >= 0) {
		write_stream(fetch, item);
		return;
	}
	if (!section_find(&session->message, item, &fetch->scratch, &bytes)) {
		buf_add(out, S(" NIL"));
		return;
	}
	bytes = section_partial(item, bytes);
	buf_add_format(out, " {%zu}\r\n", bytes.len);
	output_body(session->output, bytes);
}

static void
write_structure(struct fetch *fetch, bool is_extended)
{
	struct content *message = &fetch->session->message;
	struct buf *out = &fetch->session->output->buf;
	const struct mime_part *root = content_root(message);

	buf_add_char(out, ' ');
	if (root == NULL ||
	    !bodystructure_format(out, root, is_extended, fetch->arena))
		buf_add(out, S("(\"application\" \"octet-stream\" NIL NIL NIL "
			       "\"8bit\" 0)"));
	arena_reset(fetch->arena);
}

static void
write_envelope(struct fetch *fetch)
{
	struct buf *out = &fetch->session->output->buf;

	buf_add_char(out, ' ');
	if (!envelope_format(
		out, content_header(&fetch->session->message), fetch->arena))
		buf_add(out, S("(NIL NIL NIL NIL NIL NIL NIL NIL NIL NIL)"));
	arena_reset(fetch->arena);
}

static void
write_item(struct fetch *fetch, const struct fetch_item *item)
{
	struct session *session = fetch->session;
	struct buf *out = &session->output->buf;
	struct mail *mail = folder_mail(session->folder, fetch->index);
	char date[DATE_TEXT_SIZE];

	if (item->kind != FETCH_FLAGS && item->kind != FETCH_UID)
		buf_add(out, item->label);
	switch (item->kind) {
	case FETCH_FLAGS:
		session_add_flags(session, out, mail);
		mail->is_changed = false;
		break;
	case FETCH_UID:
		buf_add_format(out, "UID %u", mail->uid);
		break;
	case FETCH_DATE:
		buf_add_format(out, " \"%s\"",
		    date_format_imap(session->message.date, date));
		break;
	case FETCH_SIZE:
		buf_add_format(
		    out, " %llu", (unsigned long long)mail->wire_size);
		break;
	case FETCH_ENVELOPE:
		write_envelope(fetch);
		break;
	case FETCH_BODY:
	case FETCH_BODYSTRUCTURE:
		write_structure(fetch, item->kind == FETCH_BODYSTRUCTURE);
		break;
	case FETCH_SECTION:
		write_section(fetch, item);
		break;
	}
}

/* A body that was fetched is \Seen, and the answer says so. */
static bool
set_seen(struct fetch *fetch)
{
	struct folder *folder = fetch->session->folder;
	struct mail *mail = folder_mail(folder, fetch->index);
	struct why why = { 0 };

	if (!fetch->sets_seen || (mail->flags & MAIL_SEEN) != 0)
		return false;
	if (folder_set_flags(folder, fetch->index, mail->flags | MAIL_SEEN,
		mail->keywords, &why))
		return !fetch->has_flags;
	log_warning("cannot set \\Seen: %s", why.text);
	return false;
}

static bool
fetch_message(struct fetch *fetch, struct why *why)
{
	struct session *session = fetch->session;
	struct buf *out = &session->output->buf;
	bool adds_flags;

	if (folder_mail(session->folder, fetch->index)->is_expunged)
		return why_set(why, "the message was expunged");
	if (!fetch_prepare(fetch, why))
		return false;
	adds_flags = set_seen(fetch);
	buf_add_format(out, "* %zu FETCH (", fetch->index + 1);
	for (const struct fetch_item *i = fetch->command->items; i != NULL;
	     i = i->next) {
		write_item(fetch, i);
		if (i->next != NULL)
			buf_add_char(out, ' ');
	}
	if (adds_flags) {
		buf_add_char(out, ' ');
		session_add_flags(
		    session, out, folder_mail(session->folder, fetch->index));
	}
	buf_add(out, S(")\r\n"));
	output_settle(session->output);
	return true;
}

void
cmd_fetch(struct session *session, struct command *command)
{
	struct fetch fetch = { .session = session, .command = command };
	struct selection selection;
	struct why why = { 0 };
	size_t expunged = 0, failed = 0;

	if (!selection_begin(&selection, session, command))
		return;
	fetch.arena = arena_new("fetch", HEADER_ARENA);
	buf_init(&fetch.scratch, OUTPUT_CEILING);
	fetch_plan(&fetch);
	while (!session->output->is_broken &&
	       selection_next(&selection, session, &fetch.index)) {
		if (fetch_message(&fetch, &why))
			continue;
		if (folder_mail(session->folder, fetch.index)->is_expunged)
			expunged++;
		else
			failed++;
	}
	if (failed > 0)
		reply_why(session, &why);
	else if (expunged > 0)
		reply_set(
		    session, "OK [EXPUNGEISSUED] Some messages were expunged");
	else
		reply_set(session, "OK Fetch completed");
	buf_free(&fetch.scratch);
	arena_free(&fetch.arena);
}
