/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "pop3d/session.h"

#include <inttypes.h>
#include <string.h>

#include "common/limits.h"

#define OUT_SIZE   65536
#define OUT_FULL   (OUT_SIZE / 2)
#define NO_LISTING POP3_VERBS

void
pop3_session_init(struct pop3_session *session, struct pop3_message *messages,
    size_t count, bool may_login)
{
	memset(session, 0, sizeof(*session));
	session->offer.state = POP3_TRANSACTION;
	session->offer.may_login = may_login;
	session->messages = messages;
	session->count = count;
	session->listing = NO_LISTING;
	line_init(&session->lines, LIMIT_POP3_COMMAND);
	buf_init(&session->out, OUT_SIZE);
}

void
pop3_session_free(struct pop3_session *session)
{
	line_free(&session->lines);
	buf_free(&session->out);
}

static void
totals(const struct pop3_session *session, size_t *count, uint64_t *size)
{
	*count = 0;
	*size = 0;
	for (size_t i = 0; i < session->count; i++) {
		if (session->messages[i].is_deleted)
			continue;
		++*count;
		*size += session->messages[i].size;
	}
}

void
pop3_session_greet(struct pop3_session *session)
{
	uint64_t size;
	size_t count;

	totals(session, &count, &size);
	buf_add_format(&session->out,
	    "+OK Logged in, %zu messages (%" PRIu64 " octets)\r\n", count,
	    size);
}

static enum pop3_effect
refuse(struct pop3_session *session, const char *text)
{
	buf_add_format(&session->out, "-ERR %s\r\n", text);
	if (++session->errors < LIMIT_POP3_ERRORS)
		return SESSION_CONTINUE;
	buf_add(&session->out, S("-ERR Too many errors\r\n"));
	return SESSION_CLOSE;
}

/* NULL: no such message, and out says why. */
static struct pop3_message *
find_message(
    struct pop3_session *session, uint64_t number, enum pop3_effect *effect)
{
	struct pop3_message *message;

	*effect = SESSION_CONTINUE;
	if (number == 0 || number > session->count) {
		*effect = refuse(session, "There is no such message");
		return NULL;
	}
	message = &session->messages[number - 1];
	if (!message->is_deleted)
		return message;
	*effect = refuse(session, "The message is marked as deleted");
	return NULL;
}

static void
add_entry(struct pop3_session *session, size_t index)
{
	const struct pop3_message *message = &session->messages[index];

	if (session->listing == POP3_UIDL)
		buf_add_format(
		    &session->out, "%zu %s\r\n", index + 1, message->uidl);
	else
		buf_add_format(&session->out, "%zu %" PRIu64 "\r\n", index + 1,
		    message->size);
}

static void
go_on_listing(struct pop3_session *session)
{
	while (session->list_next < session->count &&
	       session->out.len < OUT_FULL) {
		if (!session->messages[session->list_next].is_deleted)
			add_entry(session, session->list_next);
		session->list_next++;
	}
	if (session->list_next < session->count)
		return;
	buf_add(&session->out, S(".\r\n"));
	session->listing = NO_LISTING;
}

bool
pop3_session_is_listing(const struct pop3_session *session)
{
	return session->listing != NO_LISTING;
}

/* LIST and UIDL. */
static enum pop3_effect
do_list(struct pop3_session *session, const struct pop3_line *line)
{
	enum pop3_effect effect;
	uint64_t size;
	size_t count;

	session->listing = line->command->verb;
	if (line->has_number) {
		if (find_message(session, line->number, &effect) != NULL) {
			buf_add(&session->out, S("+OK "));
			add_entry(session, (size_t)line->number - 1);
		}
		session->listing = NO_LISTING;
		return effect;
	}
	totals(session, &count, &size);
	buf_add_format(&session->out,
	    "+OK %zu messages (%" PRIu64 " octets)\r\n", count, size);
	session->list_next = 0;
	go_on_listing(session);
	return SESSION_CONTINUE;
}

