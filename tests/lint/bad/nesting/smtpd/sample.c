/* SPDX-License-Identifier: ISC */
#include "config.h"

int
sample_run(int n)
{
	if (n > 1)
		if (n > 2)
			if (n > 3)
				if (n > 4)
					if (n > 5)
						n = 0;
	return n;
}
