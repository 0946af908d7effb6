/* SPDX-License-Identifier: ISC */
/*
 * pause - destinations that an operator has stopped, and until when.
 *
 * A destination is a domain of recipients ("a.example", ".a.example" for what
 * is below it), a next hop as in route_map ("[192.0.2.7]:2525"), "local" or
 * "remote". The list is the file "pauses" in the spool, a line each
 * ("DESTINATION UNTIL REASON", UNTIL in seconds since 1970, 0 for no end), so
 * a pause holds across a restart. Parsing and matching are pure; loading and
 * saving are one call each. qmgr writes the file [Q12], mailq when no qmgr is
 * running.
 */
#ifndef QUEUE_PAUSE_H
#define QUEUE_PAUSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/buf.h"
#include "common/limits.h"
#include "common/result.h"
#include "common/slice.h"

#define PAUSE_MAX       256
#define PAUSE_NAME_MAX  LIMIT_SMTP_DOMAIN
#define PAUSE_TEXT_MAX  100 /* of its reason */
#define PAUSE_TEXT_SIZE (PAUSE_TEXT_MAX + 96)

struct pause {
	char name[PAUSE_NAME_MAX + 1]; /* of the destination, lower case */
	uint64_t until;                /* wall seconds; 0 no end */
	char text[PAUSE_TEXT_MAX + 1]; /* "" none */
};

struct pauses {
	size_t count;
	struct pause items[PAUSE_MAX];
};

/* What a recipient is asked for with. */
struct pause_target {
	struct slice domain;
	struct slice nexthop; /* "" by MX */
	bool is_local;
};

/* "NAME UNTIL" or "NAME UNTIL TEXT". False: not that, or too long. */
bool pause_parse(struct slice line, struct pause *pause);
void pause_format(struct buf *out, const struct pause *pause);
/* In place of one of the same name. False: PAUSE_MAX are there. */
bool pauses_set(struct pauses *pauses, const struct pause *pause);
bool pauses_remove(struct pauses *pauses, const char *name);
/* NULL: nothing stops it now. */
const struct pause *pauses_find(const struct pauses *pauses,
    const struct pause_target *target, uint64_t now);
/* One whose time is over; NULL none. */
const struct pause *pauses_over(const struct pauses *pauses, uint64_t now);
/* "paused by the administrator until ...: TEXT", local time. */
const char *pause_reason(const struct pause *pause, char text[PAUSE_TEXT_SIZE]);

/* No file: no pauses. Lines that are none are left out, with a warning. */
bool pauses_load(int spool_fd, struct pauses *pauses, struct why *why);
/* True: on stable storage. */
bool pauses_save(int spool_fd, const struct pauses *pauses, struct why *why);

#endif
