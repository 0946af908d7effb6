/* SPDX-License-Identifier: ISC */
/*
 * mailq_words - the command line of mailq, as data.
 *
 * One table of commands says what each takes: words and options. What is not
 * a command's is refused, so nothing is read and then ignored. Pure: the time
 * is passed in.
 */
#ifndef QUEUE_MAILQ_WORDS_H
#define QUEUE_MAILQ_WORDS_H

#include <stdint.h>
#include <stdio.h>
#include <time.h>

#include "common/result.h"

#include "queue/mailq.h"
#include "queue/pause.h"

enum mailq_action {
	ACTION_CLASSIC, /* no word at all */
	ACTION_LIST,
	ACTION_SHOW,
	ACTION_CHANGE, /* command->verb is an enum mailq_verb */
	ACTION_SUMMARY,
	ACTION_PAUSE, /* command->verb is an enum mailq_pause_verb */
	ACTION_PAUSES,
	ACTION_TRACE,
	ACTION_MOVE,
	ACTION_CHECK,
	ACTION_EXPORT,
	ACTION_IMPORT,
	ACTIONS
};

enum mailq_options {
	OPTION_JSON = 1 << 0,
	OPTION_BY_REASON = 1 << 1,
	OPTION_HEADERS = 1 << 2,
	OPTION_RAW = 1 << 3,
	OPTION_YES = 1 << 4,
	OPTION_UNTIL = 1 << 5,
	OPTION_REASON = 1 << 6,
	OPTION_REPAIR = 1 << 7,
};

struct mailq_command {
	const char *name;
	enum mailq_action action;
	unsigned int verb;
	unsigned int options; /* enum mailq_options, ored */
	const char *past;     /* of verb */
	const char *help;
};

struct mailq_words {
	const struct mailq_command *command;
	unsigned int options;  /* those that were given */
	const char *values[2]; /* of --until and --reason, as typed */
	uint64_t until;        /* wall seconds; 0 none */
	struct mailq_selection selection;
	struct pause pause;  /* ACTION_PAUSE */
	const char *subject; /* ACTION_TRACE */
	const char *nexthop; /* ACTION_MOVE; NULL the usual way again */
};

/* words ends with NULL, is changed, and outlives out. */
bool mailq_words_parse(
    struct mailq_words *out, char *words[], time_t now, struct why *why);
void mailq_words_usage(FILE *out);

#endif
