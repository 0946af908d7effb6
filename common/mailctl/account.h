/* SPDX-License-Identifier: ISC */
/*
 * account - the accounts of Merpati, and files that belong to them.
 *
 * Only root makes accounts and gives files away; for an ordinary user
 * everything is his own and these functions have nothing to do. Programs
 * of the system (useradd) are started by their path with an argument list,
 * never through a shell.
 */
#ifndef COMMON_MAILCTL_ACCOUNT_H
#define COMMON_MAILCTL_ACCOUNT_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "common/result.h"
#include "common/settings.h"
#include "common/slice.h"

struct account {
	const char *name;
	const char *purpose;
};

extern const struct account account_table[]; /* NULL name ends */

bool account_exists(const char *name);
/* By useradd, with a group of its own, no shell and no home. */
bool account_create(const struct account *account, struct why *why);

/* Start argv[0] (a path) and wait; false unless it ends with 0. */
bool account_run(const char *const argv[], struct why *why);

/* What belongs to whom; root only, elsewhere it only sets the mode. */
struct ownership {
	const char *path;
	const char *user;  /* NULL: root */
	const char *group; /* NULL: root's */
	mode_t mode;
	bool is_directory;
	bool is_optional;  /* not made, but set right when it is there */
};
/* Make the directory when it is missing; set owner and mode. */
bool ownership_apply(const struct ownership *item, struct why *why);
/* Is it so? */
bool ownership_check(const struct ownership *item, struct why *why);

/* The rows for these settings; at most OWNERSHIP_ROWS, NULL path ends. */
#define OWNERSHIP_ROWS 16
void ownership_table(const struct settings *settings,
    struct ownership rows[OWNERSHIP_ROWS]);

/* Replace the users file so that _mpqueue can read it from the first
 * moment (users.h). */
bool account_replace_users(
    const char *path, struct slice text, struct why *why);

#endif
