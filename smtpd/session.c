/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "smtpd/session.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "common/limits.h"

#include "smtpd/cmd.h"

enum {
	REPLIES_MAX = 16384,
	REPLIES_ENOUGH = 8192, /* then they are sent, whatever is pipelined */
	LOG_MAX = 4096,
	COMMAND_MEMORY = 16384,
};

/* After STARTTLS the client speaks first (RFC 3207 section 4.2). */
static void
session_greet(struct session *session)
{
	static const struct reply foreign = { 554, "5.7.1",
		"LMTP is for hosts in mynetworks" };
	const struct connection *connection = session->connection;
	char text[300];

	if (session_is_lmtp(session) &&
	    !network_list_contains(
		&connection->settings->mynetworks, &connection->peer)) {
		reply_goodbye(session, foreign);
		return;
	}
	if (connection->is_tls && !connection->listener->is_tls &&
	    !connection->is_claimed)
		return;
	snprintf(text, sizeof(text), "%s %s Merpati",
	    connection->settings->hostname,
	    session_is_lmtp(session) ? "LMTP" : "ESMTP");
	reply_add(session, (struct reply){ 220, "", text });
}

void
smtp_session_init(struct session *session, const struct connection *connection)
{
	memset(session, 0, sizeof(*session));
	session->connection = connection;
	session->phase = PHASE_START;
	line_init(&session->line, LIMIT_SMTP_AUTH_LINE);
	session->arena = arena_new("smtp command", COMMAND_MEMORY);
	buf_init(&session->replies, REPLIES_MAX);
	buf_init(&session->log, LOG_MAX);
	buf_init(&session->helo, LIMIT_SMTP_DOMAIN);
	buf_init(&session->reverse_path, 2 * LIMIT_SMTP_PATH + 2);
	buf_init(&session->forward_path, 2 * LIMIT_SMTP_PATH + 2);
	buf_init(&session->members, LIMIT_SMTP_EXPANSION);
	buf_init(&session->chunk, LIMIT_PIPE_CHUNK);
	buf_init(&session->repeat, REPLIES_ENOUGH);
	options_init(&session->options);
	session_greet(session);
	claim_begin(session);
}

void
smtp_session_clear(struct session *session)
{
	line_free(&session->line);
	arena_free(&session->arena);
	buf_free(&session->replies);
	buf_free(&session->log);
	buf_free(&session->helo);
	buf_free(&session->reverse_path);
	buf_free(&session->forward_path);
	buf_free(&session->members);
	buf_free(&session->chunk);
	buf_free(&session->repeat);
	options_free(&session->options);
	if (session->has_sasl)
		sasl_end(&session->sasl);
	session->has_sasl = false;
}

void
session_push(struct session *session, enum effect effect)
{
	BUG_UNLESS(session->pending_count < SESSION_PENDING_MAX);
	session->pending[session->pending_count++] = effect;
}

static bool
session_pop(struct session *session, enum effect *effect)
{
	if (session->pending_count == 0)
		return false;
	*effect = session->pending[0];
	session->pending_count--;
	memmove(session->pending, session->pending + 1,
	    session->pending_count * sizeof(session->pending[0]));
	return true;
}

static bool
effect_has_answer(enum effect effect)
{
	return effect >= EFFECT_ENQUEUE && effect <= EFFECT_AUTH &&
	       effect != EFFECT_CHUNK && effect != EFFECT_ABORT;
}

/* More input, before HELO was answered or where PIPELINING is not offered. */
static bool
is_ahead(const struct session *session, bool was_esmtp, struct slice input)
{
	return input.len > 0 && session->mode == MODE_COMMAND &&
	       (!was_esmtp || !session->is_esmtp);
}

static void
session_take_line(struct session *session, struct slice *input)
{
	bool was_esmtp = session->is_esmtp;
	enum line_status status;
	struct slice line;

	status = line_next(&session->line, input, &line);
	if (status == LINE_MORE) {
		session_push(session, EFFECT_READ);
		return;
	}
	session->lines++;
	if (session->mode == MODE_AUTH)
		auth_line(session, status, line);
	else
		command_run(session, status, line);
	session->is_hasty |= is_ahead(session, was_esmtp, *input);
}

