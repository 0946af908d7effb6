/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "common/result.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void
why_clean(struct why *why)
{
	for (char *c = why->text; *c != '\0'; c++)
		if (*c < 0x20 || *c == 0x7f)
			*c = ' ';
}

bool
why_set(struct why *why, const char *format, ...)
{
	va_list arguments;

	if (why == NULL)
		return false;
	why->error = 0;
	why->status[0] = '\0';
	va_start(arguments, format);
	vsnprintf(why->text, sizeof(why->text), format, arguments);
	va_end(arguments);
	why_clean(why);
	return false;
}

bool
why_errno(struct why *why, const char *format, ...)
{
	int error = errno;
	va_list arguments;
	size_t used;

	if (why == NULL)
		return false;
	why->error = error;
	why->status[0] = '\0';
	va_start(arguments, format);
	vsnprintf(why->text, sizeof(why->text), format, arguments);
	va_end(arguments);
	used = strlen(why->text);
	snprintf(why->text + used, sizeof(why->text) - used, ": %s",
	    strerror(error));
	why_clean(why);
	errno = error;
	return false;
}

bool
why_context(struct why *why, const char *format, ...)
{
	char old[WHY_TEXT_SIZE];
	va_list arguments;
	size_t used;

	if (why == NULL)
		return false;
	memcpy(old, why->text, sizeof(old));
	va_start(arguments, format);
	vsnprintf(why->text, sizeof(why->text), format, arguments);
	va_end(arguments);
	used = strlen(why->text);
	snprintf(why->text + used, sizeof(why->text) - used, ": %.*s",
	    (int)sizeof(old) - 1, old);
	why_clean(why);
	return false;
}

_Noreturn void
bug(const char *file, int line, const char *expression)
{
	fprintf(
	    stderr, "%s:%d: bug: %s does not hold\n", file, line, expression);
	abort();
}
