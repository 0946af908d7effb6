/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "queue/mailq_trace.h"

#include <string.h>
#include <time.h>

#include "queue/mailq.h"

bool
trace_begin(struct trace *trace, struct slice subject)
{
	memset(trace, 0, sizeof(*trace));
	if (slice_index(subject, '@') < subject.len) {
		trace->address = subject;
		return true;
	}
	trace->id_count = 1;
	return mailq_parse_id(subject, trace->ids[0]);
}

/* "from=<X>", "to=<X>", "orig_to=<X>" are all "=<X>". */
static bool
names_address(struct slice text, struct slice address)
{
	struct slice value;
	size_t at;

	for (;;) {
		at = slice_find(text, S("=<"));
		if (at >= text.len)
			return false;
		text = slice_from(text, at + 2);
		value = slice_first(text, slice_index(text, '>'));
		if (slice_eq_nocase(value, address))
			return true;
	}
}

static bool
has_id(const struct trace *trace, const char *id)
{
	for (size_t i = 0; i < trace->id_count; i++)
		if (strcmp(trace->ids[i], id) == 0)
			return true;
	return false;
}

/* "... notification: ID": the id of a report. */
static bool
find_report(struct slice text, char id[SPOOL_ID_SIZE])
{
	const struct slice mark = SLICE("notification: ");
	size_t at = slice_find(text, mark);
	struct slice name;

	if (at >= text.len)
		return false;
	name = slice_first(slice_from(text, at + mark.len), SPOOL_ID_LENGTH);
	return spool_id_is_valid(name) &&
	       slice_to_array(name, id, SPOOL_ID_SIZE);
}

static bool
belongs(struct trace *trace, const struct journal_record *record)
{
	char report[SPOOL_ID_SIZE];
	bool is_report, is_ours;

	if (trace->address.len > 0)
		return names_address(record->text, trace->address);
	is_report = find_report(record->text, report);
	is_ours = has_id(trace, record->id);
	if (is_ours && is_report && !has_id(trace, report) &&
	    trace->id_count < TRACE_IDS_MAX)
		memcpy(trace->ids[trace->id_count++], report, SPOOL_ID_SIZE);
	return is_ours || (is_report && has_id(trace, report));
}

static void
print_record(struct buf *out, const struct journal_record *record)
{
	time_t seconds = (time_t)record->time;
	struct tm local;
	char when[32] = "";

	if (localtime_r(&seconds, &local) != NULL)
		strftime(when, sizeof(when), "%Y-%m-%d %H:%M:%S", &local);
	buf_add_format(out, "%s  %s: ", when, record->id);
	buf_add_printable(out, record->text);
	buf_add_char(out, '\n');
}

bool
trace_add(
    struct trace *trace, const struct journal_record *record, struct buf *out)
{
	if (!belongs(trace, record))
		return true;
	print_record(out, record);
	if (strcmp(record->id, trace->ids[0]) == 0 &&
	    (slice_eq(record->text, S("removed")) ||
		slice_eq(record->text, S("deleted by the administrator"))))
		trace->is_gone = true;
	return ++trace->line_count < TRACE_LINES_MAX;
}
