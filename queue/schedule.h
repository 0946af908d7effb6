/* SPDX-License-Identifier: ISC */
/*
 * schedule - every queued message in memory, and when each is due.
 *
 * One small entry per message, found by id, and a heap of those that wait.
 * An entry taken from the heap (schedule_take_due) is active until it is put
 * back with schedule_set_due or removed. Times are milliseconds of the
 * monotonic clock, so a step of the wall clock moves nothing. No I/O, no
 * clock: the time is passed in. Entries belong to the schedule.
 */
#ifndef QUEUE_SCHEDULE_H
#define QUEUE_SCHEDULE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/spoolfile.h"

enum entry_flags {
	ENTRY_VERIFIED = 1 << 0, /* the whole CRC was compared */
	ENTRY_RETRY = 1 << 1,    /* may have been tried before a crash */
	ENTRY_HELD = 1 << 2,
	ENTRY_ACTIVE = 1 << 3, /* taken, or its removal waits for a sync */
	ENTRY_URGENT = 1 << 4, /* an operator asked: ignore dead hosts */
};

struct entry {
	int64_t due;
	struct entry *chain; /* of the id table */
	size_t heap_index;   /* SIZE_MAX: not waiting */
	uint32_t attempts;
	uint32_t flags; /* enum entry_flags */
	char id[SPOOL_ID_SIZE];
};

struct schedule;

struct schedule *schedule_new(void);
void schedule_free(struct schedule **schedule);
size_t schedule_count(const struct schedule *schedule);
struct entry *schedule_find(const struct schedule *schedule, const char *id);
/* Not due at any time until schedule_set_due. NULL when it is there. */
struct entry *schedule_add(struct schedule *schedule, const char *id);
void
schedule_set_due(struct schedule *schedule, struct entry *entry, int64_t due);
/* Out of the heap, still known. */
void schedule_park(struct schedule *schedule, struct entry *entry);
/* The earliest entry due by now, no longer waiting; NULL when none is. */
struct entry *schedule_take_due(struct schedule *schedule, int64_t now);
/* When the first one is due; INT64_MAX when none waits. */
int64_t schedule_first_due(const struct schedule *schedule);
void schedule_remove(struct schedule *schedule, struct entry *entry);

typedef void schedule_each_fn(void *context, struct entry *entry);
/* In no order; each may set due times but not add or remove. */
void
schedule_each(struct schedule *schedule, schedule_each_fn *each, void *context);

/* Seconds until the next attempt: the message's age, within the limits. */
uint64_t schedule_back_off(
    uint64_t created, uint64_t now, uint64_t minimum, uint64_t maximum);

#define SCHEDULE_ATTEMPTS_MIN 5
/* Given up for age: older than lifetime and really tried. Lifetime 0: one
 * attempt is all. A clock that jumps does not bounce mail. */
bool schedule_is_expired(
    uint64_t created, uint64_t now, uint64_t lifetime, uint32_t attempts);

#endif
