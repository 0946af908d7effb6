/* SPDX-License-Identifier: ISC */
/*
 * reply - SMTP replies (RFC 5321 section 4.2, RFC 2034) into the session.
 *
 * Text is one printable line; it is cut so that a reply line stays below 512
 * bytes. A status of "" leaves the enhanced code out: the greeting, HELO,
 * EHLO, 334 and 354 have none (RFC 2034 section 4).
 */
#ifndef SMTPD_REPLY_H
#define SMTPD_REPLY_H

#include <stdbool.h>

#include "smtpd/session.h"

struct reply {
	unsigned int code;
	const char *status;
	const char *text;
};

/* Good news, or a line of a longer reply. */
void reply_add(struct session *session, struct reply reply);
void reply_add_more(struct session *session, struct reply reply);
/* The last line was the last one of its reply. */
void reply_end(struct session *session);
/* 334 and a challenge in base64, which may be longer than other lines. */
void reply_challenge(struct session *session, struct slice text);
/* Say the last line this many times more, as room for it comes. */
void reply_repeat(struct session *session, size_t times);
void reply_repeat_some(struct session *session);
/* A mistake of the client: counted, and past LIMIT_SMTP_ERRORS a 421. */
void reply_error(struct session *session, struct reply reply);
/* A refused transaction: reply_error and one log line. */
void reply_reject(struct session *session, struct reply reply);
/*
 * What enqueue said about an address ("" for none). True when it was yes.
 * Enqueue has logged its refusals itself; only its silence is logged here.
 */
bool reply_relay(struct session *session, const struct inject_reply *reply,
    struct slice about);
/* 421 and the end. */
void reply_goodbye(struct session *session, struct reply reply);

#endif
