/* SPDX-License-Identifier: ISC */
/*
 * verify_start - verify for local submissions.
 *
 * pickup runs as _mpqueue and cannot start a verify that is another. So what
 * is root before it (dropwatch, or pickup by hand) forks a starter, which
 * becomes _mpverify for good, in the jail "filter", and does one thing: for
 * each socket that it is sent it starts verify on it. It reads nothing else
 * and ends with its socket. Started by an ordinary user all this is that
 * user, as everywhere.
 */
#ifndef COMMON_VERIFY_START_H
#define COMMON_VERIFY_START_H

#include <stdbool.h>

#include "common/result.h"
#include "common/settings.h"

/* Before the jail. The descriptor, or -1 with why; in the child this never
 * returns. */
int verify_starter(const struct settings *settings, struct why *why);
/* enqueue's end of the socket to a new verify, or -1. */
int verify_start(int starter, struct why *why);

#endif
