/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "smtpd/session_io.h"

#include <errno.h>
#include <stdio.h>
#include <sys/socket.h>
#include <time.h>

#include "common/alloc.h"
#include "common/io.h"
#include "common/limits.h"
#include "common/log.h"

#include "smtpd/command.h"
#include "smtpd/reply.h"
#include "smtpd/session.h"
#include "smtpd/turn.h"

struct session_io {
	struct session session;
	struct slice input;
	char *bytes;        /* LIMIT_PIPE_CHUNK; pages come as they are used */
	int64_t end;        /* of the whole connection */
	int64_t deadline;   /* of the line that is awaited */
	uint64_t lines;     /* taken when deadline was set */
	int64_t message;    /* when the message at work began */
	size_t transaction; /* the one it belongs to */
	bool is_broken;     /* the client does not take replies */
	bool is_lost;       /* it went without QUIT */
	bool is_going_on;   /* inside TLS or after XCLIENT, elsewhere */
	bool has_told;      /* enqueue, that the client is hasty */
	bool has_noted;     /* the front, that a message was begun */
};

/* The earlier of the connection's end and some seconds from now. */
static int64_t
io_until(const struct session_io *io, unsigned int seconds)
{
	int64_t deadline = io_deadline(seconds);

	return deadline < io->end ? deadline : io->end;
}

/*
 * A blocking socket would ignore the deadline: MSG_DONTWAIT makes it hold.
 * Tests and inetd's "wait" tricks may give no socket at all.
 */
static bool
network_write(struct slice s, int64_t deadline)
{
	ssize_t n;

	while (s.len > 0) {
		n = send(
		    SESSION_OUTPUT, s.ptr, s.len, MSG_DONTWAIT | MSG_NOSIGNAL);
		if (n < 0 && errno == ENOTSOCK)
			return io_write_all(SESSION_OUTPUT, s, deadline) ==
			       IO_OK;
		if (n < 0 && errno == EAGAIN &&
		    io_wait_writable(SESSION_OUTPUT, deadline) != IO_OK)
			return false;
		if (n < 0 && errno != EAGAIN && errno != EINTR)
			return false;
		if (n > 0)
			s = slice_from(s, (size_t)n);
	}
	return true;
}

/* Who makes many mistakes is served slowly. */
static void
slow_down(const struct session_io *io)
{
	const struct session *session = &io->session;
	unsigned int delay = turn_delay(session->errors);
	struct timespec pause = { .tv_sec = (time_t)delay };

	if (delay > 0 && !session->is_logged_in &&
	    turn_is_stranger(session->connection))
		nanosleep(&pause, NULL);
}

static bool
perform_write(struct session_io *io)
{
	struct buf *replies = &io->session.replies;

	if (replies->len > 0 && !io->is_broken)
		slow_down(io);
	if (!io->is_broken && replies->len > 0 &&
	    !network_write(
		buf_slice(replies), io_until(io, TIMEOUT_SMTP_COMMAND)))
		io->is_broken = true;
	buf_clear(replies);
	return !io->is_broken;
}

static unsigned int
command_timeout(const struct session_io *io)
{
	uint64_t seconds = io->session.connection->settings->command_timeout;

	return seconds > 0 && seconds < TIMEOUT_SMTP_SESSION
		   ? (unsigned int)seconds
		   : TIMEOUT_SMTP_COMMAND;
}

/* The end of the time that the message at work may take in all. */
static int64_t
message_deadline(struct session_io *io)
{
	unsigned int seconds = session_message_seconds(&io->session);

	if (seconds == 0)
		return io->end;
	if (io->transaction != io->session.transactions)
		io->message = io_now();
	io->transaction = io->session.transactions;
	return io->message + (int64_t)seconds * 1000;
}

/* A command has its time from the end of the one before; bytes that come one
 * by one do not renew it. Each block of data has its own. */
static int64_t
read_deadline(struct session_io *io)
{
	const struct session *session = &io->session;
	int64_t message = message_deadline(io), block;

	if (session->mode == MODE_DATA || session->mode == MODE_BDAT) {
		block = io_until(io, TIMEOUT_SMTP_DATA_BLOCK);
		return block < message ? block : message;
	}
	if (io->deadline == 0 || io->lines != session->lines) {
		io->deadline = io_until(io, command_timeout(io));
		io->lines = session->lines;
	}
	return io->deadline < message ? io->deadline : message;
}

static bool
perform_read(struct session_io *io)
{
	enum io_status status;
	size_t got;

	if (!perform_write(io))
		return false;
	status = io_read_some(SESSION_INPUT, io->bytes, LIMIT_PIPE_CHUNK, &got,
	    read_deadline(io));
	io->input = slice_make(io->bytes, got);
	io->session.now = (uint64_t)time(NULL);
	if (status == IO_OK)
		return true;
	io->is_lost = true;
	if (status == IO_TIMEOUT)
		session_timed_out(&io->session);
	else
		session_lost(&io->session);
	return true;
}

