/* SPDX-License-Identifier: ISC */
/*
 * edit - what an operator changes in a queued file: hold, release, delete.
 *
 * Used by qmgr for lines of the control FIFO and by mailq when no qmgr is
 * running. The file is locked shared, as qmgr does: a file that its writer
 * has not finished is refused with EWOULDBLOCK in why->error. Nothing is
 * synced: losing an operator's word in a power cut loses no mail.
 */
#ifndef QUEUE_EDIT_H
#define QUEUE_EDIT_H

#include <stdbool.h>

#include "common/result.h"
#include "common/spoolfile.h"

/* EDIT_RETRY: due now, and held if it was held. */
enum edit_change {
	EDIT_HOLD,
	EDIT_HOLD_UNTIL, /* slot->next, then it is released */
	EDIT_RELEASE,
	EDIT_RETRY
};
/* *slot is what the file holds afterwards; may be NULL where it says nothing.
 */
bool edit_schedule(int spool_fd, const char *id, enum edit_change change,
    struct spool_schedule *slot, struct why *why);
/* Unlink the message and its reasons [Q7]. */
bool edit_delete(int spool_fd, const char *id, struct why *why);
/* A file came into the queue: qmgr is told, if one is running. */
void edit_announce(int spool_fd, const char *id);

#endif
