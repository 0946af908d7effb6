/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "queue/schedule.h"

#include <string.h>

#include "common/alloc.h"
#include "common/crc32c.h"

#define TABLE_SIZE_MIN 1024 /* a power of two */
#define NOT_WAITING    UINT32_MAX
#define SLAB_ENTRIES   4096

struct heap {
	struct entry **items;
	size_t count;
	size_t size;
};

struct schedule {
	struct heap heaps[HEAPS];
	struct entry **table;
	size_t table_size;
	size_t count;
	struct entry *unused; /* of the slabs, which stay until the end */
	struct entry **slabs;
	size_t slab_count;
};

_Static_assert(sizeof(struct entry) <= SCHEDULE_ENTRY_SIZE, "a small entry");

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
	if (*schedule == NULL)
		return;
	for (size_t i = 0; i < (*schedule)->slab_count; i++)
		alloc_release((*schedule)->slabs[i]);
	for (size_t i = 0; i < HEAPS; i++)
		alloc_release((*schedule)->heaps[i].items);
	alloc_release((*schedule)->slabs);
	alloc_release((*schedule)->table);
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

static struct entry *
entry_new(struct schedule *schedule)
{
	struct entry *entry = schedule->unused, *slab;

	if (entry == NULL) {
		slab = alloc_zero(SLAB_ENTRIES, sizeof(*slab));
		schedule->slabs = alloc_resize(schedule->slabs,
		    schedule->slab_count + 1, sizeof(struct entry *));
		schedule->slabs[schedule->slab_count++] = slab;
		for (size_t i = 0; i < SLAB_ENTRIES; i++) {
			slab[i].chain = schedule->unused;
			schedule->unused = &slab[i];
		}
		entry = schedule->unused;
	}
	schedule->unused = entry->chain;
	memset(entry, 0, sizeof(*entry));
	return entry;
}

struct entry *
schedule_add(struct schedule *schedule, const char *id)
{
	struct entry *entry, **slot;

	if (schedule_find(schedule, id) != NULL)
		return NULL;
	if (schedule->count >= schedule->table_size)
		table_grow(schedule);
	entry = entry_new(schedule);
	memcpy(entry->id, id, SPOOL_ID_LENGTH);
	entry->heap_index = NOT_WAITING;
	slot = table_slot(schedule, id);
	entry->chain = *slot;
	*slot = entry;
	schedule->count++;
	return entry;
}

static int64_t
rank_of(const struct entry *entry)
{
	if (entry->heap == HEAP_WAITING)
		return entry->due;
	return entry->due - (int64_t)entry->priority * SCHEDULE_PRIORITY_MS;
}

static void
heap_place(struct heap *heap, struct entry *entry, size_t index)
{
	heap->items[index] = entry;
	entry->heap_index = (uint32_t)index;
}

static void
heap_up(struct heap *heap, struct entry *entry)
{
	size_t index = entry->heap_index, parent;

	while (index > 0) {
		parent = (index - 1) / 2;
		if (rank_of(heap->items[parent]) <= rank_of(entry))
			break;
		heap_place(heap, heap->items[parent], index);
		index = parent;
	}
	heap_place(heap, entry, index);
}

static void
heap_down(struct heap *heap, struct entry *entry)
{
	size_t index = entry->heap_index, child;

	while ((child = 2 * index + 1) < heap->count) {
		if (child + 1 < heap->count && rank_of(heap->items[child + 1]) <
						   rank_of(heap->items[child]))
			child++;
		if (rank_of(entry) <= rank_of(heap->items[child]))
			break;
		heap_place(heap, heap->items[child], index);
		index = child;
	}
	heap_place(heap, entry, index);
}

static void
heap_add(
    struct schedule *schedule, enum schedule_heap which, struct entry *entry)
{
	struct heap *heap = &schedule->heaps[which];

	entry->heap = (uint8_t)which;
	if (heap->count == heap->size) {
		heap->size = heap->size == 0 ? 256 : heap->size * 2;
		heap->items = alloc_resize(
		    heap->items, heap->size, sizeof(struct entry *));
	}
	heap_place(heap, entry, heap->count++);
	heap_up(heap, entry);
}

void
schedule_park(struct schedule *schedule, struct entry *entry)
{
	struct heap *heap = &schedule->heaps[entry->heap];
	size_t index = entry->heap_index;
	struct entry *last;

	if (index == NOT_WAITING)
		return;
	entry->heap_index = NOT_WAITING;
	last = heap->items[--heap->count];
	if (last == entry)
		return;
	heap_place(heap, last, index);
	heap_up(heap, last);
	heap_down(heap, last);
}

void
schedule_set_due(struct schedule *schedule, struct entry *entry, int64_t due)
{
	schedule_park(schedule, entry);
	entry->due = due;
	entry->flags &= (uint8_t)~ENTRY_ACTIVE;
	heap_add(schedule, HEAP_WAITING, entry);
}

void
schedule_set_attempts(struct entry *entry, uint32_t attempts)
{
	entry->attempts =
	    attempts < UINT16_MAX ? (uint16_t)attempts : UINT16_MAX;
}

bool
schedule_is_tried(const struct entry *entry)
{
	return (entry->attempts > 0 || (entry->flags & ENTRY_RETRY) != 0) &&
	       (entry->flags & ENTRY_URGENT) == 0;
}

static struct entry *
first_of(const struct schedule *schedule, enum schedule_heap which)
{
	const struct heap *heap = &schedule->heaps[which];

	return heap->count > 0 ? heap->items[0] : NULL;
}

static void
take_what_is_due(struct schedule *schedule, int64_t now)
{
	struct entry *entry;

	while ((entry = first_of(schedule, HEAP_WAITING)) != NULL &&
	       entry->due <= now) {
		schedule_park(schedule, entry);
		heap_add(schedule,
		    schedule_is_tried(entry) ? HEAP_TRIED : HEAP_FRESH, entry);
	}
}

struct entry *
schedule_take_due(struct schedule *schedule, int64_t now, bool is_fresh_only)
{
	struct entry *entry, *tried;

	take_what_is_due(schedule, now);
	entry = first_of(schedule, HEAP_FRESH);
	tried = is_fresh_only ? NULL : first_of(schedule, HEAP_TRIED);
	if (tried != NULL &&
	    (entry == NULL ||
		rank_of(tried) + SCHEDULE_FRESH_MS < rank_of(entry)))
		entry = tried;
	if (entry == NULL)
		return NULL;
	schedule_park(schedule, entry);
	entry->flags |= ENTRY_ACTIVE;
	return entry;
}

int64_t
schedule_first_due(const struct schedule *schedule, bool is_fresh_only)
{
	int64_t first = INT64_MAX;
	struct entry *entry;

	for (size_t i = 0; i < HEAPS; i++) {
		entry = first_of(schedule, (enum schedule_heap)i);
		if (entry != NULL && entry->due < first &&
		    (i != HEAP_TRIED || !is_fresh_only))
			first = entry->due;
	}
	return first;
}

void
schedule_remove(struct schedule *schedule, struct entry *entry)
{
	struct entry **slot = table_slot(schedule, entry->id);

	schedule_park(schedule, entry);
	while (*slot != entry)
		slot = &(*slot)->chain;
	*slot = entry->chain;
	entry->chain = schedule->unused;
	schedule->unused = entry;
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
