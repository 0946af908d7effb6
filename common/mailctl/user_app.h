/* SPDX-License-Identifier: ISC */
/*
 * user_app - the hashes of a user's passwords, his own and those for single
 * programs.
 *
 * With password_scheme = scram all of them have one salt, the one that any of
 * them has already: so SCRAM can take each (scram.h).
 */
#ifndef COMMON_MAILCTL_USER_APP_H
#define COMMON_MAILCTL_USER_APP_H

#include <stdbool.h>
#include <stddef.h>

#include "common/result.h"
#include "common/settings.h"
#include "common/slice.h"

/* A new hash for the user of that full name. */
bool user_password_hash(const struct settings *settings, struct slice name,
    const char *password, char *hash, size_t size);
/* Remove all app passwords of a user who goes: nobody who gets the name
 * later shall have them. */
bool user_app_forget(const struct settings *settings, struct slice name,
    struct why *why);

#endif
