/* SPDX-License-Identifier: ISC */
/*
 * schedule - every queued message in memory, and when each is due.
 *
 * One small entry per message (SCHEDULE_ENTRY_SIZE: a million of them fit),
 * found by id, and three heaps: those that wait, and of those that are due the
 * fresh ones and those that were tried before. They come out by the time they
 * were due, each level of priority (RFC 6710) counting as a minute's start,
 * so that high ones go first and low ones still go. What was tried before,
 * or is found by a scan, lets fresh mail go first for SCHEDULE_FRESH_MS. An
 * entry's priority is 0 until its file was read once.
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
	ENTRY_ACTIVE = 1 << 3,  /* taken, or its removal waits for a sync */
	ENTRY_URGENT = 1 << 4,  /* an operator asked: ignore dead hosts */
	ENTRY_CRASHED = 1 << 5, /* an agent ended over it */
	ENTRY_AHEAD = 1 << 6,   /* waits for no other message, behind.h */
	ENTRY_BEHIND = 1 << 7,  /* has waited for one */
};

enum schedule_heap {
	HEAP_WAITING, /* by due */
	HEAP_FRESH,   /* these two by due less priority */
	HEAP_TRIED,
	HEAPS
};

struct entry {
	int64_t due;
	struct entry *chain; /* of the id table, or of the free ones */
	uint32_t heap_index; /* UINT32_MAX: in no heap */
	uint16_t attempts;   /* no more are counted than fit */
	uint8_t flags;       /* enum entry_flags */
	int8_t priority;     /* set, as flags, while it is in no heap */
	char id[SPOOL_ID_SIZE];
	uint8_t heap; /* enum schedule_heap */
};

#define SCHEDULE_ENTRY_SIZE  40
#define SCHEDULE_PRIORITY_MS 60000 /* start of one level of priority */
#define SCHEDULE_FRESH_MS    300000

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
void schedule_set_attempts(struct entry *entry, uint32_t attempts);
/* Has an attempt behind it, as far as is known, and no operator's haste. */
bool schedule_is_tried(const struct entry *entry);
/* The first entry due by now, no longer waiting; NULL when none is. */
struct entry *
schedule_take_due(struct schedule *schedule, int64_t now, bool is_fresh_only);
/* When the first one is due; INT64_MAX when none waits. */
int64_t schedule_first_due(const struct schedule *schedule, bool is_fresh_only);
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
