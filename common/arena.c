/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "common/arena.h"

#include <stdalign.h>
#include <string.h>

#include "common/alloc.h"

#define BLOCK_SIZE 4096

struct block {
	struct block *next;
	size_t size;
	size_t used;
	alignas(max_align_t) char bytes[];
};

struct arena {
	const char *name;
	size_t ceiling;
	size_t used;
	struct block *first;
};

static struct block *
block_new(size_t size)
{
	struct block *block = alloc_zero(1, sizeof(*block) + size);

	block->size = size;
	return block;
}

struct arena *
arena_new(const char *name, size_t ceiling)
{
	struct arena *arena = alloc_zero(1, sizeof(*arena));

	arena->name = name;
	arena->ceiling = ceiling;
	arena->first = block_new(BLOCK_SIZE);
	return arena;
}

void *
arena_alloc(struct arena *arena, size_t size)
{
	const size_t align = alignof(max_align_t);
	struct block *block = arena->first;
	void *memory;

	if (size > arena->ceiling)
		return NULL;
	size = (size + align - 1) / align * align;
	if (size > arena->ceiling - arena->used)
		return NULL;
	if (size > block->size - block->used) {
		block = block_new(size > BLOCK_SIZE ? size : BLOCK_SIZE);
		block->next = arena->first;
		arena->first = block;
	}
	memory = block->bytes + block->used;
	block->used += size;
	arena->used += size;
	return memory;
}

char *
arena_dup(struct arena *arena, struct slice s)
{
	char *copy = arena_alloc(arena, s.len + 1);

	if (copy != NULL && s.len > 0)
		memcpy(copy, s.ptr, s.len);
	return copy;
}

struct slice
arena_slice(struct arena *arena, struct slice s)
{
	char *copy = arena_dup(arena, s);

	return slice_make(copy, copy == NULL ? 0 : s.len);
}

void
arena_reset(struct arena *arena)
{
	struct block *block = arena->first, *next;

	while (block->next != NULL) {
		next = block->next;
		alloc_release(block);
		block = next;
	}
	memset(block->bytes, 0, block->used);
	block->used = 0;
	arena->first = block;
	arena->used = 0;
}

size_t
arena_used(const struct arena *arena)
{
	return arena->used;
}

void
arena_free(struct arena **arena)
{
	if (*arena == NULL)
		return;
	arena_reset(*arena);
	alloc_release((*arena)->first);
	alloc_release(*arena);
	*arena = NULL;
}
