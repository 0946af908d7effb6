/* SPDX-License-Identifier: ISC */
#include "config.h"

#include <stdlib.h>

int
sample_run(int n)
{
	return system("ls") + n;
}
