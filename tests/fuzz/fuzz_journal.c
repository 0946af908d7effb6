/* SPDX-License-Identifier: ISC */
#include "config.h"

#include <stddef.h>
#include <stdint.h>

#include "common/result.h"

#include "queue/journal.h"
#include "queue/mailq_trace.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A day's file, traced by an id and by an address. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice rest = slice_make(data, size), line;
	struct journal_record record;
	struct trace by_id, by_address;
	struct buf out;

	BUG_UNLESS(trace_begin(&by_id, S("6C32BN8A7CKZB")));
	BUG_UNLESS(trace_begin(&by_address, S("a@b.example")));
	buf_init(&out, 1 << 20);
	while (slice_cut(rest, '\n', &line, &rest)) {
		if (!journal_parse(line, &record))
			continue;
		BUG_UNLESS(spool_id_is_valid(slice_of(record.id)));
		(void)trace_add(&by_id, &record, &out);
		(void)trace_add(&by_address, &record, &out);
	}
	BUG_UNLESS(by_id.id_count <= TRACE_IDS_MAX);
	buf_free(&out);
	return 0;
}
