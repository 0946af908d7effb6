/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "smtpd/reply.h"

#include <stdio.h>

#include "common/limits.h"
#include "common/result.h"

#include "smtpd/command.h"

/* RFC 5321 section 4.5.3.1.5: a reply line has at most 512 bytes. */
enum {
	REPLY_TEXT_MAX = 480,
	REPEAT_AT_ONCE = 8
};

static void
reply_line(struct session *session, struct reply reply, char separator)
{
	struct buf *out = &session->replies;
	struct slice text = slice_first(slice_of(reply.text), REPLY_TEXT_MAX);

	buf_add_format(out, "%u%c", reply.code, separator);
	if (reply.status[0] != '\0')
		buf_add_format(out, "%s ", reply.status);
	buf_add_printable(out, text);
	buf_add_string(out, "\r\n");
}

void
reply_add(struct session *session, struct reply reply)
{
	reply_line(session, reply, ' ');
}

void
reply_add_more(struct session *session, struct reply reply)
{
	reply_line(session, reply, '-');
}

/* Where the last line begins. */
static size_t
reply_last_line(const struct session *session)
{
	const struct buf *out = &session->replies;
	size_t before;

	BUG_UNLESS(out->len > 6);
	before =
	    slice_last_index(slice_first(buf_slice(out), out->len - 1), '\n');
	return before == out->len - 1 ? 0 : before + 1;
}

void
reply_end(struct session *session)
{
	session->replies.ptr[reply_last_line(session) + 3] = ' ';
}

void
reply_repeat(struct session *session, size_t times)
{
	buf_clear(&session->repeat);
	buf_add(&session->repeat,
	    slice_from(buf_slice(&session->replies), reply_last_line(session)));
	session->due = times;
}

void
reply_repeat_some(struct session *session)
{
	for (size_t i = 0; i < REPEAT_AT_ONCE && session->due > 0; i++) {
		buf_add(&session->replies, buf_slice(&session->repeat));
		session->due--;
	}
}

void
reply_challenge(struct session *session, struct slice text)
{
	buf_add(&session->replies, S("334 "));
	buf_add(&session->replies, text);
	buf_add(&session->replies, S("\r\n"));
}

void
reply_goodbye(struct session *session, struct reply reply)
{
	reply_add(session, reply);
	session_close(session);
}

void
reply_error(struct session *session, struct reply reply)
{
	static const struct reply many = { 421, "4.7.0",
		"Too many errors, closing the connection" };

	reply_add(session, reply);
	if (++session->errors >= LIMIT_SMTP_ERRORS)
		reply_goodbye(session, many);
}

void
reply_reject(struct session *session, struct reply reply)
{
	char peer[128];

	session_log(session,
	    "%s: reject: %s from %s: %u %s %s; from=<%s> to=<%s> proto=%s "
	    "helo=<%s>",
	    session->connection->id, command_verb(session->verb),
	    session_peer(session, peer, sizeof(peer)), reply.code, reply.status,
	    reply.text, buf_string(&session->reverse_path),
	    buf_string(&session->forward_path),
	    session->is_esmtp ? "ESMTP" : "SMTP", buf_string(&session->helo));
	reply_error(session, reply);
}

bool
reply_relay(struct session *session, const struct inject_reply *reply,
    struct slice about)
{
	char text[2 * LIMIT_SMTP_PATH + sizeof(reply->text) + 8];
	struct reply line = { reply->code, reply->status, reply->text };

	if (reply->code < 400) {
		session->done[session->verb]++;
		reply_add(session, line);
		return true;
	}
	/* In a pipelined group the client sees which one was refused. */
	if (about.len > 0 && !session->is_enqueue_lost &&
	    reply->text[0] != '<') {
		snprintf(text, sizeof(text), "<%.*s>: %s", SLICE_FMT(about),
		    reply->text);
		line.text = text;
	}
	if (session->is_enqueue_lost)
		reply_reject(session, line);
	else
		reply_error(session, line);
	if (reply->code == 421)
		session_close(session);
	return false;
}
