/* SPDX-License-Identifier: ISC */
#include "config.h"

#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "common/crc32c.h"
#include "common/spoolfile.h"

/* Crockford's base 32: no I, L, O, U, which people misread. */
static const char letters[33] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

enum {
	LOW_BITS = 12
};

void
spool_id_from(uint64_t microseconds, uint32_t low, char id[SPOOL_ID_SIZE])
{
	uint64_t value =
	    microseconds << LOW_BITS | (low & ((1u << LOW_BITS) - 1));

	id[SPOOL_ID_LENGTH] = '\0';
	for (size_t i = SPOOL_ID_LENGTH; i > 0; i--) {
		id[i - 1] = letters[value & 31];
		value >>= 5;
	}
}

/* Writers that live at once have different process ids, and one writer needs
 * longer than a microsecond: closer to unique than random bits would be. */
void
spool_id_make(char id[SPOOL_ID_SIZE])
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	spool_id_from(
	    (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000,
	    (uint32_t)getpid(), id);
}

bool
spool_id_is_valid(struct slice id)
{
	if (id.len != SPOOL_ID_LENGTH)
		return false;
	for (size_t i = 0; i < id.len; i++)
		if (id.ptr[i] == '\0' || strchr(letters, id.ptr[i]) == NULL)
			return false;
	return true;
}

void
spool_path(const char *id, char path[SPOOL_PATH_SIZE])
{
	unsigned int bucket = crc32c(0, id, strlen(id)) % SPOOL_BUCKETS;

	snprintf(path, SPOOL_PATH_SIZE, "queue/%02x/%.13s", bucket, id);
}
