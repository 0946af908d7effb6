/* SPDX-License-Identifier: ISC */
/*
 * moves - messages that go by another next hop than their domain.
 *
 * A text file in the spool, a line per message: "ID NEXTHOP". mailq writes it
 * (whole, by rename; entries of messages that are gone are left out), qmgr
 * reads it again when it has changed. Losing it sends mail the usual way.
 */
#ifndef QUEUE_MOVES_H
#define QUEUE_MOVES_H

#include <stdbool.h>
#include <stddef.h>

#include "common/result.h"
#include "common/spoolfile.h"

#define MOVES_FILE         "moves"
#define MOVES_MAX          100000
#define MOVES_NEXTHOP_SIZE 256

struct move {
	char id[SPOOL_ID_SIZE];
	char *nexthop;
};

struct moves {
	size_t count, size;
	struct move *items; /* by id */
};

/* A missing file is an empty list; lines that are none are passed over. */
bool moves_load(struct moves *moves, const char *path, struct why *why);
void moves_clear(struct moves *moves);
/* NULL: the usual way. */
const char *moves_find(const struct moves *moves, const char *id);
/* nexthop NULL: the usual way again. False: MOVES_MAX are there. */
bool moves_set(struct moves *moves, const char *id, const char *nexthop);
/* Those that are still in the queue. */
bool moves_save(const struct moves *moves, int spool_fd, struct why *why);

#endif