static bool
perform_log(struct session_io *io)
{
	log_info("%s", buf_string(&io->session.log));
	return true;
}

static bool
start_enqueue(void)
{
	struct control control = { .type = CONTROL_ENQUEUE };

	return control_send(SESSION_CONTROL, control) == IO_OK &&
	       control_receive(SESSION_CONTROL, &control,
		   io_deadline(TIMEOUT_PIPE)) == IO_OK &&
	       control.type == CONTROL_READY;
}

static bool
perform_enqueue(struct session_io *io)
{
	session_started(&io->session,
	    io->session.connection->has_enqueue || start_enqueue());
	return true;
}

/* Before the greeting, which stands in the replies. */
static void
await_turn(struct session_io *io)
{
	struct session *session = &io->session;
	struct inject_reply reply = { 0 };

	if (!turn_is_watched(session->connection) ||
	    session->connection->is_tls)
		return;
	session->is_enqueue_started = start_enqueue();
	session->is_enqueue_lost = !session->is_enqueue_started;
	if (session->is_enqueue_lost || turn_wait(session->connection, &reply))
		return;
	buf_clear(&session->replies);
	reply_goodbye(
	    session, (struct reply){ reply.code, reply.status, reply.text });
}

/* Told once, with the first message. */
static bool
is_sent_away(struct session_io *io, struct inject_reply *reply)
{
	if (io->session.waiting != EFFECT_MAIL || !io->session.is_hasty ||
	    io->has_told || !turn_is_watched(io->session.connection))
		return false;
	io->has_told = true;
	return !turn_tell_hasty(reply);
}

/* The super-server wants to know who has begun a message. */
static void
note_mail(struct session_io *io)
{
	const struct control control = { .type = CONTROL_MAIL };

	if (io->session.waiting != EFFECT_MAIL || io->has_noted)
		return;
	io->has_noted = true;
	(void)control_send(SESSION_CONTROL, control);
}

static bool
ask_mail(struct session *session, struct inject_reply *reply)
{
	const struct inject_sender sender = { buf_slice(&session->reverse_path),
		buf_slice(&session->helo), session->is_esmtp,
		session->options.size, session->options.mail };

	return inject_mail(SESSION_ENQUEUE, &sender, reply);
}

static bool
ask_rcpt(struct session *session, struct inject_reply *reply)
{
	return inject_rcpt(SESSION_ENQUEUE, buf_slice(&session->forward_path),
	    &session->options.rcpt, reply);
}

static bool
ask_vrfy(struct session *session, struct inject_reply *reply)
{
	return inject_vrfy(
	    SESSION_ENQUEUE, buf_slice(&session->forward_path), reply);
}

static bool
ask_expn(struct session *session, struct inject_reply *reply)
{
	return inject_expn(SESSION_ENQUEUE, buf_slice(&session->forward_path),
	    &session->members, reply);
}

static bool
ask_etrn(struct session *session, struct inject_reply *reply)
{
	return inject_etrn(
	    SESSION_ENQUEUE, buf_slice(&session->forward_path), reply);
}

static bool
ask_data(struct session *session, struct inject_reply *reply)
{
	(void)session;
	return inject_data(SESSION_ENQUEUE, reply);
}

static bool
ask_end(struct session *session, struct inject_reply *reply)
{
	return inject_finish(
	    SESSION_ENQUEUE, buf_slice(&session->chunk), reply);
}

static bool
perform_ask(struct session_io *io)
{
	static bool (*const ask[EFFECT_COUNT])(
	    struct session *, struct inject_reply *) = {
		[EFFECT_MAIL] = ask_mail,
		[EFFECT_RCPT] = ask_rcpt,
		[EFFECT_VRFY] = ask_vrfy,
		[EFFECT_EXPN] = ask_expn,
		[EFFECT_ETRN] = ask_etrn,
		[EFFECT_DATA] = ask_data,
		[EFFECT_END] = ask_end,
	};
	struct session *session = &io->session;
	struct inject_reply reply;
	bool ok = !session->is_enqueue_lost;

	note_mail(io);
	if (ok &&
	    (session->waiting != EFFECT_MAIL || !is_sent_away(io, &reply)))
		ok = ask[session->waiting](session, &reply);
	session_answered(session, ok ? &reply : NULL);
	return true;
}

static bool
perform_chunk(struct session_io *io)
{
	if (!inject_chunk(SESSION_ENQUEUE, buf_slice(&io->session.chunk)))
		session_answered(&io->session, NULL);
	return true;
}

static bool
perform_abort(struct session_io *io)
{
	if (!io->session.is_enqueue_lost && !inject_abort(SESSION_ENQUEUE))
		session_answered(&io->session, NULL);
	return true;
}

