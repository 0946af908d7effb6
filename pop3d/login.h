/* SPDX-License-Identifier: ISC */
/*
 * login - POP3 before login: lines in, replies and one effect out. No I/O.
 *
 * USER and PASS, and AUTH, are refused in clear unless may_login. The
 * answer to a right password is the mailbox program's, once the mailbox is
 * open; a wrong one is answered here with [AUTH] (RFC 3206), at most
 * LIMIT_AUTH_FAILURES times. What follows STLS in the same packet is never
 * read (RFC 2595 section 4).
 */
#ifndef POP3D_LOGIN_H
#define POP3D_LOGIN_H

#include <stdbool.h>

#include "common/auth.h"
#include "common/buf.h"
#include "common/line.h"
#include "common/slice.h"

#include "pop3d/command.h"

enum pop3_login_effect {
	LOGIN_CONTINUE, /* more input is wanted */
	LOGIN_CHECK,    /* auth_ask about sasl; pop3_login_answered */
	LOGIN_STARTTLS, /* send the replies, then start TLS */
	LOGIN_CLOSE,    /* send the replies, then end */
};

struct pop3_login {
	struct pop3_offer offer;
	struct line_reader lines;
	struct buf out;   /* replies to be sent */
	struct sasl sasl; /* the credential, of AUTH or USER and PASS */
	bool has_user;
	bool is_in_auth; /* the next line is a response of AUTH */
	unsigned int errors;
	unsigned int failures;
};

void pop3_login_init(
    struct pop3_login *login, const struct pop3_offer *offer);
void pop3_login_free(struct pop3_login *login);
void pop3_login_greet(struct pop3_login *login, const char *hostname);
/* Takes lines from *input until there is an effect or no whole line. */
enum pop3_login_effect
pop3_login_feed(struct pop3_login *login, struct slice *input);
/* The answer to LOGIN_CHECK when it is not yes. */
enum pop3_login_effect
pop3_login_answered(struct pop3_login *login, enum auth_result result);

#endif
