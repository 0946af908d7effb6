/* SPDX-License-Identifier: ISC */
/*
 * spooldir - the directories and FIFOs of the spool.
 *
 * Made once, by "mailctl init" (and by tests), and only checked by the
 * programs. With root's rights everything but drop/ belongs to _mpqueue and
 * is closed to others (the spool itself and drop/ can be entered); drop/ is
 * 3733 _mpqueue:_mpqueue: anybody may put a file there, which gets the group
 * _mpqueue, nobody may list it, and only the submitter and _mpqueue may
 * remove one. For an ordinary user all of it is his alone.
 */
#ifndef COMMON_SPOOLDIR_H
#define COMMON_SPOOLDIR_H

#include <stdbool.h>

#include "common/result.h"
#include "common/settings.h"

/* Make what is missing, set owners and modes of all. May be run again. */
bool spool_make_directories(const struct settings *settings, struct why *why);
/* Is everything there, of the right kind and mode? why names the first that
 * is not. */
bool spool_check(const struct settings *settings, struct why *why);
/* The spool directory, for the dirfd of all others; -1 with why. */
int spool_open(const struct settings *settings, struct why *why);

#endif
