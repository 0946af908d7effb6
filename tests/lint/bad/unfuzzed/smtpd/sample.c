/* SPDX-License-Identifier: ISC */
#include "config.h"

int
sample_parse(int n)
{
	return n;
}
