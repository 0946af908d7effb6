/* SPDX-License-Identifier: ISC */
/*
 * arena - a region of memory with a name, a ceiling and one release.
 *
 * Everything of a session or of a message lives in its arena, so most
 * modules free nothing. Passing the ceiling returns NULL: the caller's input
 * was too large, and it answers so. Memory is zeroed. Ceilings are bytes.
 */
#ifndef COMMON_ARENA_H
#define COMMON_ARENA_H

#include <stddef.h>

#include "common/slice.h"

struct arena;

struct arena *arena_new(const char *name, size_t ceiling);
/* NULL past the ceiling. Aligned for any type. */
void *arena_alloc(struct arena *arena, size_t size);
/* A NUL-terminated copy; NULL past the ceiling. */
char *arena_dup(struct arena *arena, struct slice s);
/* A copy as a slice; {NULL, 0} past the ceiling. */
struct slice arena_slice(struct arena *arena, struct slice s);
/* Forget everything, keep the first block. */
void arena_reset(struct arena *arena);
size_t arena_used(const struct arena *arena);
/* Release all and set *arena to NULL. */
void arena_free(struct arena **arena);

#endif
