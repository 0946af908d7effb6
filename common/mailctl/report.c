/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "common/mailctl/report.h"

#include <stdarg.h>
#include <stdio.h>

void
report_line(struct report *report, enum report_kind kind, const char *subject,
    const char *format, ...)
{
	static const char *const names[] = { "plan", "ok", "note", "WARN",
		"FAIL", "next" };
	va_list arguments;

	report->counts[kind]++;
	if (report->is_quiet && (kind == REPORT_OK || kind == REPORT_NOTE))
		return;
	printf("  %-5s %-11s ", names[kind], subject);
	va_start(arguments, format);
	vprintf(format, arguments);
	va_end(arguments);
	putchar('\n');
}

static const char *
plural(size_t count)
{
	return count == 1 ? "" : "s";
}

void
report_summary(const struct report *report)
{
	size_t warnings = report->counts[REPORT_WARN];
	size_t failures = report->counts[REPORT_FAIL];

	printf("  %zu ok, %zu warning%s, %zu failure%s\n",
	    report->counts[REPORT_OK], warnings, plural(warnings), failures,
	    plural(failures));
}