static bool
perform_auth(struct session_io *io)
{
	session_authenticated(&io->session, auth_ask(&io->session.sasl));
	return true;
}

static bool
perform_starttls(struct session_io *io)
{
	struct control control = { .type = CONTROL_STARTTLS };

	io->is_going_on = perform_write(io) &&
			  control_send(SESSION_CONTROL, control) == IO_OK;
	return false;
}

/* The eight bytes, and the claim behind them. */
static bool
send_claim(const struct session_io *io, enum control_type type)
{
	struct control control = { .type = (uint8_t)type };
	const struct claim *claim = &io->session.claim;

	return control_send(SESSION_CONTROL, control) == IO_OK &&
	       io_write_all(SESSION_CONTROL, slice_make(claim, sizeof(*claim)),
		   io_deadline(TIMEOUT_PIPE)) == IO_OK;
}

static bool
perform_xforward(struct session_io *io)
{
	struct control control = { .type = CONTROL_FAILED };
	bool ok = send_claim(io, CONTROL_XFORWARD) &&
		  control_receive(SESSION_CONTROL, &control,
		      io_deadline(TIMEOUT_PIPE)) == IO_OK;

	session_claimed(&io->session, ok && control.type == CONTROL_READY);
	return true;
}

static bool
perform_xclient(struct session_io *io)
{
	io->is_going_on = perform_write(io) && send_claim(io, CONTROL_XCLIENT);
	return false;
}

/* The front lets the client read this even when its input was not read. */
static bool
perform_close(struct session_io *io)
{
	(void)perform_write(io);
	return false;
}

static void
session_io_log_start(struct session_io *io)
{
	const struct connection *connection = io->session.connection;
	char peer[128];

	session_peer(&io->session, peer, sizeof(peer));
	if (!connection->is_tls || connection->listener->is_tls)
		log_info("%s: connect from %s", connection->id, peer);
	if (connection->is_tls)
		log_info("%s: TLS with %s: %s, cipher %s", connection->id, peer,
		    connection->tls.version, connection->tls.cipher);
}

static void
session_io_log_end(struct session_io *io)
{
	struct session *session = &io->session;
	char peer[128];
	struct buf counts;

	buf_init(&counts, 512);
	for (size_t i = 0; smtp_command_table[i].verb.len > 0; i++) {
		const char *name = smtp_command_table[i].verb.ptr;

		if (session->seen[i] == 0)
			continue;
		buf_add_char(&counts, ' ');
		for (; *name != '\0'; name++)
			buf_add_char(&counts, ascii_lower(*name));
		buf_add_format(&counts, "=%u", session->done[i]);
		if (session->done[i] != session->seen[i])
			buf_add_format(&counts, "/%u", session->seen[i]);
	}
	log_info("%s: disconnect from %s%s%s", session->connection->id,
	    session_peer(session, peer, sizeof(peer)), buf_string(&counts),
	    io->is_lost ? " (lost)" : "");
	buf_free(&counts);
}

int
session_io_run(const struct connection *connection)
{
	static bool (*const perform[EFFECT_COUNT])(struct session_io *) = {
		[EFFECT_READ] = perform_read,
		[EFFECT_WRITE] = perform_write,
		[EFFECT_LOG] = perform_log,
		[EFFECT_ENQUEUE] = perform_enqueue,
		[EFFECT_MAIL] = perform_ask,
		[EFFECT_RCPT] = perform_ask,
		[EFFECT_VRFY] = perform_ask,
		[EFFECT_EXPN] = perform_ask,
		[EFFECT_ETRN] = perform_ask,
		[EFFECT_DATA] = perform_ask,
		[EFFECT_CHUNK] = perform_chunk,
		[EFFECT_END] = perform_ask,
		[EFFECT_ABORT] = perform_abort,
		[EFFECT_AUTH] = perform_auth,
		[EFFECT_STARTTLS] = perform_starttls,
		[EFFECT_XCLIENT] = perform_xclient,
		[EFFECT_XFORWARD] = perform_xforward,
		[EFFECT_CLOSE] = perform_close,
	};
	struct session_io io = { .input = { NULL, 0 } };

	/* Not cleared: pages that are not used are not taken. */
	io.bytes = alloc_resize(NULL, LIMIT_PIPE_CHUNK, 1);
	io.end = io_deadline(TIMEOUT_SMTP_SESSION);
	smtp_session_init(&io.session, connection);
	session_io_log_start(&io);
	await_turn(&io);
	while (perform[smtp_session_step(&io.session, &io.input)](&io))
		continue;
	if (!io.is_going_on)
		session_io_log_end(&io);
	smtp_session_clear(&io.session);
	alloc_release(io.bytes);
	return 0;
}
