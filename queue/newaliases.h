/* SPDX-License-Identifier: ISC */
/*
 * newaliases - make the caches of the alias tables, and count what they have.
 *
 * Text is read where a cache is older, so nobody has to run this; it shows
 * mistakes in the text and saves the first lookup the work.
 */
#ifndef QUEUE_NEWALIASES_H
#define QUEUE_NEWALIASES_H

#include "common/result.h"
#include "common/settings.h"

/* The exit code; prints one line per table. */
int newaliases_run(const struct settings *settings, struct why *why);

#endif