static enum pop3_effect
do_stat(struct pop3_session *session, const struct pop3_line *line)
{
	uint64_t size;
	size_t count;

	(void)line;
	totals(session, &count, &size);
	buf_add_format(&session->out, "+OK %zu %" PRIu64 "\r\n", count, size);
	return SESSION_CONTINUE;
}

/* RETR and TOP. */
static enum pop3_effect
do_send(struct pop3_session *session, const struct pop3_line *line)
{
	enum pop3_effect effect;

	if (find_message(session, line->number, &effect) == NULL)
		return effect;
	session->index = (size_t)line->number - 1;
	session->body_lines =
	    line->command->verb == POP3_TOP ? line->lines : POP3_ALL_LINES;
	return SESSION_SEND;
}

static enum pop3_effect
do_dele(struct pop3_session *session, const struct pop3_line *line)
{
	enum pop3_effect effect;
	struct pop3_message *message =
	    find_message(session, line->number, &effect);

	if (message == NULL)
		return effect;
	message->is_deleted = true;
	buf_add(&session->out, S("+OK Marked to be deleted\r\n"));
	return SESSION_CONTINUE;
}

static enum pop3_effect
do_rset(struct pop3_session *session, const struct pop3_line *line)
{
	(void)line;
	for (size_t i = 0; i < session->count; i++)
		session->messages[i].is_deleted = false;
	buf_add_format(&session->out, "+OK %zu messages\r\n", session->count);
	return SESSION_CONTINUE;
}

static enum pop3_effect
do_noop(struct pop3_session *session, const struct pop3_line *line)
{
	(void)line;
	buf_add(&session->out, S("+OK\r\n"));
	return SESSION_CONTINUE;
}

static enum pop3_effect
do_capa(struct pop3_session *session, const struct pop3_line *line)
{
	(void)line;
	pop3_capabilities(&session->offer, &session->out);
	return SESSION_CONTINUE;
}

static enum pop3_effect
do_quit(struct pop3_session *session, const struct pop3_line *line)
{
	(void)session;
	(void)line;
	return SESSION_UPDATE;
}

typedef enum pop3_effect
handler_fn(struct pop3_session *session, const struct pop3_line *line);

static handler_fn *const handlers[POP3_VERBS] = {
	[POP3_CAPA] = do_capa,
	[POP3_STAT] = do_stat,
	[POP3_LIST] = do_list,
	[POP3_UIDL] = do_list,
	[POP3_RETR] = do_send,
	[POP3_TOP] = do_send,
	[POP3_DELE] = do_dele,
	[POP3_NOOP] = do_noop,
	[POP3_RSET] = do_rset,
	[POP3_QUIT] = do_quit,
};

static enum pop3_effect
take_line(struct pop3_session *session, struct slice text)
{
	struct pop3_line line;

	if (pop3_parse(text, POP3_TRANSACTION, &line, &session->out))
		return handlers[line.command->verb](session, &line);
	if (++session->errors < LIMIT_POP3_ERRORS)
		return SESSION_CONTINUE;
	buf_add(&session->out, S("-ERR Too many errors\r\n"));
	return SESSION_CLOSE;
}

enum pop3_effect
pop3_session_feed(struct pop3_session *session, struct slice *input)
{
	enum pop3_effect effect = SESSION_CONTINUE;
	enum line_status status;
	struct slice line;

	if (pop3_session_is_listing(session))
		go_on_listing(session);
	while (effect == SESSION_CONTINUE && session->out.len < OUT_FULL &&
	       !pop3_session_is_listing(session)) {
		status = line_next(&session->lines, input, &line);
		if (status == LINE_MORE)
			break;
		if (status == LINE_TOO_LONG)
			effect = refuse(session, "The line is too long");
		else if (status == LINE_BARE_CR)
			effect = refuse(session, "A line ends in CRLF");
		else
			effect = take_line(session, line);
	}
	return effect;
}

void
pop3_session_bye(struct pop3_session *session, size_t failed)
{
	if (failed > 0)
		buf_add_format(&session->out,
		    "-ERR [SYS/TEMP] %zu messages could not be deleted\r\n",
		    failed);
	else
		buf_add(&session->out, S("+OK Bye\r\n"));
}
