/* SPDX-License-Identifier: ISC */
/*
 * enqueue_edit - a message that verify's content filters may change.
 *
 * While verify wants the message (it answered DATA with 354) nothing goes to
 * the spool: the header is kept in memory, the body in a file without a name
 * (spill.h) below the spool. What a submission lacks (Date, Message-ID) is
 * put in first, and Bcc is taken off, so that filters see, and sign, what will
 * be sent. At the end
 * verify's edits are applied, and only then is the queue file written, in the
 * usual order and with the usual commit points: a crash before leaves
 * nothing. Our own Received is in front of all that, and is not shown.
 *
 * Edits are hostile: a recipient that is added is judged as one that the
 * client itself gives, so nobody relays who may not; one that is refused
 * is left out, and logged. With the last recipient deleted nothing is kept.
 */
#ifndef QUEUE_ENQUEUE_EDIT_H
#define QUEUE_ENQUEUE_EDIT_H

#include <stdbool.h>

#include "common/arena.h"
#include "common/header_list.h"
#include "common/inject.h"
#include "common/spill.h"
#include "common/verify.h"

struct enqueue;

/* An address edit, until the message is accepted. */
struct address_edit {
	enum verify_edit kind;
	struct slice value; /* in the transaction's arena */
	struct address_edit *next;
};

struct enqueue_edit {
	bool is_active;
	bool is_shown; /* the header went to verify */
	bool is_open;  /* headers is filled: edits are taken */
	struct arena *arena;
	struct header_list headers;
	struct spill body, fresh;
	bool has_fresh; /* a body of verify's own */
	bool is_fresh_8bit;
	char fresh_last; /* byte of it */
	size_t count;   /* of edits */
	struct address_edit *addresses, **last;
};

void enqueue_edit_init(struct enqueue *e);
void enqueue_edit_reset(struct enqueue *e);
void enqueue_edit_free(struct enqueue *e);

/* A piece of the message, within its size limit. False: reply is filled. */
bool enqueue_edit_add(struct enqueue *e, struct slice bytes,
    struct inject_reply *reply);
/* Nothing follows: from now on edits are taken. */
bool enqueue_edit_open(struct enqueue *e, struct inject_reply *reply);
/* False: not an edit that can be made; verify is given up. */
bool enqueue_edit_take(struct enqueue *e, const struct verify_change *change);
/* Apply what was taken and write the spool file up to its commit. False:
 * reply is filled, or e->verify.is_dropped: no recipient is left. */
bool enqueue_edit_compose(struct enqueue *e, struct inject_reply *reply);

#endif
