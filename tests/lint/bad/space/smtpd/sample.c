/* SPDX-License-Identifier: ISC */
#include "config.h"

int
sample_run(int n)
{
	return n;
}
/* x */ 
