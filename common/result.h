/* SPDX-License-Identifier: ISC */
/*
 * result - how things end, as values.
 *
 * enum result is for mail decisions: done, try later (4xx), never (5xx).
 * Library calls return bool and fill a struct why. The first cause wins;
 * callers may put context in front of it. A bug is neither: BUG_UNLESS
 * aborts in every build. Only *_main.c and alloc.c end a process.
 */
#ifndef COMMON_RESULT_H
#define COMMON_RESULT_H

#include <stdbool.h>

enum result { RESULT_OK, RESULT_LATER, RESULT_NEVER };

#define WHY_TEXT_SIZE 256

struct why {
	int error;              /* errno, or 0 */
	char status[16];        /* enhanced status code (RFC 3463) or, from
	                         * mailboxes, RFC 5530 code; or "" */
	char text[WHY_TEXT_SIZE]; /* one line, printable, no newline */
};

/* Each returns false, so that "return why_set(...)" reads well. A NULL why
 * is allowed: the caller does not want to know. */
bool why_set(struct why *why, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* As why_set, and adds ": strerror(errno)". */
bool why_errno(struct why *why, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* Put "context: " in front of the text. */
bool why_context(struct why *why, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

_Noreturn void bug(const char *file, int line, const char *expression);

#define BUG_UNLESS(expression)                              \
	do {                                                \
		if (!(expression))                          \
			bug(__FILE__, __LINE__, #expression); \
	} while (0)

#define MUST_CHECK __attribute__((warn_unused_result))

#endif
