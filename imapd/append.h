/* SPDX-License-Identifier: ISC */
/*
 * append - APPEND, whose message goes from the network to its file as it
 * comes (RFC 3501 section 6.3.11). Begun at the literal, ended by the line
 * end after it; commit points [M1] to [M3] are the mailbox's.
 */
#ifndef IMAPD_APPEND_H
#define IMAPD_APPEND_H

#include <stdbool.h>
#include <time.h>

#include "common/arena.h"
#include "common/buf.h"
#include "common/mailbox/mailbox.h"
#include "common/slice.h"

struct session;
struct command;

struct append {
	struct appender *appender; /* NULL: none under way */
	struct arena *arena;       /* tag and flags, while under way */
	struct slice tag;
	struct append_facts facts;
	bool has_failed;
	struct why why;
};

/* At the message literal. Streams it, or replies and refuses it. */
void append_begin(struct session *session, struct command *command);
void append_data(struct session *session, struct slice bytes);
/* The rest of the line after the literal: nothing. */
void append_end(struct session *session, struct slice rest);
void append_abort(struct append *append);

#endif
