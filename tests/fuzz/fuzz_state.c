/* SPDX-License-Identifier: ISC */
/* fuzz_state - a window of a state file, as damage or an enemy left it. */
#include "config.h"

#include <string.h>

#include "common/result.h"
#include "common/state_file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char window[STATE_WINDOW * STATE_RECORD_SIZE] = { 0 };
	char bytes[STATE_RECORD_SIZE];
	struct state_record record, again;
	size_t free, index;

	if (size > sizeof(window))
		size = sizeof(window);
	memcpy(window, data, size);
	index = state_window_find(
	    slice_make(window, sizeof(window)), 1, 1000, &free);
	BUG_UNLESS(index <= STATE_WINDOW && free < STATE_WINDOW);
	/* With a right checksum: whatever else is in it. */
	if (size < 40)
		return 0;
	memcpy(&record.hash, data, 8);
	memcpy(&record.first, data + 8, 8);
	memcpy(&record.last, data + 16, 8);
	memcpy(&record.expires, data + 24, 8);
	memcpy(&record.count, data + 32, 4);
	memcpy(&record.other, data + 36, 4);
	state_record_format(bytes, &record);
	BUG_UNLESS(
	    state_record_parse(slice_make(bytes, sizeof(bytes)), &again));
	BUG_UNLESS(again.hash == record.hash && again.other == record.other);
	memcpy(window, bytes, sizeof(bytes));
	index = state_window_find(slice_make(window, sizeof(window)),
	    record.hash, record.last, &free);
	BUG_UNLESS(index <= STATE_WINDOW && free < STATE_WINDOW);
	return 0;
}
