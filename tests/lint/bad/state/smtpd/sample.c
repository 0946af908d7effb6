/* SPDX-License-Identifier: ISC */
#include "config.h"

static const int limit = 3;
static const char *last;

int
sample_run(int n)
{
	last = "x";
	return n + limit;
}
