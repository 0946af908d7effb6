/* SPDX-License-Identifier: ISC */
/*
 * command - the words of "|command" in an alias, and what its end means.
 *
 * Words are parted by blanks; "..." and '...' hold them together, a
 * backslash takes the next byte as it is. There is no shell: a character
 * that only a shell understands (| ; & < > ` $ * ?) outside quotes is an
 * error that says so, since silently passing it on is never what was meant.
 */
#ifndef DELIVER_COMMAND_H
#define DELIVER_COMMAND_H

#include <stdbool.h>
#include <stddef.h>

#include "common/arena.h"
#include "common/result.h"
#include "common/slice.h"

#define COMMAND_WORDS_MAX 64

/* words: NULL-terminated, in the arena. */
bool command_split(struct slice text, struct arena *arena,
    char *words[COMMAND_WORDS_MAX + 1], struct why *why);

struct command_end {
	int code;    /* exit code, sysexits.h */
	char status; /* 'D', 'F', 'T' */
	const char *enhanced;
	const char *text;
};
/* Never NULL. */
const struct command_end *command_end_find(int code);

#endif
