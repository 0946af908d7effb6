/* SPDX-License-Identifier: ISC */
/*
 * alias_file - the value of an alias: entries between commas. No I/O.
 *
 * The classic grammar of aliases(5): an address, \user, |command,
 * /file, :include:/path, any of them in double quotes (backslash escapes
 * inside), and "Name <address>". In an included file lines are entries as
 * well, and "#" starts a comment line. Linear time, no recursion.
 */
#ifndef COMMON_ALIAS_FILE_H
#define COMMON_ALIAS_FILE_H

#include <stdbool.h>

#include "common/arena.h"
#include "common/slice.h"

enum alias_kind {
	ALIAS_ADDRESS, /* user or user@domain */
	ALIAS_MAILBOX, /* \user: no further expansion */
	ALIAS_PROGRAM, /* text without the bar */
	ALIAS_FILE,
	ALIAS_INCLUDE, /* the path */
};

struct alias_entry {
	enum alias_kind kind;
	struct slice text; /* in the value or in the arena */
};

/* False: none left, or the arena is full (then rest is not empty). */
bool
alias_next(struct slice *rest, struct arena *arena, struct alias_entry *entry);

#endif
