/* SPDX-License-Identifier: ISC */
/*
 * verify - the pipe from enqueue to verify, which has the opinions that need
 * the network, cryptography or other programs.
 *
 * A front starts verify when a setting needs it for this listener, and gives
 * enqueue the other end of its socket with the facts of a session. enqueue
 * alone asks, in the order of the transaction; verify answers each question
 * with one VERIFY_REPLY, but VERIFY_CHUNK and VERIFY_ABORT with none, and
 * VERIFY_END with any number of VERIFY_EDIT before. enqueue treats verify as
 * hostile: an answer can refuse, hold, drop or edit the one message at work,
 * and can never make a relay of a client that the facts do not trust. A
 * verify that is gone or silent past TIMEOUT_VERIFY is answered by 451 4.3.0
 * where a setting says that its word is needed, else it is left out and
 * logged.
 */
#ifndef COMMON_VERIFY_H
#define COMMON_VERIFY_H

#include <stdbool.h>
#include <stdint.h>

#include "common/inject.h"
#include "common/mail_options.h"
#include "common/pipemsg.h"
#include "common/slice.h"

/* Fields in order. */
enum verify_type {
	VERIFY_CONNECT = 1, /* slice struct inject_facts; a reply's text is
			     * the client's confirmed name, "unknown", or ""
			     * when nobody looked. A refusal is kept and told
			     * at each RCPT, so the log knows from and to */
	VERIFY_GREET = 2,   /* u8 what the session saw before its greeting
			     * (enum verify_early); PASS to EARLY_ASK: code
			     * is the milliseconds to wait. Refusals as for
			     * CONNECT, but CLOSE ends the connection now */
	VERIFY_MAIL = 3,    /* slice helo, u8 esmtp, slice sender, slice
			     * login, u64 SIZE=, u32 flags, slice queue id */
	VERIFY_RCPT = 4,    /* slice recipient as given, u8 is it local, u8
	                     * the access table says OK */
	VERIFY_DATA = 5,    /* slice queue id; PASS with code 354: send the
			     * message in CHUNKs, else there will be none */
	VERIFY_CHUNK = 6,   /* slice: message as it came, CRLF line ends */
	VERIFY_END = 7,     /* nothing */
	VERIFY_ABORT = 8,   /* nothing */
	VERIFY_REPLY = 64,  /* u8 enum verify_action, u32 code, slice
			     * enhanced status, slice text */
	VERIFY_EDIT = 65,   /* u8 enum verify_edit, u32 index, slice name,
			     * slice value. Before the reply to END; and
			     * EDIT_HEADER_INSERT at 0 before that to MAIL,
			     * RCPT or DATA, for fields known by then */
};

/* What a session says of the time before its greeting, and of pipelining. */
enum verify_early {
	EARLY_ASK = 0,      /* how long shall the greeting wait? */
	EARLY_QUIET = 1,    /* the client waited for it */
	EARLY_TALK = 2,     /* it did not */
	EARLY_PIPELINE = 3, /* later: commands sent ahead of HELO's answer, or
			     * without PIPELINING announced */
	EARLY_COUNT,
};

enum verify_action {
	VERIFY_PASS = 0,
	VERIFY_REFUSE = 1, /* code 4xx or 5xx, status, text */
	VERIFY_DROP = 2,   /* say yes, keep nothing (milter discard) */
	VERIFY_HOLD = 3,   /* queue it on hold; text says why; code 1: tell
			    * the login and postmaster of it */
	VERIFY_CLOSE = 4,  /* REFUSE, then end the connection (421) */
	VERIFY_ACTIONS,
};

enum verify_edit {
	EDIT_HEADER_ADD = 1,    /* at the end: name, value */
	EDIT_HEADER_INSERT = 2, /* at index (0 first): name, value */
	EDIT_HEADER_CHANGE = 3, /* index-th of that name (1 first); value ""
				 * deletes */
	EDIT_BODY = 4,          /* value: the next piece of a new body, CRLF
				 * line ends; the old one is gone */
	EDIT_SENDER = 5,        /* value */
	EDIT_RCPT_ADD = 6,      /* value */
	EDIT_RCPT_DELETE = 7,   /* value */
};

#define VERIFY_TELL 1u

/* One question; which fields it has depends on the type. */
struct verify_question {
	enum verify_type type;
	struct inject_facts facts; /* CONNECT */
	enum verify_early early;   /* GREET */
	struct slice helo, sender, login;
	bool is_esmtp;
	uint64_t size;
	uint32_t flags;         /* enum mail_flags */
	struct slice recipient; /* RCPT */
	bool is_local;
	bool is_exempt; /* from checks of the client, by the access table */
	struct slice id;    /* MAIL, DATA */
	struct slice bytes; /* CHUNK */
};

struct verify_reply {
	enum verify_action action;
	uint32_t code;
	char status[12];
	char text[512];
};

/* The value of a header edit is everything behind the colon, the usual blank
 * after it included (header_list.h). */
struct verify_change {
	enum verify_edit kind;
	uint32_t index;
	struct slice name, value;
};

/* Messages out of these and back. Getting is strict: what does not fit the
 * grammar is false, and the other side is given up. Slices point into the
 * message. A reply's code is 400 to 599 where the action refuses. */
void verify_question_put(
    struct message *message, const struct verify_question *question);
bool
verify_question_get(struct message *message, struct verify_question *question);
void
verify_reply_put(struct message *message, const struct verify_reply *reply);
bool verify_reply_get(struct message *message, struct verify_reply *reply);
void
verify_change_put(struct message *message, const struct verify_change *change);
bool verify_change_get(struct message *message, struct verify_change *change);

struct settings;
/* Does a setting need verify for this listener (enum listener_kind, or
 * INJECT_LOCAL)? */
bool verify_is_needed(const struct settings *settings, uint32_t listener);

#endif
