/* SPDX-License-Identifier: ISC */
/*
 * session - the SMTP protocol (RFC 5321) as a machine without I/O or clock.
 *
 * smtp_session_step takes bytes from *input and returns the next effect;
 * whoever runs the session performs it and calls it again. Replies collect
 * in replies and are sent before the next read would block (RFC 2920), so a
 * pipelined group costs one write. Effects with an answer (see the enum) stop
 * the machine until the answer is given. What a session does depends on the
 * bytes alone, not on how they were split; the exceptions: whether commands
 * already stood behind a message refused for bare line ends, and is_hasty.
 *
 * Memory: a line, 64 KiB of message, 16 KiB of replies; see common/limits.h.
 */
#ifndef SMTPD_SESSION_H
#define SMTPD_SESSION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/arena.h"
#include "common/auth.h"
#include "common/buf.h"
#include "common/control.h"
#include "common/dot.h"
#include "common/front.h"
#include "common/inject.h"
#include "common/line.h"

#include "smtpd/bdat.h"
#include "smtpd/effect.h"
#include "smtpd/options.h"

enum session_mode {
	MODE_COMMAND,
	MODE_AUTH,
	MODE_DATA,
	MODE_BDAT, /* inside a chunk */
	MODE_CLOSED
};

/* Bits: command.c says which verb is allowed in which. */
enum session_phase {
	PHASE_START = 1 << 0, /* no HELO yet */
	PHASE_READY = 1 << 1, /* no transaction */
	PHASE_MAIL = 1 << 2,  /* MAIL accepted */
	PHASE_RCPT = 1 << 3,  /* a recipient accepted */
	PHASE_BDAT = 1 << 4,  /* a chunk taken, more will come */
};
#define PHASE_TRANSACTION (PHASE_MAIL | PHASE_RCPT | PHASE_BDAT)

/* Where a message typed with bare line feeds stands in LF "." LF. */
enum session_typed { TYPED_START, TYPED_DOT, TYPED_INSIDE, TYPED_END };

enum {
	SESSION_PENDING_MAX = 4,
	SESSION_VERBS_MAX = 32
};

struct session {
	const struct connection *connection;
	enum session_mode mode;
	enum session_phase phase;
	struct line_reader line;
	struct arena *arena; /* of one command */
	struct buf replies;
	struct buf log;
	/* effects not given out yet, and the one whose answer is awaited */
	enum effect pending[SESSION_PENDING_MAX];
	size_t pending_count;
	enum effect waiting;     /* EFFECT_READ: none */
	enum effect after_start; /* what follows EFFECT_ENQUEUE */
	bool is_enqueue_started, is_enqueue_lost, is_hasty; /* see turn.h */
	/* who */
	struct buf helo;
	bool is_esmtp;
	bool is_logged_in;
	/* the transaction */
	struct buf reverse_path, forward_path;
	struct options options;
	size_t recipients;
	struct buf members; /* what EXPN was told, lines */
	/* the message */
	struct dot_decoder decoder;
	struct bdat bdat;
	struct buf chunk;
	uint64_t size;     /* bytes given out in chunks */
	uint64_t received; /* bytes of it that came, 0 before it */
	bool is_chunk_given, is_refused, is_too_large;
	struct inject_reply unwanted; /* enqueue's no to BDAT; code 0: none */
	bool is_typed; /* DATA itself ended in a bare LF */
	enum session_typed typed;
	/* AUTH */
	struct sasl sasl;
	bool has_sasl;
	/* XCLIENT, XFORWARD */
	struct claim claim;
	bool has_forward; /* for the message to come */
	size_t failures;
	struct buf repeat; /* LMTP: a reply line, given due times more */
	size_t due;
	/* limits */
	uint64_t now; /* wall seconds, set by who runs the session */
	size_t errors, unknown, transactions;
	uint64_t lines; /* taken so far: progress, for the clock outside */
	uint32_t seen[SESSION_VERBS_MAX], done[SESSION_VERBS_MAX];
	size_t verb; /* row of the command at work */
};

void smtp_session_init(struct session *session,
    const struct connection *connection);
void smtp_session_clear(struct session *session);

/* The next thing to do. *input moves past what was used; a line or chunk may
 * point into it until the next step. */
enum effect smtp_session_step(struct session *session, struct slice *input);

/* Answers. reply NULL: enqueue is gone or silent. */
void session_started(struct session *session, bool is_running);
void
session_answered(struct session *session, const struct inject_reply *reply);
void session_claimed(struct session *session, bool is_taken);
/* Before anything else: the reply, and the end. */
void session_send_away(struct session *s, const struct inject_reply *reply);
void session_authenticated(
    struct session *session, enum auth_result result);

/* No more input will come; the next steps lead to EFFECT_CLOSE. */
void session_timed_out(struct session *session);
void session_lost(struct session *session);

/* For the command modules. */
void session_push(struct session *session, enum effect effect);
/* Ask enqueue, starting it when this is the first time. */
void session_ask(struct session *session, enum effect effect);
void session_close(struct session *session);
void session_reset_transaction(struct session *session);
size_t session_recipient_limit(const struct session *session);
bool session_is_lmtp(const struct session *session);
/* Seconds that the message at work may have taken so far; 0: there is none. */
unsigned int session_message_seconds(const struct session *session);
/* One log line; it replaces one that was not given out. */
void session_log(struct session *session, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* "unknown[192.0.2.1]": no name is looked up, XCLIENT may give one. */
const char *
session_peer(const struct session *session, char *text, size_t size);

#endif
