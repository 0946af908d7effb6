/* SPDX-License-Identifier: ISC */
/*
 * mailq_trace - the fate of a message, or of an address, from the journal.
 *
 * By id: every event of it, of the reports that were made of it, and of the
 * message that it is a report of. By address ("@" in it): every event that
 * names it as a sender or a recipient. Pure: records in, text out.
 */
#ifndef QUEUE_MAILQ_TRACE_H
#define QUEUE_MAILQ_TRACE_H

#include <stdbool.h>
#include <stddef.h>

#include "common/buf.h"

#include "queue/journal.h"

#define TRACE_IDS_MAX   64 /* reports of one message, and theirs */
#define TRACE_LINES_MAX 10000

struct trace {
	struct slice address; /* empty: by id */
	size_t id_count;
	char ids[TRACE_IDS_MAX][SPOOL_ID_SIZE];
	size_t line_count;
	bool is_gone; /* the first id: removed or deleted */
};

/* subject outlives the trace. False: neither an id nor an address. */
bool trace_begin(struct trace *trace, struct slice subject);
/* Append a line to out if it belongs. False: it is enough. */
bool trace_add(
    struct trace *trace, const struct journal_record *record, struct buf *out);

#endif
