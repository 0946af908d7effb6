/* SPDX-License-Identifier: ISC */
/*
 * users - who has a mailbox here, and where it is.
 *
 * Two kinds at once: accounts of the system (uid >= minimum_uid, with any
 * login shell but nologin or false), for every local domain; and virtual
 * ones from the users file, whose lines are
 *     address hash [uid=N] [gid=N] [home=PATH] [mail=PATH]
 * An address found in the users file wins over a system account. Login
 * names: "alice" and "alice@domain" both work; a name without domain is
 * looked for with each local domain in turn, then as a system account.
 * Lookup is exact on lower-cased names. Programs of root and of _mpqueue read
 * the users file, so it is root:_mpqueue 0640; auth opens it before its jail.
 */
#ifndef COMMON_USERS_H
#define COMMON_USERS_H

#include <stdbool.h>
#include <sys/types.h>

#include "common/limits.h"
#include "common/result.h"
#include "common/settings.h"
#include "common/slice.h"

#define USER_PATH_SIZE 1024

/* Fixed size, no pointers: it crosses pipes as it is. */
struct user {
	char name[LIMIT_USER_NAME + 1]; /* "alice" or "alice@example.com" */
	char home[USER_PATH_SIZE];      /* absolute */
	char mail[USER_PATH_SIZE];      /* absolute; "/" at the end: Maildir,
					 * else an mbox file */
	uid_t uid;
	gid_t gid;
	bool is_virtual;
};

/* RESULT_OK found, RESULT_NEVER no such user, RESULT_LATER cannot say. */
enum result users_find_address(const struct settings *settings,
    struct slice local, struct slice domain, struct user *out, struct why *why);
enum result users_find_login(const struct settings *settings,
    struct slice login, struct user *out, struct why *why);
/* By the exact name of struct user, as a queue file keeps it. */
enum result users_find_name(const struct settings *settings, struct slice name,
    struct user *out, struct why *why);
/* Who runs programs and writes files of aliases: virtual_user. */
enum result users_find_alias_owner(
    const struct settings *settings, struct user *out, struct why *why);
/* Who gets postmaster's mail when no alias says so. */
enum result users_find_admin(const struct settings *settings, struct user *out);
struct passwd;
struct table_text;
/* The same from rows that the caller has read: an entry of passwd(5), and a
 * row of the users file, whose owner is out's uid and gid unless it says
 * otherwise. */
enum result users_fill_system(const struct settings *settings,
    const struct passwd *entry, struct user *out, struct why *why);
enum result users_fill_virtual(const struct settings *settings,
    const struct table_text *row, struct user *out, struct why *why);
/* Is it safe to become this user: uid != 0, >= minimum_uid for system
 * accounts, paths absolute, without "..". The last check of root code. */
bool
user_is_acceptable(const struct settings *settings, const struct user *user);

#endif
