/* SPDX-License-Identifier: ISC */
/*
 * bounce - delivery status notifications (RFC 3461, 3464, 6522).
 *
 * bounce_format writes the whole message: a text for people, the
 * message/delivery-status part, and the original (its header only when it is
 * longer than BOUNCE_ORIGINAL_MAX). It is pure: bytes in, bytes out, LF never
 * without CR. bounce_send puts it into the spool under an id derived from
 * the original's and the attempt, so that a crash between writing it and
 * marking the recipients writes no second one while the first is queued [Q5].
 * A message with the null sender is never bounced to anybody: a report of it
 * goes to "notify" (postmaster), and a failing report of that kind ends in
 * the log.
 */
#ifndef QUEUE_BOUNCE_H
#define QUEUE_BOUNCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/buf.h"
#include "common/slice.h"
#include "common/spoolfile.h"

#include "queue/reason.h"

#define BOUNCE_ORIGINAL_MAX 50000

enum bounce_kind {
	BOUNCE_FAILED,
	BOUNCE_DELAYED
};

struct bounce_recipient {
	struct slice address;
	struct slice original;
	struct reason reason;
};

struct bounce {
	enum bounce_kind kind;
	const char *hostname;
	const char *id; /* of the report */
	const char *original_id;
	struct slice to;     /* whom it goes to */
	struct slice sender; /* of the original, "" null */
	int64_t now;
	int64_t arrived;
	int64_t retry_until; /* delayed only */
	size_t recipient_count;
	const struct bounce_recipient *recipients;
	struct slice message; /* the original from its start */
	bool is_cut;          /* message is not the whole of it */
	bool is_8bit;
};

bool bounce_format(struct buf *out, const struct bounce *bounce);
/* "0123456789ABC" to the id of its report in this attempt. */
void bounce_derive_id(const char *id, enum bounce_kind kind, uint32_t attempts,
    char derived[SPOOL_ID_SIZE]);

struct manager;
struct active;
/* True: reported (or nobody is to be told). False: try again later. */
bool bounce_send(
    struct manager *manager, struct active *active, enum bounce_kind kind);

#endif
