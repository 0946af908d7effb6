/* SPDX-License-Identifier: ISC */
/*
 * Control frames as a hostile session writes them: every one is taken with
 * a known type or refused.
 */
#include "config.h"

#include <stdint.h>
#include <unistd.h>

#include "common/control.h"
#include "common/result.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct control control;
	int ends[2];

	if (size > 4096 || pipe(ends) < 0)
		return 0;
	if (write(ends[1], data, size) == (ssize_t)size) {
		close(ends[1]);
		ends[1] = -1;
		while (
		    control_receive(ends[0], &control, io_deadline(1)) == IO_OK)
			BUG_UNLESS(control.type != 0);
	}
	close(ends[0]);
	if (ends[1] >= 0)
		close(ends[1]);
	return 0;
}
