/* SPDX-License-Identifier: ISC */
#include "config.h"

/* long long long long long long long long long long long long long long long long */
int
sample_run(int n)
{
	return n;
}
