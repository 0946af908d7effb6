/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "imapd/append.h"

#include <string.h>

#include "common/limits.h"

#include "imapd/session.h"

#define APPEND_ARENA 65536

void
append_abort(struct append *append)
{
	appender_close(&append->appender);
	arena_free(&append->arena);
	memset(append, 0, sizeof(*append));
}

/* The command's arena goes with the line; the append outlives it. */
static bool
append_keep(struct append *append, const struct command *command)
{
	const struct flag_list *flags = &command->flags;
	struct slice *names;

	append->arena = arena_new("append", APPEND_ARENA * 2);
	append->tag = arena_slice(append->arena, command->tag);
	names = arena_alloc(
	    append->arena, (flags->count + 1) * sizeof(struct slice));
	if (append->tag.ptr == NULL || names == NULL)
		return false;
	for (size_t i = 0; i < flags->count; i++) {
		names[i] = arena_slice(append->arena, flags->keywords[i]);
		if (names[i].ptr == NULL)
			return false;
	}
	append->facts = (struct append_facts){ .flags = flags->flags,
		.keyword_names = names,
		.keyword_count = flags->count,
		.internal_date = command->date };
	return true;
}

static bool
append_may_begin(struct session *session, struct command *command)
{
	const struct reader *reader = &session->reader;

	if (reader->literal_size == 0)
		reply_set(session, "NO [CANNOT] The message is empty");
	else if (reader->literal_size > session->settings->message_size_limit)
		reply_set(session,
		    "NO [TOOBIG] The message is larger than %llu bytes",
		    (unsigned long long)session->settings->message_size_limit);
	else if (!reader->is_synchronous &&
		 reader->literal_size > LIMIT_IMAP_LITERAL_MINUS)
		reply_set(session,
		    "BAD [TOOBIG] A literal without waiting has at most %d "
		    "bytes (RFC 7888 section 5)",
		    LIMIT_IMAP_LITERAL_MINUS);
	else
		return append_keep(&session->append, command);
	return false;
}

static bool
append_open(struct session *session, struct command *command)
{
	struct append *append = &session->append;
	struct slice name;
	struct why why = { 0 };

	if (!append_may_begin(session, command) ||
	    !session_folder_name(session, command->name, &name))
		return false;
	append->appender = appender_open(session->mailbox, name, &why);
	if (append->appender == NULL && strcmp(why.status, "NONEXISTENT") == 0)
		reply_set(session, "NO [TRYCREATE] There is no such mailbox");
	else if (append->appender == NULL)
		reply_why(session, &why);
	return append->appender != NULL;
}

void
append_begin(struct session *session, struct command *command)
{
	if (append_open(session, command)) {
		if (session->reader.is_synchronous)
			buf_add(&session->output->buf, S("+ OK\r\n"));
		reader_stream(&session->reader);
		return;
	}
	append_abort(&session->append);
	if (session->reply.len == 0)
		reply_set(session, "BAD The command is too large");
	reply_send(session, command->tag);
	reader_refuse(&session->reader);
}

void
append_data(struct session *session, struct slice bytes)
{
	struct append *append = &session->append;

	if (!append->has_failed)
		append->has_failed =
		    !appender_write(append->appender, bytes, &append->why);
}

void
append_end(struct session *session, struct slice rest)
{
	struct append *append = &session->append;
	uint32_t uidvalidity, uid;

	if (rest.len > 0)
		reply_set(session, "BAD Something follows the message");
	else if (!append->has_failed &&
		 appender_commit(append->appender, &append->facts, &uidvalidity,
		     &uid, &append->why))
		reply_set(session, "OK [APPENDUID %u %u] Append completed",
		    uidvalidity, uid);
	else
		reply_why(session, &append->why);
	appender_close(&append->appender);
	if (session->folder != NULL)
		session_report(session, true, false);
	reply_send(session, append->tag);
	append_abort(append);
}
