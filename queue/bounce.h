/* SPDX-License-Identifier: ISC */
/*
 * bounce - delivery status notifications (RFC 3461, 3464, 6522, 6533).
 *
 * bounce_begin writes all of the report up to the original message: a text
 * for people, from common/bounce_texts.h, and the delivery-status part;
 * bounce_end what is after it. Both are pure: bytes in, pieces of some
 * kilobytes out to a sink, LF never without CR; so a report on 65,536
 * recipients needs no more memory than one.
 * A message that came with SMTPUTF8 gets a report of the "global" kind.
 *
 * bounce_send puts a report into the spool under an id derived from the
 * original's, the kind and the attempt, so that a crash between writing it
 * and marking the recipients writes no second one while the first is queued
 * [Q5]. Only those recipients are in it whose NOTIFY asks for it. A message
 * with the null sender is never bounced to anybody: a report of its failure
 * goes to "notify" (postmaster), and a failing report of that kind ends in
 * the log.
 */
#ifndef QUEUE_BOUNCE_H
#define QUEUE_BOUNCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/bounce_texts.h"
#include "common/buf.h"
#include "common/slice.h"
#include "common/spoolfile.h"

#include "queue/reason.h"

#define BOUNCE_ORIGINAL_MAX 50000 /* when the sender has not said how much */

struct bounce_recipient {
	struct slice address;
	struct slice original; /* as given at RCPT */
	struct slice orcpt;    /* "rfc822;a@b" or empty */
	const char *action;    /* RFC 3464 section 2.3.3 */
	int64_t retry_until;   /* delayed only */
	struct reason reason;
};

struct bounce {
	enum bounce_kind kind;
	const struct bounce_text *text;
	const char *hostname;
	const char *id; /* of the report */
	const char *original_id;
	struct slice to;     /* whom it goes to */
	struct slice sender; /* of the original, "" null */
	struct slice envelope_id;
	int64_t now;
	int64_t arrived;
	int64_t deliver_by; /* RFC 2852; 0: BY was not given */
	int64_t retry_until; /* delayed only: the last of the recipients' */
	size_t recipient_count;
	const struct bounce_recipient *recipients;
	bool is_whole;  /* the original follows as a whole, else its header */
	bool is_8bit;   /* it has bytes over 127 */
	bool is_global; /* it came with SMTPUTF8 */
};

typedef bool bounce_sink(void *context, struct slice piece);

/* Has the report bytes over 127? */
bool bounce_is_8bit(const struct bounce *bounce);

bool
bounce_begin(const struct bounce *bounce, bounce_sink *sink, void *context);
/* After the bytes of the original, which end in CRLF. */
bool
bounce_end(const struct bounce *bounce, bounce_sink *sink, void *context);
/* "0123456789ABC" to the id of its report in this attempt. */
void bounce_derive_id(const char *id, enum bounce_kind kind, uint32_t attempts,
    char derived[SPOOL_ID_SIZE]);

struct manager;
struct active;
/* True: reported (or nobody is to be told). False: try again later. */
bool bounce_send(
    struct manager *manager, struct active *active, enum bounce_kind kind);

#endif
