/* SPDX-License-Identifier: ISC */
#include "config.h"

int
sample_run(int n)
{
	if (n == 0)
		n++;
	if (n == 1)
		n++;
	if (n == 2)
		n++;
	if (n == 3)
		n++;
	if (n == 4)
		n++;
	if (n == 5)
		n++;
	if (n == 6)
		n++;
	if (n == 7)
		n++;
	if (n == 8)
		n++;
	if (n == 9)
		n++;
	if (n == 10)
		n++;
	if (n == 11)
		n++;
	return n;
}
