/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "common/alloc.h"

#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

_Noreturn void
alloc_exhausted(const char *what)
{
	static const char tail[] = ": memory exhausted\n";
	ssize_t ignored = write(STDERR_FILENO, what, strlen(what));

	ignored += write(STDERR_FILENO, tail, sizeof(tail) - 1);
	(void)ignored;
	_exit(EX_TEMPFAIL);
}

void *
alloc_zero(size_t count, size_t size)
{
	void *memory = calloc(count == 0 ? 1 : count, size == 0 ? 1 : size);

	if (memory == NULL)
		alloc_exhausted("alloc_zero");
	return memory;
}

void *
alloc_resize(void *old, size_t count, size_t size)
{
	void *memory;

	memory =
	    reallocarray(old, count == 0 ? 1 : count, size == 0 ? 1 : size);
	if (memory == NULL)
		alloc_exhausted("alloc_resize");
	return memory;
}

char *
alloc_string(const char *string)
{
	size_t size = strlen(string) + 1;
	char *copy = alloc_zero(size, 1);

	memcpy(copy, string, size);
	return copy;
}

void
alloc_release(void *memory)
{
	free(memory);
}
