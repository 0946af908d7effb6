/* SPDX-License-Identifier: ISC */
/*
 * jail_landlock - the file system and TCP, as the kernel's Landlock sees it.
 *
 * open while paths can still be named (before chroot), enforce last. A
 * kernel without Landlock, or an older version of it, gives as much as it
 * has: the uid, the chroot and the system call filter stand without it.
 * Rules are for directories better than for files: a file that is replaced
 * by rename is another file.
 */
#ifndef COMMON_JAIL_LANDLOCK_H
#define COMMON_JAIL_LANDLOCK_H

#include <stdbool.h>

#include "common/jail.h"

/* *fd is -1 when there is nothing to enforce. A path that does not exist is
 * left out. */
bool jail_landlock_open(const struct jail *jail,
    const struct jail_request *request, int *fd, struct why *why);
/* Closes fd. */
bool jail_landlock_enforce(int fd, struct why *why);

#endif
