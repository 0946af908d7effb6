/* SPDX-License-Identifier: ISC */
/*
 * session - POP3 after login: lines in, replies and effects out. No I/O.
 *
 * The messages are a snapshot made at login (RFC 1939 section 5): numbers and
 * sizes do not change, DELE only marks. Deletion is the caller's, at QUIT and
 * only there. Sizes are octets on the wire, with CRLF line ends.
 */
#ifndef POP3D_SESSION_H
#define POP3D_SESSION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/buf.h"
#include "common/line.h"
#include "common/slice.h"

#include "pop3d/command.h"

#define POP3_UIDL_SIZE 72 /* RFC 1939 section 7: 1 to 70 characters */

struct pop3_message {
	uint64_t size;
	bool is_deleted;
	char uidl[POP3_UIDL_SIZE];
};

enum pop3_effect {
	SESSION_CONTINUE, /* more input is wanted */
	SESSION_SEND,     /* message index, then go on feeding */
	SESSION_UPDATE,   /* QUIT: delete what is marked, then answer */
	SESSION_CLOSE,    /* too many errors: nothing is deleted */
};

#define POP3_ALL_LINES UINT64_MAX

struct pop3_session {
	struct pop3_offer offer;
	struct line_reader lines;
	struct buf out;
	struct pop3_message *messages; /* the caller's */
	size_t count;
	unsigned int errors;
	size_t list_next;       /* a listing goes on here */
	enum pop3_verb listing; /* POP3_LIST, POP3_UIDL; else none */
	size_t index;           /* of SESSION_SEND */
	uint64_t body_lines;    /* of TOP, or POP3_ALL_LINES */
};

void pop3_session_init(struct pop3_session *session,
    struct pop3_message *messages, size_t count, bool may_login);
void pop3_session_free(struct pop3_session *session);
/* The answer to the login. */
void pop3_session_greet(struct pop3_session *session);
/* Call again, when out was sent, until CONTINUE with input used up and
 * pop3_session_is_listing false. */
enum pop3_effect
pop3_session_feed(struct pop3_session *session, struct slice *input);
bool pop3_session_is_listing(const struct pop3_session *session);
/* The answer to QUIT: deleted and failed of the marked ones. */
void pop3_session_bye(struct pop3_session *session, size_t failed);

#endif
