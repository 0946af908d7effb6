/* SPDX-License-Identifier: ISC */
#include "config.h"

#include <stddef.h>

const char *
sample_reply(int n)
{
	static const char *const replies[] = { "550 5.1.1 No such user",
		"451 5.3.0 Later", "550 5.1.11 Never", "5.8.1" };

	return n < 4 ? replies[n] : NULL;
}
