/* SPDX-License-Identifier: ISC */
/*
 * command - the one table of SMTP commands.
 *
 * A row says the verb, the phases it is allowed in, the form of its
 * argument, who handles it, what EHLO announces for it and its HELP lines.
 * Dispatch, EHLO, HELP and every "bad sequence" or "bad argument" reply come
 * from the table, so a new command is a new row and its handler.
 */
#ifndef SMTPD_COMMAND_H
#define SMTPD_COMMAND_H

#include <stdbool.h>

#include "common/address.h"
#include "common/line.h"
#include "common/slice.h"

#include "smtpd/reply.h"
#include "smtpd/session.h"

enum argument_form {
	ARGUMENT_NONE,     /* nothing may follow */
	ARGUMENT_OPTIONAL, /* anything or nothing */
	ARGUMENT_REQUIRED,
	ARGUMENT_REVERSE_PATH, /* "FROM:" path parameters */
	ARGUMENT_FORWARD_PATH, /* "TO:" path parameters */
};

struct argument {
	struct slice text; /* all of it, trimmed */
	struct address path;
	struct slice parameters;
};

typedef void
command_fn(struct session *session, const struct argument *argument);
/* NULL: it may be used now. Else the reply that says why not. */
typedef const struct reply *command_check_fn(const struct session *session);

struct command {
	struct slice verb;
	unsigned int phases;
	enum argument_form form;
	command_fn *handle;
	command_check_fn *check;
	bool is_extension;       /* not announced when check refuses it */
	const char *keyword;     /* in EHLO, or NULL; more: extension.h */
	const char *syntax;
	const char *help;
};

extern const struct command smtp_command_table[]; /* ended by an empty verb */

/* The name of a row, for logs. */
const char *command_verb(size_t row);
/* Run one line from the client. */
void command_run(
    struct session *session, enum line_status status, struct slice line);
/* The replies to EHLO and HELP. */
void command_announce(struct session *session);
void command_help(struct session *session, struct slice verb);

#endif
