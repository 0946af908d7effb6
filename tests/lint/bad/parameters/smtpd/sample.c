/* SPDX-License-Identifier: ISC */
#include "config.h"

int
sample_run(int a, int b, int c, int d, int e, int f)
{
	return a + b + c + d + e + f;
}
