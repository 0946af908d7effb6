/* SPDX-License-Identifier: ISC */
/*
 * filter_message - the message that the filters of verify look at, one after
 * the other, each with what the ones before changed.
 *
 * It is added as it comes, then opened: the header becomes a list that edits
 * are counted on, the body stays where it is. An edit is made here and told
 * to enqueue at once; a new body is told when all filters are done. A filter
 * that prints the whole message has it compared with what it read: fields
 * that are new, and those that are gone, become edits.
 */
#ifndef SMTPD_FILTER_MESSAGE_H
#define SMTPD_FILTER_MESSAGE_H

#include <stdbool.h>
#include <stdint.h>

#include "common/arena.h"
#include "common/header_list.h"
#include "common/result.h"
#include "common/spill.h"
#include "common/verify.h"

typedef bool
filter_change_fn(void *context, const struct verify_change *change);

struct filter_message {
	struct arena *arena; /* of the header */
	struct header_list headers;
	struct spill whole; /* as it came */
	uint64_t body_start; /* in whole */
	struct spill body;  /* a filter's new one */
	struct spill draft; /* the one it is at */
	bool has_new_body, has_draft;
	char last;          /* byte of the draft */
	size_t edits;
	filter_change_fn *change;
	void *context;
};

void filter_message_init(struct filter_message *message,
    const char *directory, filter_change_fn *change, void *context);
void filter_message_free(struct filter_message *message);
void filter_message_reset(struct filter_message *message);

bool filter_message_add(struct filter_message *message, struct slice bytes,
    struct why *why);
/* All of it is there. */
bool filter_message_open(struct filter_message *message, struct why *why);

/* Up to SPILL_PIECE bytes of the body (or of header, empty line and body) as
 * it is now; none at its end. */
bool filter_message_body(const struct filter_message *message,
    uint64_t offset, char room[SPILL_PIECE], struct slice *bytes);
uint64_t filter_message_body_length(const struct filter_message *message);

/* False: it breaks a rule of header_list.h, or there are too many. EDIT_BODY
 * adds to the draft, with line ends made CRLF. */
bool filter_message_edit(struct filter_message *message,
    const struct verify_change *edit, struct why *why);
/* The filter is done: its draft, if it made one, is the body now. */
bool filter_message_settle(struct filter_message *message, struct why *why);
/* printed: all of a message, line ends CRLF, in place of this one. */
bool filter_message_replace(struct filter_message *message,
    const struct spill *printed, struct why *why);
/* Tell the new body, if there is one. */
bool filter_message_finish(struct filter_message *message, struct why *why);

#endif
