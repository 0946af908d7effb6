/* SPDX-License-Identifier: ISC */
/*
 * login - IMAP before login (RFC 3501 sections 6.1 and 6.2), as a machine
 * without I/O. login_step takes bytes from *input and returns the next
 * effect; replies collect in replies and are sent before the next read. A
 * command has at most LIMIT_IMAP_LOGIN_COMMAND bytes and
 * LIMIT_IMAP_LOGIN_LITERAL bytes of literals.
 */
#ifndef IMAPD_LOGIN_H
#define IMAPD_LOGIN_H

#include <stdbool.h>
#include <stddef.h>

#include "common/arena.h"
#include "common/auth.h"
#include "common/buf.h"
#include "common/control.h"
#include "common/front.h"

#include "imapd/reader.h"

enum login_effect {
	LOGIN_READ,     /* send replies, read more */
	LOGIN_AUTH,     /* auth_ask about sasl; login_answered */
	LOGIN_STARTTLS, /* send replies, ask for TLS, end */
	LOGIN_HANDOVER, /* tag and the rest of the input go to the mailbox */
	LOGIN_CLOSE,    /* send replies, end */
};

struct login {
	const struct connection *connection;
	struct reader reader;
	struct arena *arena;
	struct buf replies;
	struct buf tag; /* of LOGIN or AUTHENTICATE at work */
	struct sasl sasl;
	bool has_sasl;          /* sasl is to be ended */
	bool is_in_sasl;        /* the next line is a SASL response */
	enum login_effect next; /* LOGIN_READ: none */
	size_t failures, errors;
};

void login_init(struct login *login, const struct connection *connection);
void login_clear(struct login *login);
enum login_effect login_step(struct login *login, struct slice *input);
void login_answered(struct login *login, enum auth_result result);
/* Nothing came in time. */
void login_timed_out(struct login *login);

#endif
