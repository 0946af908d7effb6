/* SPDX-License-Identifier: ISC */
/*
 * password - where "mailctl user" gets a password from.
 *
 * One line of standard input, or asked twice on the terminal without echo
 * (an empty answer has one made), or made: 16 letters and digits without
 * those that look alike, 80 bits. The buffer is the caller's to wipe.
 */
#ifndef COMMON_MAILCTL_PASSWORD_H
#define COMMON_MAILCTL_PASSWORD_H

#include <stdbool.h>

#include "common/limits.h"
#include "common/result.h"

#define PASSWORD_SIZE (LIMIT_PASSWORD + 1)

/* Read one line of stdin; false at its end, or too long, or empty. */
bool password_read(char password[PASSWORD_SIZE], struct why *why);
bool password_make(char password[PASSWORD_SIZE], struct why *why);
/* By one of the three ways; *is_made tells that it has to be shown. */
bool password_obtain(char password[PASSWORD_SIZE], bool from_stdin,
    bool *is_made, struct why *why);

#endif
