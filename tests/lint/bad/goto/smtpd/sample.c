/* SPDX-License-Identifier: ISC */
#include "config.h"

int
sample_run(int n)
{
	if (n > 1)
		goto fail;
	n++;
fail:
	return n;
}