enum effect
smtp_session_step(struct session *session, struct slice *input)
{
	enum effect effect;

	BUG_UNLESS(session->waiting == EFFECT_READ);
	while (!session_pop(session, &effect)) {
		if (session->mode == MODE_CLOSED)
			return EFFECT_CLOSE;
		if (session->replies.len > REPLIES_ENOUGH)
			return EFFECT_WRITE;
		if (session->due > 0)
			reply_repeat_some(session);
		else if (session->mode == MODE_DATA)
			data_feed(session, input);
		else if (session->mode == MODE_BDAT)
			bdat_feed(session, input);
		else
			session_take_line(session, input);
	}
	if (effect_has_answer(effect))
		session->waiting = effect;
	return effect;
}

void
session_ask(struct session *session, enum effect effect)
{
	if (session->is_enqueue_lost || session->is_enqueue_started) {
		session_push(session, effect);
		return;
	}
	session->after_start = effect;
	session_push(session, EFFECT_ENQUEUE);
}

void
session_started(struct session *session, bool is_running)
{
	BUG_UNLESS(session->waiting == EFFECT_ENQUEUE);
	session->is_enqueue_started = is_running;
	session->waiting = session->after_start;
	if (!is_running) {
		session_answered(session, NULL);
		return;
	}
	session->waiting = EFFECT_READ;
	session_push(session, session->after_start);
}

void
session_answered(struct session *session, const struct inject_reply *reply)
{
	static const struct inject_reply lost = { 451, "4.3.0",
		"The mail queue is not available, try again later" };
	static void (*const handlers[EFFECT_COUNT])(
	    struct session *, const struct inject_reply *) = {
		[EFFECT_MAIL] = mail_answered,
		[EFFECT_RCPT] = rcpt_answered,
		[EFFECT_VRFY] = vrfy_answered,
		[EFFECT_EXPN] = expn_answered,
		[EFFECT_ETRN] = etrn_answered,
		[EFFECT_DATA] = data_answered,
		[EFFECT_END] = end_answered,
	};
	enum effect effect = session->waiting;

	session->waiting = EFFECT_READ;
	if (reply == NULL) {
		session->is_enqueue_lost = true;
		reply = &lost;
	}
	if (handlers[effect] != NULL)
		handlers[effect](session, reply);
}

void
session_timed_out(struct session *session)
{
	static const struct reply reply = { 421, "4.4.2",
		"Timeout, closing the connection" };

	if (session->mode == MODE_DATA || session->mode == MODE_BDAT)
		data_cut(session, reply);
	else
		reply_add(session, reply);
	session_close(session);
}

void
session_lost(struct session *session)
{
	static const struct reply reply = { 421, "4.4.2",
		"The connection ended before the message did" };

	if (session->mode == MODE_DATA || session->mode == MODE_BDAT)
		data_cut(session, reply);
	session_close(session);
}

void
session_close(struct session *session)
{
	session->mode = MODE_CLOSED;
}

void
session_reset_transaction(struct session *session)
{
	buf_clear(&session->reverse_path);
	buf_clear(&session->forward_path);
	options_clear_mail(&session->options);
	session->recipients = 0;
	session->has_forward = false;
	session->received = 0;
	if (session->phase != PHASE_START)
		session->phase = PHASE_READY;
}

bool
session_is_lmtp(const struct session *session)
{
	return session->connection->listener->kind == LISTENER_LMTP;
}

size_t
session_recipient_limit(const struct session *session)
{
	uint64_t limit = session->connection->settings->max_recipients;

	return limit > 0 && limit < LIMIT_SMTP_RECIPIENTS
		   ? (size_t)limit
		   : LIMIT_SMTP_RECIPIENTS;
}

/* RFC 5321 section 4.5.3.2 bounds the silences. This bounds their sum: after
 * a fixed time bytes have to come at some rate. */
unsigned int
session_message_seconds(const struct session *session)
{
	uint64_t earned = session->received / LIMIT_SMTP_DATA_RATE;

	if (session->mode != MODE_DATA && session->mode != MODE_BDAT &&
	    session->phase != PHASE_BDAT)
		return 0;
	if (earned > TIMEOUT_SMTP_SESSION)
		earned = TIMEOUT_SMTP_SESSION;
	return TIMEOUT_SMTP_MESSAGE + (unsigned int)earned;
}

void
session_log(struct session *session, const char *format, ...)
{
	char text[LOG_MAX];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	buf_clear(&session->log);
	buf_add_string(&session->log, text);
	session_push(session, EFFECT_LOG);
}

const char *
session_peer(const struct session *session, char *text, size_t size)
{
	const char *name = session->connection->claim.name;
	char address[NETADDR_TEXT_SIZE];

	snprintf(text, size, "%s[%s]", name[0] == '\0' ? "unknown" : name,
	    netaddr_format(&session->connection->peer, address));
	return text;
}
