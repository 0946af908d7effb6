/* SPDX-License-Identifier: ISC */
/*
 * alloc - memory that is never NULL.
 *
 * Exhaustion writes one line to stderr and ends the process with exit code
 * 75 (EX_TEMPFAIL). That is safe everywhere: nothing is acknowledged before
 * it is on disk, so whoever waits for this process tries again later.
 * Sizes are checked for overflow.
 */
#ifndef COMMON_ALLOC_H
#define COMMON_ALLOC_H

#include <stddef.h>

void *alloc_zero(size_t count, size_t size);
/* Grow or shrink; the new part is not cleared. */
void *alloc_resize(void *old, size_t count, size_t size);
char *alloc_string(const char *string);
void alloc_release(void *memory);

/* End the process because a resource is used up: exit 75. */
_Noreturn void alloc_exhausted(const char *what);

#endif
