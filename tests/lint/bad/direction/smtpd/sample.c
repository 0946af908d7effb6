/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "queue/sample.h"

int
sample_run(int n)
{
	return n;
}
