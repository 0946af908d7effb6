/* SPDX-License-Identifier: ISC */
/*
 * fuzz_drop - files of spool/drop: what parses is written the same again.
 */
#include "config.h"

#include <stdint.h>
#include <stdlib.h>

#include "queue/drop.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *arena = arena_new("fuzz", 4 << 20);
	struct slice bytes = slice_make(data, size);
	struct drop drop, again;
	struct buf out;
	struct why why;

	buf_init(&out, DROP_ENVELOPE_MAX);
	if (drop_parse(bytes, arena, &drop, &why)) {
		if (drop.message_offset > size || !drop_format(&drop, &out) ||
		    !drop_parse(buf_slice(&out), arena, &again, &why) ||
		    again.recipient_count != drop.recipient_count ||
		    !slice_eq(again.sender, drop.sender))
			abort();
	}
	buf_free(&out);
	arena_free(&arena);
	return 0;
}
