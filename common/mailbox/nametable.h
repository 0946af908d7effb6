/* SPDX-License-Identifier: ISC */
/*
 * nametable - a hash table from base names to pointers.
 *
 * Keys are slices that the caller keeps alive; values are pointers the
 * caller owns. Grows by doubling; no deletion, only replacement, since a
 * table lives as long as one view of a folder. Never fails but through
 * alloc.h. Base names come from the user's own directory, so no protection
 * against chosen collisions is needed.
 */
#ifndef COMMON_MAILBOX_NAMETABLE_H
#define COMMON_MAILBOX_NAMETABLE_H

#include <stddef.h>
#include <stdint.h>

#include "common/slice.h"

struct nametable_slot {
	struct slice key; /* ptr NULL: free */
	uint64_t hash;
	void *value;
};

struct nametable {
	struct nametable_slot *slots;
	size_t size; /* a power of two, or 0 */
	size_t count;
};

/* A zeroed struct is an empty table. */
void *nametable_get(const struct nametable *table, struct slice key);
/* A NULL value forgets the key. */
void nametable_set(struct nametable *table, struct slice key, void *value);
void nametable_clear(struct nametable *table);

#endif
