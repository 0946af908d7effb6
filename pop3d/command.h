/* SPDX-License-Identifier: ISC */
/*
 * command - the verbs of POP3 as data (RFC 1939, 2449, 2595, 5034).
 *
 * One row per verb: in which state it may come, what follows it, and the
 * capability that it stands for. Both halves, login and mailbox, look verbs
 * up here and take what is allowed; the handlers are theirs. Verbs compare
 * without case; arguments are parted by one or more blanks, but PASS takes
 * everything behind its first blank (RFC 1939 section 7).
 */
#ifndef POP3D_COMMAND_H
#define POP3D_COMMAND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/buf.h"
#include "common/slice.h"

enum pop3_verb {
	POP3_CAPA,
	POP3_USER,
	POP3_PASS,
	POP3_AUTH,
	POP3_STLS,
	POP3_APOP,
	POP3_STAT,
	POP3_LIST,
	POP3_RETR,
	POP3_DELE,
	POP3_NOOP,
	POP3_RSET,
	POP3_TOP,
	POP3_UIDL,
	POP3_QUIT,
	POP3_VERBS
};

enum pop3_state {
	POP3_AUTHORIZATION = 1 << 0,
	POP3_TRANSACTION = 1 << 1,
};

enum pop3_grammar {
	POP3_NO_ARGUMENT,
	POP3_MESSAGE,          /* n */
	POP3_MESSAGE_OPTIONAL, /* [n] */
	POP3_MESSAGE_LINES,    /* n lines */
	POP3_WORD,             /* one name */
	POP3_REST,             /* the rest of the line as it is */
	POP3_WORDS,            /* up to two words */
};

struct pop3_command {
	struct slice name;
	enum pop3_verb verb;
	unsigned int states;
	enum pop3_grammar grammar;
	const char *usage;
};

extern const struct pop3_command pop3_commands[POP3_VERBS];

/* A parsed line. has_number: POP3_MESSAGE_OPTIONAL had one. */
struct pop3_line {
	const struct pop3_command *command;
	struct slice argument;
	struct slice second;
	uint64_t number, lines;
	bool has_number;
};

/* False: out has the -ERR line already. */
bool pop3_parse(struct slice text, enum pop3_state state,
    struct pop3_line *line, struct buf *out);

/* What decides which capabilities are offered. */
struct pop3_offer {
	enum pop3_state state;
	bool may_login; /* TLS, or cleartext_auth has the peer */
	unsigned int mechanisms; /* of AUTH: bits of auth.h */
	bool may_stls;
};
/* The whole answer to CAPA. */
void pop3_capabilities(const struct pop3_offer *offer, struct buf *out);

#endif
