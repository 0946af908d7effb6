/* SPDX-License-Identifier: ISC */
#include "config.h"

/* TODO: later */
int
sample_run(int n)
{
	return n;
}
