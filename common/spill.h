/* SPDX-License-Identifier: ISC */
/*
 * spill - bytes that may be many: in memory while they are few, then in a
 * file without a name.
 *
 * Written at the end, read anywhere. The file is made in a directory that the
 * owner says (O_TMPFILE, else made and unlinked at once), so nothing is left
 * of it whatever happens.
 */
#ifndef COMMON_SPILL_H
#define COMMON_SPILL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/buf.h"
#include "common/result.h"
#include "common/slice.h"

#define SPILL_MEMORY 131072 /* bytes before there is a file */
#define SPILL_PIECE  65536  /* most that one read gives */

struct spill {
	int directory_fd; /* AT_FDCWD or the caller's */
	const char *directory;
	int fd; /* -1: all is in memory */
	struct buf memory;
	uint64_t length;
};

void spill_init(struct spill *spill, int directory_fd, const char *directory);
bool spill_add(struct spill *spill, struct slice bytes, struct why *why);
/* Bytes from offset on, at least one and at most SPILL_PIECE before the end,
 * none behind it; in memory or copied to room. False: cannot be read. */
bool spill_read(const struct spill *spill, uint64_t offset,
    char room[SPILL_PIECE], struct slice *bytes);
void spill_clear(struct spill *spill); /* empty again */
void spill_free(struct spill *spill);

#endif
