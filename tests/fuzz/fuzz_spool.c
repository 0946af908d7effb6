/* SPDX-License-Identifier: ISC */
/*
 * fuzz_spool - the queue file reader. The checksums are set right first,
 * so that the fuzzer gets past them.
 */
#include "config.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/arena.h"
#include "common/crc32c.h"
#include "common/spool_layout.h"
#include "common/spoolfile.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
seal(char *file, size_t size)
{
	uint64_t count = spool_get(file + HEADER_COUNT, 4);
	uint64_t length = spool_get(file + HEADER_ENVELOPE, 4);
	uint64_t offset = spool_get(file + HEADER_BODY, 8);
	uint64_t slots = count * SPOOL_SLOT_SIZE;
	char *end = file + size - SPOOL_END_SIZE;
	uint32_t crc = 0, whole;

	if (count > SPOOL_RECIPIENTS_MAX || offset > size - SPOOL_END_SIZE ||
	    SPOOL_SLOTS_OFFSET + slots + length > offset)
		return;
	for (uint64_t i = 0; i < count; i++)
		crc = crc32c(crc,
		    file + SPOOL_SLOTS_OFFSET + i * SPOOL_SLOT_SIZE + 1,
		    SPOOL_SLOT_SIZE - 1);
	crc = crc32c(crc, file + SPOOL_SLOTS_OFFSET + slots, length);
	spool_put(file + HEADER_ENVELOPE_CRC, crc, 4);
	spool_put(file + SPOOL_CRC_AT, crc32c(0, file, SPOOL_CRC_AT), 4);
	whole = crc32c(0, file, SPOOL_HEADER_SIZE);
	for (uint64_t i = 0; i < count; i++)
		whole = crc32c(whole,
		    file + SPOOL_SLOTS_OFFSET + i * SPOOL_SLOT_SIZE + 1,
		    SPOOL_SLOT_SIZE - 1);
	whole = crc32c(whole, file + SPOOL_SLOTS_OFFSET + slots, length);
	whole = crc32c(whole, file + offset, size - SPOOL_END_SIZE - offset);
	spool_put(end + END_CRC, whole, 4);
	spool_put(end + SPOOL_CRC_AT, crc32c(0, end, SPOOL_CRC_AT), 4);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *arena = arena_new("fuzz", 64 << 20);
	struct spool_message message;
	struct why why;
	char *file = malloc(size == 0 ? 1 : size);

	if (file == NULL)
		abort();
	memcpy(file, data, size);
	(void)spool_parse(slice_make(file, size), arena, &message, &why);
	arena_reset(arena);
	if (size >= SPOOL_PAGE + SPOOL_END_SIZE) {
		seal(file, size);
		if (spool_parse(slice_make(file, size), arena, &message,
			&why) == RESULT_OK &&
		    (message.recipient_count == 0 ||
			message.body_offset + message.body_length >
			    message.file_size))
			abort();
	}
	free(file);
	arena_free(&arena);
	return 0;
}
