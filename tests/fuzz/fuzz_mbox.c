/* SPDX-License-Identifier: ISC */
/*
 * fuzz_mbox - any bytes as an mbox: messages do not overlap, come in order
 * and lie inside.
 */
#include "config.h"

#include <stdint.h>

#include "common/mailbox/mbox.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice all = slice_make(data, size), rest = all;
	struct slice from_line, message;
	const char *at = all.ptr;

	while (mbox_next(&rest, &from_line, &message)) {
		BUG_UNLESS(slice_starts(from_line, S("From ")));
		BUG_UNLESS(from_line.ptr >= at);
		BUG_UNLESS(message.ptr >= from_line.ptr + from_line.len);
		at = message.ptr + message.len;
		BUG_UNLESS(at <= all.ptr + all.len);
		BUG_UNLESS(rest.ptr >= at);
	}
	return 0;
}
