/* SPDX-License-Identifier: ISC */
/*
 * enqueue_access - the access table: who may not, who need not be checked.
 *
 * Rows are "client:", "helo:", "sender:" or "recipient:" and a pattern, to
 * OK, REJECT, DEFER, HOLD or DISCARD (access(5)). Looked up in this order at
 * each recipient; the first OK ends the search and spares the recipient the
 * checks of verify, a REJECT or DEFER refuses it. No row makes this host
 * relay: the relay rules come first and last. Values are parsed without I/O.
 */
#ifndef QUEUE_ENQUEUE_ACCESS_H
#define QUEUE_ENQUEUE_ACCESS_H

#include <stdbool.h>

#include "common/arena.h"
#include "common/inject.h"
#include "common/netaddr.h"
#include "common/slice.h"
#include "common/table.h"

enum access_action {
	ACCESS_NONE, /* there is no row */
	ACCESS_OK,
	ACCESS_REFUSE, /* reply */
	ACCESS_HOLD,   /* reply.text: why */
	ACCESS_DISCARD,
	ACCESS_BROKEN, /* the value is none of these */
};

struct access_result {
	enum access_action action;
	struct inject_reply reply;
};

/* "REJECT", "REJECT text", "REJECT 550 5.7.1 text", "DEFER text", ... */
void access_parse(struct slice value, struct access_result *result);

struct access_client {
	struct netaddr addr; /* family 0: from this host */
	struct slice name;   /* confirmed, or empty */
};
/* Each fills result with what the table says; NULL is an empty table. */
void access_find_client(struct table *table, const struct access_client *client,
    struct arena *arena, struct access_result *result);
void access_find_helo(struct table *table, struct slice helo,
    struct arena *arena, struct access_result *result);
/* kind: "sender" or "recipient"; an empty address is "<>". */
void access_find_address(struct table *table, const char *kind,
    struct slice address, struct arena *arena, struct access_result *result);

#endif
