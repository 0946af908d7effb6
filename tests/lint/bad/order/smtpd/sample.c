/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "common/slice.h"

#include <stdio.h>

int
sample_run(int n)
{
	return n;
}
