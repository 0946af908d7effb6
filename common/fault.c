/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "common/fault.h"

#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
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
	if (passed != nth)
		return;
	/* The test must know that the point was passed at all. */
	(void)!write(STDERR_FILENO, "fault point ", 12);
	(void)!write(STDERR_FILENO, wanted, strlen(wanted));
	(void)!write(STDERR_FILENO, "\n", 1);
	kill(getpid(), SIGKILL);
	/* A jail may refuse the signal: this ends as suddenly. */
	_exit(128 + SIGKILL);
}

#endif
