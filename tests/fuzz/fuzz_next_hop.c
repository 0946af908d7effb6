/* SPDX-License-Identifier: ISC */
/*
 * fuzz_next_hop - a next hop, which also comes to relay in a job.
 */
#include "config.h"

#include <stdint.h>
#include <string.h>

#include "common/next_hop.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice text = slice_make(data, size);
	struct next_hop hop;
	struct why why = { 0 };

	if (!next_hop_parse(text, &hop, &why))
		return 0;
	BUG_UNLESS(hop.bind4.family == 0 || hop.bind4.family == 4);
	BUG_UNLESS(hop.bind6.family == 0 || hop.bind6.family == 6);
	BUG_UNLESS(hop.kind == NEXT_HOP_MX || hop.name[0] != '\0');
	BUG_UNLESS(hop.kind != NEXT_HOP_SOCKET || hop.name[0] == '/');
	return 0;
}
