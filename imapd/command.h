/* SPDX-License-Identifier: ISC */
/*
 * command - one parsed IMAP command, and the table of all of them.
 *
 * A row is verb, states, flags, grammar, handler. The grammar is pure: it
 * fills struct command from the cursor. The handler acts on the session and
 * leaves the tagged reply in it (session.h: reply_*).
 */
#ifndef IMAPD_COMMAND_H
#define IMAPD_COMMAND_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#include "common/slice.h"

#include "imapd/parse.h"

struct session;
struct command;
struct fetch_item;
struct search_key;

enum command_states {
	STATE_NONE = 1 << 0, /* logged in, no folder selected */
	STATE_SELECTED = 1 << 1,
	STATE_ANY = STATE_NONE | STATE_SELECTED,
};

enum command_flags {
	COMMAND_UID = 1 << 0,        /* may follow UID */
	COMMAND_NO_EXPUNGE = 1 << 1, /* RFC 3501 section 7.4.1 */
	COMMAND_WRITES = 1 << 2,     /* not in a folder opened by EXAMINE */
	COMMAND_NO_REPORT = 1 << 3,  /* no untagged news before its reply */
};

struct command_row {
	struct slice verb;
	unsigned int states, flags;
	bool (*parse)(struct parse *parse, struct command *command);
	void (*run)(struct session *session, struct command *command);
};

enum store_mode {
	STORE_SET,
	STORE_ADD,
	STORE_REMOVE
};

/* Flag names as the client wrote them: system bits, and keywords. */
struct flag_list {
	uint32_t flags;
	struct slice *keywords;
	size_t count;
};

enum status_items {
	STATUS_MESSAGES = 1 << 0,
	STATUS_RECENT = 1 << 1,
	STATUS_UIDNEXT = 1 << 2,
	STATUS_UIDVALIDITY = 1 << 3,
	STATUS_UNSEEN = 1 << 4,
};

struct command {
	struct slice tag;
	const struct command_row *row;
	struct arena *arena;
	bool is_uid;
	struct slice name, other; /* folders, as sent */
	struct sequence_set set;
	struct flag_list flags;
	enum store_mode mode;
	bool is_silent;
	unsigned int status; /* enum status_items */
	struct fetch_item *items;
	struct search_key *search;
	bool is_special_only, is_subscribed_only; /* LIST */
	bool is_xlist;
	time_t date; /* APPEND; 0: now */
};

extern const struct command_row command_table[]; /* empty verb ends */

/*
 * tag, verb and arguments. False: *error is one line for a BAD reply; tag may
 * be empty then. state is one of command_states.
 */
bool command_parse(struct command *command, struct slice text,
    unsigned int state, struct arena *arena, const char **error);
/* The beginning of APPEND up to its message literal. */
bool command_parse_append(
    struct command *command, struct slice text, struct arena *arena);

/* Grammars (arguments.c, fetch_parse.c, search_parse.c). */
bool parse_none(struct parse *parse, struct command *command);
bool parse_mailbox(struct parse *parse, struct command *command);
bool parse_rename(struct parse *parse, struct command *command);
bool parse_list(struct parse *parse, struct command *command);
bool parse_xlist(struct parse *parse, struct command *command);
bool parse_lsub(struct parse *parse, struct command *command);
bool parse_status(struct parse *parse, struct command *command);
bool parse_append(struct parse *parse, struct command *command);
bool parse_expunge(struct parse *parse, struct command *command);
bool parse_store(struct parse *parse, struct command *command);
bool parse_copy(struct parse *parse, struct command *command);
bool parse_id(struct parse *parse, struct command *command);
bool parse_fetch(struct parse *parse, struct command *command);
bool parse_search(struct parse *parse, struct command *command);
bool parse_flag_list(struct parse *parse, struct flag_list *flags);

/* Handlers (cmd_*.c). */
typedef void command_fn(struct session *session, struct command *command);
command_fn cmd_capability, cmd_noop, cmd_logout, cmd_id, cmd_idle,
    cmd_namespace, cmd_starttls;
command_fn cmd_select, cmd_examine, cmd_create, cmd_delete, cmd_rename,
    cmd_subscribe, cmd_unsubscribe, cmd_status, cmd_close, cmd_unselect,
    cmd_check;
command_fn cmd_list, cmd_lsub;
command_fn cmd_expunge, cmd_store, cmd_copy, cmd_move;
command_fn cmd_fetch, cmd_search;

#endif
