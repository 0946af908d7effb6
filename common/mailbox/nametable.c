/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "common/mailbox/nametable.h"

#include <string.h>

#include "common/alloc.h"

/* FNV-1a. */
static uint64_t
nametable_hash(struct slice key)
{
	uint64_t hash = UINT64_C(14695981039346656037);

	for (size_t i = 0; i < key.len; i++) {
		hash ^= (unsigned char)key.ptr[i];
		hash *= UINT64_C(1099511628211);
	}
	return hash ^ hash >> 29;
}

static struct nametable_slot *
nametable_find(const struct nametable *table, struct slice key, uint64_t hash)
{
	size_t at = hash & (table->size - 1);

	while (table->slots[at].key.ptr != NULL) {
		if (table->slots[at].hash == hash &&
		    slice_eq(table->slots[at].key, key))
			break;
		at = (at + 1) & (table->size - 1);
	}
	return &table->slots[at];
}

void *
nametable_get(const struct nametable *table, struct slice key)
{
	if (table->size == 0)
		return NULL;
	return nametable_find(table, key, nametable_hash(key))->value;
}

static void
nametable_grow(struct nametable *table)
{
	struct nametable old = *table;

	table->size = old.size == 0 ? 64 : old.size * 2;
	table->slots = alloc_zero(table->size, sizeof(*table->slots));
	for (size_t i = 0; i < old.size; i++)
		if (old.slots[i].key.ptr != NULL)
			*nametable_find(table, old.slots[i].key,
			    old.slots[i].hash) = old.slots[i];
	alloc_release(old.slots);
}

void
nametable_set(struct nametable *table, struct slice key, void *value)
{
	struct nametable_slot *slot;
	uint64_t hash = nametable_hash(key);

	if (table->count * 2 >= table->size)
		nametable_grow(table);
	slot = nametable_find(table, key, hash);
	if (slot->key.ptr == NULL)
		table->count++;
	slot->key = key.ptr == NULL ? S("") : key;
	slot->hash = hash;
	slot->value = value;
}

void
nametable_clear(struct nametable *table)
{
	alloc_release(table->slots);
	memset(table, 0, sizeof(*table));
}
