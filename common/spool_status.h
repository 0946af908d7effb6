/* SPDX-License-Identifier: ISC */
/*
 * spool_status - what qmgr writes into a queue file while it works on it: a
 * status byte for each recipient and the flags of the scheduling slot. The
 * rest of the format is in spoolfile.h, and what follows a stop between two
 * of these writes in queue/qmgr.md.
 */
#ifndef COMMON_SPOOL_STATUS_H
#define COMMON_SPOOL_STATUS_H

enum recipient_status {
	RECIPIENT_TODO = 'T',
	RECIPIENT_DONE = 'D',
	RECIPIENT_FAILED = 'F',
	RECIPIENT_BOUNCED = 'B', /* failure reported */
	RECIPIENT_DELETED = 'X', /* by mailq delete: silently gone */
	/* Done, but the sender wants to hear of it and has not yet. */
	RECIPIENT_DELIVERED = 'N',
	RECIPIENT_RELAYED = 'R', /* to a host that will not report */
};

enum schedule_flags {
	SCHEDULE_HOLD = 1 << 0,
	SCHEDULE_IN_FLIGHT = 1 << 1, /* an attempt had begun */
	SCHEDULE_WARNED = 1 << 2,    /* delay notice was sent */
	SCHEDULE_EXPANDED = 1 << 3,  /* aliases were reported (RFC 3461) */
	SCHEDULE_LATE = 1 << 4,      /* so was the end of BY=...;N */
	SCHEDULE_UNTIL = 1 << 5,     /* with HOLD: until the next attempt */
};

#endif
