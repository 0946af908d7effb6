/* SPDX-License-Identifier: ISC */
/*
 * pattern - LIST patterns (RFC 3501 section 6.3.8): "*" is anything, "%" is
 * anything without the separator. Time is pattern times name length, at
 * worst; a pattern over PATTERN_MAX bytes matches nothing.
 */
#ifndef IMAPD_PATTERN_H
#define IMAPD_PATTERN_H

#include <stdbool.h>

#include "common/slice.h"

#define PATTERN_MAX 2048

/* INBOX matches in any case. */
bool pattern_matches(struct slice pattern, struct slice name);

#endif
