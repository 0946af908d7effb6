/* SPDX-License-Identifier: ISC */
#include "config.h"

int sample_parse(int n);

int
main(void)
{
	return sample_parse(1);
}
