/* SPDX-License-Identifier: ISC */
#include "config.h"

#include <stddef.h>
#include <stdint.h>

#include "common/job.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The frames an agent or qmgr may find in its collected input. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *arena = arena_new("fuzz", 1 << 20);
	struct message message;
	struct verdict verdict;
	struct job_done done;
	struct buf input;
	struct job job;
	bool ok = true;

	buf_init(&input, 1 << 20);
	message_init(&message);
	buf_add(&input, slice_make(data, size));
	while (message_take(&message, &input, &ok)) {
		arena_reset(arena);
		(void)job_decode(&message, arena, &job);
		message.position = PIPEMSG_HEADER_SIZE;
		message.failed = false;
		(void)verdict_decode(&message, &verdict);
		message.position = PIPEMSG_HEADER_SIZE;
		message.failed = false;
		(void)job_done_decode(&message, &done);
	}
	message_free(&message);
	buf_free(&input);
	arena_free(&arena);
	return 0;
}
