/* SPDX-License-Identifier: ISC */
/*
 * The part of a handover that a login process writes, behind right facts;
 * and, when the first byte is odd, the facts as well.
 */
#include "config.h"

#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include "common/buf.h"
#include "common/handover.h"
#include "common/result.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct handover facts = { .magic = HANDOVER_MAGIC }, got;
	struct buf tag, unread;
	struct why why;
	int ends[2];

	if (size == 0 || size > 16384 || pipe(ends) < 0)
		return 0;
	buf_init(&tag, HANDOVER_MAX);
	buf_init(&unread, HANDOVER_MAX);
	if ((data[0] % 2 == 1 || write(ends[1], &facts, sizeof(facts)) > 0) &&
	    write(ends[1], data + 1, size - 1) >= 0) {
		close(ends[1]);
		ends[1] = -1;
		if (handover_receive(ends[0], &got, &tag, &unread, &why))
			BUG_UNLESS(tag.len + unread.len <= HANDOVER_MAX);
	}
	buf_free(&tag);
	buf_free(&unread);
	close(ends[0]);
	if (ends[1] >= 0)
		close(ends[1]);
	return 0;
}
