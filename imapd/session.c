/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "imapd/session.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "common/limits.h"
#include "common/log.h"
#include "common/mailbox/mutf7.h"

#define SESSION_ARENA ((size_t)16 * 1024 * 1024)
#define REPLY_MAX     ((size_t)1024 * 1024)

void
session_init(struct session *session, const struct settings *settings,
    struct mailbox *mailbox, struct output *output)
{
	memset(session, 0, sizeof(*session));
	session->settings = settings;
	session->mailbox = mailbox;
	session->output = output;
	session->arena = arena_new("imap command", SESSION_ARENA);
	reader_init(&session->reader, LIMIT_IMAP_COMMAND, LIMIT_IMAP_COMMAND);
	buf_init(&session->reply, REPLY_MAX);
	buf_init(&session->idle_tag, LIMIT_IMAP_COMMAND);
	content_init(&session->message);
}

void
session_clear(struct session *session)
{
	append_abort(&session->append);
	session_unselect(session);
	content_clear(&session->message);
	reader_free(&session->reader);
	buf_free(&session->reply);
	buf_free(&session->idle_tag);
	arena_free(&session->arena);
}

void
session_unselect(struct session *session)
{
	content_clear(&session->message);
	folder_close(&session->folder);
	session->shown_count = session->shown_recent = 0;
	session->shown_keywords = 0;
}

void
reply_set(struct session *session, const char *format, ...)
{
	char text[1024];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	buf_clear(&session->reply);
	buf_add_string(&session->reply, text);
}

void
reply_why(struct session *session, const struct why *why)
{
	static const struct {
		int error;
		const char *code;
	} codes[] = {
		{ ENOSPC, "OVERQUOTA" },
		{ EDQUOT, "OVERQUOTA" },
		{ EACCES, "NOPERM" },
		{ EPERM, "NOPERM" },
		{ EROFS, "NOPERM" },
	};
	const char *code = why->status;

	for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++)
		if (code[0] == '\0' && why->error == codes[i].error)
			code = codes[i].code;
	if (code[0] == '\0' && why->error != 0)
		code = "SERVERBUG";
	if (code[0] == '\0')
		reply_set(session, "NO %s", why->text);
	else
		reply_set(session, "NO [%s] %s", code, why->text);
}

void
reply_send(struct session *session, struct slice tag)
{
	struct buf *out = &session->output->buf;

	buf_add(out, tag.len > 0 ? tag : S("*"));
	buf_add_char(out, ' ');
	buf_add(out, buf_slice(&session->reply));
	buf_add(out, S("\r\n"));
	buf_clear(&session->reply);
	output_settle(session->output);
}

void
session_bye(struct session *session, const char *text)
{
	buf_add_format(&session->output->buf, "* BYE %s\r\n", text);
	session->mode = SESSION_CLOSED;
}

bool
session_folder_name(
    struct session *session, struct slice sent, struct slice *name)
{
	struct buf utf8;
	bool ok;

	while (sent.len > 1 && sent.ptr[sent.len - 1] == MAILBOX_SEPARATOR)
		sent.len--;
	buf_init(&utf8, 1024);
	ok = sent.len > 0 && mutf7_decode(sent, &utf8);
	*name = arena_slice(session->arena, buf_slice(&utf8));
	buf_free(&utf8);
	if (!ok)
		reply_set(session, "NO [CANNOT] The mailbox name is no "
				   "modified UTF-7 (RFC 3501 section 5.1.3)");
	else if (slice_eq_nocase(*name, S("INBOX")))
		*name = S("INBOX");
	return ok;
}

static void
session_run(struct session *session, struct command *command)
{
	const struct command_row *row = command->row;
	bool was_selected;

	if ((row->flags & COMMAND_WRITES) != 0 && session->is_read_only) {
		reply_set(session,
		    "NO [READ-ONLY] The mailbox was opened by EXAMINE");
		reply_send(session, command->tag);
		return;
	}
	was_selected = session->folder != NULL;
	row->run(session, command);
	if (was_selected && session->folder != NULL &&
	    (row->flags & COMMAND_NO_REPORT) == 0)
		session_report(session,
		    (row->flags & COMMAND_NO_EXPUNGE) == 0 || command->is_uid,
		    command->is_uid);
	if (session->reply.len > 0)
		reply_send(session, command->tag);
}

static void
session_bad(struct session *session, struct slice tag, const char *error)
{
	reply_set(session, "BAD %s", error);
	reply_send(session, tag);
	if (++session->errors >= LIMIT_IMAP_ERRORS)
		session_bye(session, "Too many errors");
}

static void
session_command(struct session *session)
{
	struct slice text = buf_slice(&session->reader.command);
	unsigned int state =
	    session->folder == NULL ? STATE_NONE : STATE_SELECTED;
	struct command command;
	const char *error;

	if (session->append.arena != NULL) {
		append_end(session, text);
	} else if (command_parse(
		       &command, text, state, session->arena, &error)) {
		session->errors = 0;
		session_run(session, &command);
	} else {
		session_bad(session, command.tag, error);
	}
	arena_reset(session->arena);
}

static void
session_end_idle(struct session *session)
{
	bool is_done = slice_eq_nocase(
	    slice_trim(buf_slice(&session->reader.command)), S("DONE"));

	session->mode = SESSION_COMMAND;
	if (session->folder != NULL)
		session_report(session, true, false);
	reply_set(session, "%s",
	    is_done ? "OK Idle completed" : "BAD IDLE ends with DONE");
	reply_send(session, buf_slice(&session->idle_tag));
}

/* A literal that is not APPEND's message is part of the arguments. */
static void
session_literal(struct session *session)
{
	struct reader *reader = &session->reader;
	struct command command;
	struct parse parse;
	struct slice tag = { NULL, 0 };

	if (command_parse_append(
		&command, buf_slice(&reader->command), session->arena)) {
		append_begin(session, &command);
	} else if ((reader->is_synchronous ||
		       reader->literal_size <= LIMIT_IMAP_LITERAL_MINUS) &&
		   reader_collect(reader)) {
		if (reader->is_synchronous)
			buf_add(&session->output->buf, S("+ OK\r\n"));
	} else {
		parse_begin(
		    &parse, buf_slice(&reader->command), session->arena);
		(void)parse_tag(&parse, &tag);
		session_bad(session, tag, "[TOOBIG] The literal is too large");
		reader_refuse(reader);
	}
	arena_reset(session->arena);
}

void
session_step(struct session *session, struct slice input)
{
	struct slice data = { NULL, 0 };
	enum reader_status status;

	while (session->mode != SESSION_CLOSED) {
		status = reader_next(&session->reader, &input, &data);
		if (status == READER_MORE)
			break;
		if (status == READER_TOO_LONG)
			session_bye(session, "The command line is too long");
		else if (status == READER_LITERAL)
			session_literal(session);
		else if (status == READER_DATA)
			append_data(session, data);
		else if (status == READER_COMMAND &&
			 session->mode == SESSION_IDLE)
			session_end_idle(session);
		else if (status == READER_COMMAND)
			session_command(session);
	}
	reader_trim(&session->reader);
}
