/* SPDX-License-Identifier: ISC */
/*
 * mailq - the queue tool: reads the spool's files, and asks qmgr.
 *
 * Everything shown comes from the queue files and why/, so it works with and
 * without a running qmgr. What changes something goes to qmgr through the
 * control FIFO when one is running (then mailq waits until it shows in the
 * file), else mailq edits the file itself. Printing is pure: items in, text
 * out, so its layouts are tested byte by byte. Exit codes: 0 done, 1 nothing
 * matched or not all was possible, 64 usage, 75 the queue cannot be read.
 */
#ifndef QUEUE_MAILQ_H
#define QUEUE_MAILQ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/buf.h"
#include "common/result.h"
#include "common/slice.h"
#include "common/spoolfile.h"

#include "queue/pause.h"
#include "queue/reason.h"

enum mailq_state {
	MAILQ_ACTIVE,
	MAILQ_DEFERRED,
	MAILQ_HELD,
	MAILQ_STATES
};

struct mailq_item {
	const struct spool_message *message;
	const struct reason *reasons; /* by recipient */
	enum mailq_state state;
	bool waits_for_sender; /* held until options.hold_until, RFC 4865 */
	uint64_t held_until;   /* by whomever; wall seconds, 0 no end */
};

#define MAILQ_IDS_MAX 1000

/* Every part that is given must match; ids: one of them. */
struct mailq_selection {
	bool is_all;
	const char *from, *to, *domain; /* patterns with "*"; NULL any */
	size_t id_count;
	char ids[MAILQ_IDS_MAX][SPOOL_ID_SIZE];
};

/* Words of the command line; the words must outlive the selection. */
bool mailq_selection_parse(
    struct mailq_selection *selection, char *const words[], struct why *why);
bool mailq_selection_is_empty(const struct mailq_selection *selection);
bool mailq_selection_matches(
    const struct mailq_selection *selection, const struct mailq_item *item);
/* "7k3m-..." as people type it; false when it is no id. */
bool mailq_parse_id(struct slice text, char id[SPOOL_ID_SIZE]);

struct mailq_totals {
	uint64_t messages, recipients, bytes;
	uint64_t states[MAILQ_STATES];
	uint64_t oldest; /* created */
};
void
mailq_totals_add(struct mailq_totals *totals, const struct mailq_item *item);

/* Still to be served, or to be reported. */
bool mailq_is_open(const struct mailq_item *item, size_t recipient);
#define MAILQ_AGE_SIZE 24
/* "3h12m", "6m", "2d4h": two units at most. */
const char *mailq_format_age(uint64_t seconds, char text[MAILQ_AGE_SIZE]);
/* Postfix's listing: the heading comes with the first item. */
void mailq_print_classic(
    struct buf *out, const struct mailq_item *item, bool is_first);
void
mailq_print_classic_end(struct buf *out, const struct mailq_totals *totals);
/* One line per recipient; one JSON object per message and line. */
void mailq_print_line(struct buf *out, const struct mailq_item *item,
    uint64_t now, bool is_first);
void mailq_print_json(struct buf *out, const struct mailq_item *item);
void mailq_print_envelope(struct buf *out, const struct mailq_item *item);
void mailq_print_summary(
    struct buf *out, const struct mailq_totals *totals, uint64_t now);

typedef bool
mailq_item_fn(void *context, int fd, const struct mailq_item *item);
/* Every selected message, in the order of arrival. False: the queue cannot
 * be read. each returning false ends the walk. */
bool mailq_walk(int spool_fd, bool is_running,
    const struct mailq_selection *selection, mailq_item_fn *each,
    void *context);

enum mailq_verb {
	MAILQ_RETRY,
	MAILQ_HOLD,
	MAILQ_RELEASE,
	MAILQ_DELETE,
	MAILQ_BOUNCE
};
struct mailq_change {
	enum mailq_verb verb;
	uint64_t until; /* MAILQ_HOLD: wall seconds, 0 no end */
};
/* control_fd -1: no qmgr is running. */
bool mailq_act(int spool_fd, int control_fd, const struct mailq_change *change,
    const char *id, struct why *why);

enum mailq_pause_verb {
	MAILQ_PAUSE,
	MAILQ_DRAIN,
	MAILQ_RESUME
};
/* Waits until the list in the spool says so. */
bool mailq_pause(int spool_fd, int control_fd, enum mailq_pause_verb verb,
    const struct pause *pause, struct why *why);
/* One line each. */
void mailq_print_pauses(struct buf *out, const struct pauses *pauses);

#endif
