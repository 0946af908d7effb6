/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "queue/schedule.h"

#include <string.h>

#include "common/alloc.h"
#include "common/crc32c.h"

#define TABLE_SIZE_MIN 1024 /* a power of two */
#define NOT_WAITING    SIZE_MAX

struct schedule {
	struct entry **heap;
	size_t waiting;
	size_t heap_size;
	struct entry **table;
	size_t table_size;
	size_t count;
};

struct schedule *
schedule_new(void)
{
	struct schedule *schedule = alloc_zero(1, sizeof(*schedule));

	schedule->table_size = TABLE_SIZE_MIN;
	schedule->table =
	    alloc_zero(schedule->table_size, sizeof(struct entry *));
	return schedule;
}

void
schedule_free(struct schedule **schedule)
{
	struct entry *entry, *next;

	if (*schedule == NULL)
		return;
	for (size_t i = 0; i < (*schedule)->table_size; i++)
		for (entry = (*schedule)->table[i]; entry != NULL;
		     entry = next) {
			next = entry->chain;
			alloc_release(entry);
		}
	alloc_release((*schedule)->table);
	alloc_release((*schedule)->heap);
	alloc_release(*schedule);
	*schedule = NULL;
}

size_t
schedule_count(const struct schedule *schedule)
{
	return schedule->count;
}

static struct entry **
table_slot(const struct schedule *schedule, const char *id)
{
	uint32_t hash = crc32c(0, id, SPOOL_ID_LENGTH);

	/* The low byte is the bucket: all of one bucket come together. */
	return &schedule->table[(hash >> 8 ^ hash << 16) &
				(schedule->table_size - 1)];
}

struct entry *
schedule_find(const struct schedule *schedule, const char *id)
{
	struct entry *entry = *table_slot(schedule, id);

	while (entry != NULL && memcmp(entry->id, id, SPOOL_ID_LENGTH) != 0)
		entry = entry->chain;
	return entry;
}

static void
table_grow(struct schedule *schedule)
{
	struct entry **old = schedule->table, *entry, *next, **slot;
	size_t old_size = schedule->table_size;

	schedule->table_size *= 2;
	schedule->table =
	    alloc_zero(schedule->table_size, sizeof(struct entry *));
	for (size_t i = 0; i < old_size; i++)
		for (entry = old[i]; entry != NULL; entry = next) {
			next = entry->chain;
			slot = table_slot(schedule, entry->id);
			entry->chain = *slot;
			*slot = entry;
		}
	alloc_release(old);
}

struct entry *
schedule_add(struct schedule *schedule, const char *id)
{
	struct entry *entry, **slot;

	if (schedule_find(schedule, id) != NULL)
		return NULL;
	if (schedule->count >= schedule->table_size)
		table_grow(schedule);
	entry = alloc_zero(1, sizeof(*entry));
	memcpy(entry->id, id, SPOOL_ID_LENGTH);
	entry->heap_index = NOT_WAITING;
	slot = table_slot(schedule, id);
	entry->chain = *slot;
	*slot = entry;
	schedule->count++;
	return entry;
}

static void
heap_place(struct schedule *schedule, struct entry *entry, size_t index)
{
	schedule->heap[index] = entry;
	entry->heap_index = index;
}

static void
heap_up(struct schedule *schedule, struct entry *entry)
{
	size_t index = entry->heap_index, parent;

	while (index > 0) {
		parent = (index - 1) / 2;
		if (schedule->heap[parent]->due <= entry->due)
			break;
		heap_place(schedule, schedule->heap[parent], index);
		index = parent;
	}
	heap_place(schedule, entry, index);
}

static void
heap_down(struct schedule *schedule, struct entry *entry)
{
	size_t index = entry->heap_index, child;

	while ((child = 2 * index + 1) < schedule->waiting) {
		if (child + 1 < schedule->waiting &&
		    schedule->heap[child + 1]->due < schedule->heap[child]->due)
			child++;
		if (entry->due <= schedule->heap[child]->due)
			break;
		heap_place(schedule, schedule->heap[child], index);
		index = child;
	}
	heap_place(schedule, entry, index);
}

void
schedule_park(struct schedule *schedule, struct entry *entry)
{
	size_t index = entry->heap_index;
	struct entry *last;

	if (index == NOT_WAITING)
		return;
	entry->heap_index = NOT_WAITING;
	last = schedule->heap[--schedule->waiting];
	if (last == entry)
		return;
	heap_place(schedule, last, index);
	heap_up(schedule, last);
	heap_down(schedule, last);
}

void
schedule_set_due(struct schedule *schedule, struct entry *entry, int64_t due)
{
	schedule_park(schedule, entry);
	if (schedule->waiting == schedule->heap_size) {
		schedule->heap_size =
		    schedule->heap_size == 0 ? 256 : schedule->heap_size * 2;
		schedule->heap = alloc_resize(schedule->heap,
		    schedule->heap_size, sizeof(struct entry *));
	}
	entry->due = due;
	entry->flags &= ~(uint32_t)ENTRY_ACTIVE;
	heap_place(schedule, entry, schedule->waiting++);
	heap_up(schedule, entry);
}

struct entry *
schedule_take_due(struct schedule *schedule, int64_t now)
{
	struct entry *entry;

	if (schedule->waiting == 0 || schedule->heap[0]->due > now)
		return NULL;
	entry = schedule->heap[0];
	schedule_park(schedule, entry);
	entry->flags |= ENTRY_ACTIVE;
	return entry;
}

int64_t
schedule_first_due(const struct schedule *schedule)
{
	return schedule->waiting == 0 ? INT64_MAX : schedule->heap[0]->due;
}

void
schedule_remove(struct schedule *schedule, struct entry *entry)
{
	struct entry **slot = table_slot(schedule, entry->id);

	schedule_park(schedule, entry);
	while (*slot != entry)
		slot = &(*slot)->chain;
	*slot = entry->chain;
	alloc_release(entry);
	schedule->count--;
}

void
schedule_each(struct schedule *schedule, schedule_each_fn *each, void *context)
{
	for (size_t i = 0; i < schedule->table_size; i++)
		for (struct entry *entry = schedule->table[i]; entry != NULL;
		     entry = entry->chain)
			each(context, entry);
}

uint64_t
schedule_back_off(
    uint64_t created, uint64_t now, uint64_t minimum, uint64_t maximum)
{
	uint64_t age = now > created ? now - created : 0;

	if (age > maximum)
		age = maximum;
	return age < minimum ? minimum : age;
}

bool
schedule_is_expired(
    uint64_t created, uint64_t now, uint64_t lifetime, uint32_t attempts)
{
	uint64_t age = now > created ? now - created : 0;

	if (lifetime == 0)
		return attempts > 0;
	return age > lifetime && attempts >= SCHEDULE_ATTEMPTS_MIN;
}
