/* SPDX-License-Identifier: ISC */
/*
 * greylist - put off what was not seen before (RFC 6647). No I/O, no clock.
 *
 * The key is the client's network, the sender and the recipient, so that a
 * pool of addresses counts as one. A record with count 0 waits: a try sooner
 * than delay is put off again, one within window passes, a later one begins
 * anew. A record with count > 0 passed, and is kept for lifetime after its
 * last use.
 */
#ifndef SMTPD_GREYLIST_H
#define SMTPD_GREYLIST_H

#include "common/state_file.h"

struct greylist_rule {
	uint64_t delay, window, lifetime; /* seconds */
};

/* 0: it passes; else the seconds to wait. The record is changed, and to be
 * kept. */
uint64_t greylist_judge(struct state_record *record, uint64_t now,
    const struct greylist_rule *rule);

#endif
