/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "common/fault.h"

#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/slice.h"

#ifdef WITH_FAULT_POINTS

void
fault_point(const char *name)
{
	static uint64_t passed;
	const char *wanted = getenv("MERPATI_FAULT_POINT");
	struct slice point, times;
	uint64_t nth = 1;

	if (wanted == NULL)
		return;
	slice_cut(slice_of(wanted), ':', &point, &times);
	if (!slice_eq(point, slice_of(name)))
		return;
	if (times.len > 0 && !slice_u64(times, UINT32_MAX, &nth))
		return;
	passed++;
	if (passed == nth)
		kill(getpid(), SIGKILL);
}

#endif
