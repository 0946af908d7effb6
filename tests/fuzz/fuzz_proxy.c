/* SPDX-License-Identifier: ISC */
/*
 * PROXY headers as the jailed reader takes them: whatever comes, no byte is
 * asked for that could stand behind the header, and the end comes.
 */
#include "config.h"

#include <stdint.h>

#include "common/limits.h"
#include "common/proxy.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct proxy_header header;
	enum proxy_status status;
	struct why why;
	size_t n = 0, more;

	do {
		status = proxy_parse(slice_make(data, n), &more, &header, &why);
		if (status != PROXY_MORE)
			break;
		BUG_UNLESS(more > 0 && n + more <= LIMIT_PROXY_HEADER);
		n += more;
	} while (n <= size);
	BUG_UNLESS(
	    status != PROXY_DONE || header.is_local ||
	    (header.source.family == header.destination.family &&
		(header.source.family == 4 || header.source.family == 6)));
	return 0;
}
