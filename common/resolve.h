/* SPDX-License-Identifier: ISC */
/*
 * resolve - what becomes of a recipient address.
 *
 * Order, always: exact address in the alias tables, address without +tag,
 * mailbox, catch-all. Aliases are expanded here, once, by enqueue and by
 * "mailctl route" alike, at most LIMIT_ALIAS_DEPTH deep and
 * LIMIT_ALIAS_EXPANSION wide; duplicates are dropped; a name that expands to
 * itself ("\user" or a loop) is its mailbox. The aliases file keeps its
 * classic format (aliases(5)).
 */
#ifndef COMMON_RESOLVE_H
#define COMMON_RESOLVE_H

#include <stdbool.h>
#include <stddef.h>

#include "common/address.h"
#include "common/arena.h"
#include "common/result.h"
#include "common/settings.h"
#include "common/users.h"

enum target_kind {
	TARGET_MAILBOX = 'L', /* a user here; address, user */
	TARGET_REMOTE = 'R',  /* another host; address */
	TARGET_PROGRAM = 'P', /* "|command" of an alias; user runs it */
	TARGET_FILE = 'F',    /* "/path" of an alias; user writes it */
};

struct target {
	enum target_kind kind;
	struct slice address;  /* final address, text; for P and F the alias */
	struct slice argument; /* command or path */
	struct slice extension; /* the +tag that was taken off, or empty */
	struct user user;      /* for L, P, F */
};

struct resolution {
	size_t count;
	struct target *targets;   /* in the arena */
	size_t note_count;
	struct slice *notes;      /* "alias info -> alice (aliases:14)" */
};

struct resolver; /* open tables; cheap to make, made per process */

struct resolver *resolver_new(const struct settings *settings);
void resolver_free(struct resolver **resolver);
/* A table could not be opened: everything is RESULT_LATER, for good. */
bool resolver_has_failed(const struct resolver *resolver);
/*
 * RESULT_NEVER: no such user (why->status 5.1.1), an alias loop (5.4.6), or
 * too many recipients (5.1.1). RESULT_LATER: a table cannot be read
 * (4.3.0). A domain that is not local gives one TARGET_REMOTE: whether that
 * is allowed is not decided here.
 */
enum result resolver_resolve(struct resolver *resolver,
    const struct address *address, struct arena *arena,
    struct resolution *out, struct why *why);

#endif
