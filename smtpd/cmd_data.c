/* SPDX-License-Identifier: ISC */
#include "config.h"

#include <stdio.h>

#include "common/limits.h"

#include "smtpd/cmd.h"

void
cmd_data(struct session *session, const struct argument *argument)
{
	/* RFC 3030 section 3. */
	static const struct reply binary = { 503, "5.5.1",
		"A message with BODY=BINARYMIME is sent with BDAT" };

	(void)argument;
	if (session->options.mail.flags & MAIL_BINARY)
		reply_reject(session, binary);
	else
		session_ask(session, EFFECT_DATA);
}

void
data_begin(struct session *session)
{
	dot_decode_init(&session->decoder, LIMIT_SMTP_DATA_LINE);
	buf_clear(&session->chunk);
	session->size = 0;
	session->received = 0;
	session->is_chunk_given = false;
	session->is_refused = false;
	session->is_too_large = false;
	session->unwanted.code = 0;
	session->typed = TYPED_START;
}

void
data_answered(struct session *session, const struct inject_reply *reply)
{
	if (slice_eq(smtp_command_table[session->verb].verb, S("BDAT"))) {
		bdat_answered(session, reply);
		return;
	}
	/* A yes to DATA is 354, and it is ours to say. */
	if (reply->code >= 400) {
		(void)reply_relay(session, reply, S(""));
		/* RFC 5321 leaves the transaction open; nothing could come
		 * of it, so both sides forget it. */
		session_push(session, EFFECT_ABORT);
		session_reset_transaction(session);
		return;
	}
	data_begin(session);
	session->mode = MODE_DATA;
	reply_add(
	    session, (struct reply){ 354, "",
			 "Send the message, a line with only a dot ends it" });
}

/* Why the message cannot be taken, once all of it has been seen. */
static struct reply
data_refusal(const struct session *session)
{
	static const struct {
		enum dot_problem problem;
		const char *text;
	} causes[] = {
		{ DOT_BARE_LF,
		    "Message refused: a line ends in LF alone, lines must end "
		    "in CRLF (with nc use nc -C)" },
		{ DOT_BARE_CR,
		    "Message refused: a CR stands alone, lines must end in "
		    "CRLF" },
		{ DOT_NUL,
		    "Message refused: it has a NUL byte, encode it (MIME)" },
		{ DOT_LONG_LINE,
		    "Message refused: a line is too long, encode it (MIME)" },
	};

	for (size_t i = 0; i < sizeof(causes) / sizeof(causes[0]); i++)
		if (session->decoder.problems & causes[i].problem)
			return (struct reply){ 554, "5.6.0", causes[i].text };
	if (session->unwanted.code != 0)
		return (struct reply){ session->unwanted.code,
			session->unwanted.status, session->unwanted.text };
	if (session->is_too_large)
		return (struct reply){ 552, "5.3.4",
			"Message refused: it is larger than the limit EHLO "
			"shows" };
	return (struct reply){ 451, "4.3.0",
		"The mail queue is not available, try again later" };
}

/* Enqueue forgets the message at once; the client is heard to the end. */
static void
data_refuse(struct session *session)
{
	if (!session->is_refused && !session->is_enqueue_lost)
		session_push(session, EFFECT_ABORT);
	session->is_refused = true;
	buf_clear(&session->chunk);
}

void
data_check(struct session *session)
{
	uint64_t limit = session->connection->settings->message_size_limit;

	if (limit > 0 && session->size + session->chunk.len > limit)
		session->is_too_large = true;
	if (session->decoder.problems != 0 || session->is_too_large ||
	    session->unwanted.code != 0 || session->is_enqueue_lost)
		data_refuse(session);
}

/* RFC 2033 section 4.2: in LMTP the reply is given for each recipient. */
static void
data_repeat_reply(struct session *session, size_t recipients)
{
	if (session_is_lmtp(session) && session->mode != MODE_CLOSED &&
	    recipients > 1)
		reply_repeat(session, recipients - 1);
}

void
data_done(struct session *session)
{
	size_t recipients = session->recipients;

	session->mode = MODE_COMMAND;
	session->received = 0;
	if (!session->is_refused) {
		session_push(session, EFFECT_END);
		return;
	}
	reply_reject(session, data_refusal(session));
	session_reset_transaction(session);
	data_repeat_reply(session, recipients);
}

/* What stands behind a message with bare line ends may be meant for another
 * reader of them: it is not looked at. */
static void
data_end(struct session *session, bool has_more_input)
{
	const unsigned int line_ends = DOT_BARE_LF | DOT_BARE_CR;

	data_done(session);
	if ((session->decoder.problems & line_ends) && has_more_input)
		session_close(session);
}

/*
 * A message typed through a tool that sends LF would never end for us. When
 * DATA itself came with a bare LF, a "." line with one ends the wait too:
 * the message is refused, so nothing behind it was smuggled into anything.
 * Gives the bytes up to and including that end, or all of s.
 */
static struct slice
data_until_typed_end(struct session *session, struct slice s)
{
	for (size_t i = 0; i < s.len; i++) {
		if (s.ptr[i] == '\n') {
			if (session->typed == TYPED_DOT) {
				session->typed = TYPED_END;
				return slice_first(s, i + 1);
			}
			session->typed = TYPED_START;
		} else if (s.ptr[i] == '.' && session->typed == TYPED_START) {
			session->typed = TYPED_DOT;
		} else if (s.ptr[i] != '\r' || session->typed != TYPED_DOT) {
			session->typed = TYPED_INSIDE;
		}
	}
	return s;
}

/* Room that is worth another round of decoding. */
enum {
	CHUNK_ROOM_MIN = 1024
};

bool
data_has_room(struct session *session)
{
	struct buf *chunk = &session->chunk;

	if (session->is_chunk_given) {
		session->size += chunk->len;
		session->is_chunk_given = false;
		buf_clear(chunk);
	}
	if (chunk->ceiling - chunk->len >= CHUNK_ROOM_MIN)
		return true;
	session->is_chunk_given = true;
	session_push(session, EFFECT_CHUNK);
	return false;
}

void
data_feed(struct session *session, struct slice *input)
{
	struct buf *chunk = &session->chunk;
	struct slice part, rest;
	bool is_end;

	if (!data_has_room(session))
		return;
	/* A held back CR may come out too: then all of part is used. */
	part = slice_first(*input, chunk->ceiling - chunk->len - 4);
	if (session->is_typed)
		part = data_until_typed_end(session, part);
	rest = part;
	is_end = dot_decode(&session->decoder, &rest, chunk);
	*input = slice_from(*input, part.len - rest.len);
	session->received += part.len - rest.len;
	data_check(session);
	if (is_end || session->typed == TYPED_END)
		data_end(session, input->len > 0);
	else if (input->len == 0)
		session_push(session, EFFECT_READ);
}

void
end_answered(struct session *session, const struct inject_reply *reply)
{
	size_t recipients = session->recipients;

	if (reply_relay(session, reply, S("")))
		session->errors = 0;
	session_reset_transaction(session);
	data_repeat_reply(session, recipients);
}

void
data_cut(struct session *session, struct reply reply)
{
	if (session->decoder.problems != 0)
		reply_reject(session, data_refusal(session));
	reply_add(session, reply);
}
