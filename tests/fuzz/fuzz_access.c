/* SPDX-License-Identifier: ISC */
/* fuzz_access - values of the access table: each is one of the actions, and
 * what is refused is refused with a code, a status of its class, and text. */
#include "config.h"

#include <stdint.h>

#include "common/result.h"

#include "queue/enqueue_access.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct access_result result;

	access_parse(slice_make(data, size), &result);
	BUG_UNLESS(
	    result.action > ACCESS_NONE && result.action <= ACCESS_BROKEN);
	for (const char *c = result.reply.text; *c != '\0'; c++)
		BUG_UNLESS(ascii_is_print(*c));
	if (result.action == ACCESS_REFUSE)
		BUG_UNLESS(result.reply.code >= 400 &&
			   result.reply.code <= 599 &&
			   (unsigned char)result.reply.status[0] ==
			       '0' + result.reply.code / 100);
	return 0;
}
