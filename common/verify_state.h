/* SPDX-License-Identifier: ISC */
/*
 * verify_state - the folder of what verify remembers, in state_directory.
 *
 * Whoever is root on the way to the first verify makes it, for _mpverify.
 */
#ifndef COMMON_VERIFY_STATE_H
#define COMMON_VERIFY_STATE_H

#include <stdbool.h>
#include <stddef.h>

#include "common/settings.h"

/* Its path, and the folder when it is not there. False: a name too long. */
bool
verify_state_make(const struct settings *settings, char *path, size_t size);

#endif
