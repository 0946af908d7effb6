/* SPDX-License-Identifier: ISC */
/*
 * dotlock - lock files that Dovecot, Courier and mbox programs respect.
 *
 * The lock on NAME is the file NAME.lock, holding "pid:host": written as
 * NAME.lock.PID and linked (safe on NFS), so whoever is killed leaves a lock
 * that names its holder, or none. It is stale, and is taken away, when its
 * process is dead on this host or when it did not change for
 * DOTLOCK_STALE seconds; a holder that works longer calls dotlock_touch
 * every DOTLOCK_TOUCH seconds.
 */
#ifndef COMMON_MAILBOX_DOTLOCK_H
#define COMMON_MAILBOX_DOTLOCK_H

#include <stdbool.h>
#include <stdint.h>

#include "common/result.h"

#define DOTLOCK_STALE     120
#define DOTLOCK_TOUCH     10
#define DOTLOCK_NAME_SIZE 1100

/* file: the whole name of the lock file, relative to dirfd. Waits until
 * deadline (io.h); why->error is EAGAIN when somebody holds it that long,
 * EACCES and the like when no lock file can be made there. */
bool
dotlock_take(int dirfd, const char *file, int64_t deadline, struct why *why);
void dotlock_touch(int dirfd, const char *file);
void dotlock_release(int dirfd, const char *file);

#endif
