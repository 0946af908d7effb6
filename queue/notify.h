/* SPDX-License-Identifier: ISC */
/*
 * notify - which reports the sender of a message wants (RFC 3461 section 4.1
 * and 5.2), as a function of its envelope. No I/O, no state.
 *
 * An alias that stands for several recipients is reported as expanded, once,
 * to a sender who asked for success; its members then report no success
 * (5.2.7.3 b). Members are recipients in a row that were given to us as one
 * address. The null sender wants nothing (5.2.9: no report of a report).
 * What time has to do with it is in the message's options (RFC 2852).
 */
#ifndef QUEUE_NOTIFY_H
#define QUEUE_NOTIFY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/job.h"
#include "common/spoolfile.h"

/* Is it one of several that an address here stood for? */
bool notify_is_expanded(const struct spool_message *message, size_t index);
/* And the first of them, of a sender who wants to hear of it. */
bool notify_wants_expansion(const struct spool_message *message, size_t index);
/* NOTIFY as it goes on to the next host: without SUCCESS for members. */
uint8_t
notify_passed_on(const struct spool_message *message, size_t index);
bool notify_wants_failure(const struct spool_recipient *recipient);
bool notify_wants_delay(const struct spool_recipient *recipient);
/* The status byte of a recipient that is done: RECIPIENT_DELIVERED or
 * _RELAYED when that is to be reported, RECIPIENT_DONE when not. */
char notify_done_status(const struct spool_message *message, size_t index,
    bool is_local, unsigned int verdict_flags);

/* When it began to be due: its arrival, or the end of FUTURERELEASE. */
uint64_t notify_start(const struct spool_message *message);
/* BY=...;R or ;N, and that time has come. */
bool notify_is_late(
    const struct spool_message *message, uint32_t mode, uint64_t now);

#endif
