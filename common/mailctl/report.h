/* SPDX-License-Identifier: ISC */
/*
 * report - the lines of "mailctl init" and "mailctl check".
 *
 * Each line has a kind, a subject and a text: "  ok    port 25   answers".
 * A text that has a remedy says it after "->". The kinds are counted, so
 * that a check knows its exit code. quiet leaves out "ok" and "note".
 */
#ifndef COMMON_MAILCTL_REPORT_H
#define COMMON_MAILCTL_REPORT_H

#include <stdbool.h>
#include <stddef.h>

enum report_kind {
	REPORT_PLAN,
	REPORT_OK,
	REPORT_NOTE,
	REPORT_WARN,
	REPORT_FAIL,
	REPORT_NEXT,
	REPORT_KINDS,
};

struct report {
	bool is_quiet;
	size_t counts[REPORT_KINDS];
};

void report_line(struct report *report, enum report_kind kind,
    const char *subject, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
/* "14 ok, 1 warning, 0 failures". */
void report_summary(const struct report *report);

#endif
