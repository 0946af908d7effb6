/* SPDX-License-Identifier: ISC */
/*
 * auth_check - is this the password of that user? (the auth program's core)
 *
 * The files are opened as root and read in the jail: users file, passwd(5)
 * and shadow(5), the last two only with system_users. A name is looked for
 * as users_find_login does. Every question costs one hash: an unknown user's
 * password is hashed as that of the first user, or as a new one would be.
 */
#ifndef COMMON_AUTH_CHECK_H
#define COMMON_AUTH_CHECK_H

#include <stdbool.h>
#include <stdio.h>
#include <sys/types.h>

#include "common/auth.h"
#include "common/result.h"
#include "common/settings.h"

struct auth_files {
	int users;       /* -1: there is none */
	FILE *passwd;    /* NULL: no system users */
	FILE *shadow;    /* NULL: not readable, so nobody there can log in */
	uid_t owner_uid; /* of virtual mail homes */
	gid_t owner_gid;
};

struct auth_credential {
	struct slice login;
	char password[LIMIT_PASSWORD + 1];
	char service[16];
};

bool auth_files_open(const struct settings *settings,
    struct auth_files *files, struct why *why);
void auth_files_close(struct auth_files *files);
/* *out is set when the answer is yes; why says the cause of no and later,
 * for the log alone. */
enum auth_answer auth_check(const struct settings *settings,
    const struct auth_files *files, const struct auth_credential *credential,
    struct user *out, struct why *why);

#endif
