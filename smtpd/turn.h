/* SPDX-License-Identifier: ISC */
/*
 * turn - does the client wait for its turn, and what its mistakes cost it.
 *
 * With greet_pause the greeting of port 25 waits as long as verify says
 * (through enqueue, inject.h), and verify hears whether the client spoke
 * first, or later sent commands ahead of HELO's answer or without PIPELINING
 * (RFC 2920 section 3.1). Replies to a stranger with many errors are slow:
 * that holds up nobody else, as it has this process for itself.
 */
#ifndef SMTPD_TURN_H
#define SMTPD_TURN_H

#include <stdbool.h>
#include <stddef.h>

#include "common/front.h"
#include "common/inject.h"

/* Seconds before the next reply after so many errors. */
unsigned int turn_delay(size_t errors);
bool turn_is_stranger(const struct connection *connection);
/* Is the greeting to wait? */
bool turn_is_watched(const struct connection *connection);

/* enqueue runs: wait, and tell what came. False: the client is to be sent
 * away with the reply. */
bool turn_wait(const struct connection *connection, struct inject_reply *reply);
/* Commands were sent too early. False as above. */
bool turn_tell_hasty(struct inject_reply *reply);

#endif
