/* SPDX-License-Identifier: ISC */
/*
 * fuzz_dns - answers of a hostile name server, to a question whose type is
 * in the first byte and whose name is x.test.
 */
#include "config.h"

#include <stdint.h>
#include <string.h>

#include "common/alloc.h"
#include "common/result.h"

#include "common/dns/dns_message.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const enum dns_type types[] = { DNS_A, DNS_MX, DNS_AAAA, DNS_PTR,
		DNS_TXT, DNS_SRV };
	struct dns_question question = {
		.id = 0x1234, .type = DNS_MX, .name = "x.test"
	};
	struct dns_answer *answer;

	if (size == 0)
		return 0;
	question.type = types[data[0] % 6];
	answer = alloc_zero(1, sizeof(*answer));
	dns_answer_parse(slice_make(data + 1, size - 1), &question, answer);
	BUG_UNLESS(answer->count <= LIMIT_DNS_RECORDS);
	for (size_t i = 0; i < answer->count; i++)
		for (const char *c = answer->records[i].name; *c != '\0'; c++)
			BUG_UNLESS(ascii_is_print(*c));
	alloc_release(answer);
	return 0;
}
