/* SPDX-License-Identifier: ISC */
/*
 * rate - so many in a period, by a window that slides. No I/O, no clock.
 *
 * A record counts the current period and the one before, which weighs less
 * the longer it is gone; so at most twice the limit fits around the edge of
 * two periods of a fixed window, and the limit here. What was refused is not
 * counted: who slows down is served again.
 */
#ifndef SMTPD_RATE_H
#define SMTPD_RATE_H

#include "common/state_file.h"
#include "common/verify_syntax.h"

/* One more now: false when that would be over the limit. The record is
 * changed either way, and to be kept. */
bool rate_add(
    struct state_record *record, uint64_t now, const struct rate_rule *rule);

#endif
