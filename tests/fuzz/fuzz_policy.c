/* SPDX-License-Identifier: ISC */
/*
 * fuzz_policy - replies of a hostile policy server, and the words of the
 * settings and of the access table that lead to verify.
 */
#include "config.h"

#include <string.h>

#include "common/result.h"
#include "common/verify_syntax.h"

#include "smtpd/policy_protocol.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check_text(const char *text)
{
	for (; *text != '\0'; text++)
		BUG_UNLESS(ascii_is_print(*text));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice input = slice_make(data, size);
	struct policy_server server;
	struct policy_reply reply;
	struct dnsbl_entry entry;
	struct rate_rule rule;

	if (policy_reply_parse(input, &reply)) {
		check_text(reply.text);
		check_text(reply.name);
		if (reply.action == POLICY_REFUSE)
			BUG_UNLESS(reply.code >= 400 && reply.code <= 599 &&
				   (unsigned char)reply.status[0] ==
				       '0' + reply.code / 100);
		if (reply.action == POLICY_PREPEND)
			BUG_UNLESS(strpbrk(reply.name, " :") == NULL &&
				   reply.name[0] != '\0');
	}
	if (dnsbl_parse(input, &entry, NULL))
		BUG_UNLESS(entry.weight != 0 && entry.zone[0] != '\0');
	if (rate_parse(input, &rule, NULL))
		BUG_UNLESS(rule.limit > 0 && rule.period >= 60);
	if (policy_server_parse(input, &server, NULL))
		BUG_UNLESS(server.host.len > 0);
	return 0;
}
