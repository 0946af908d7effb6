/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "smtpd/policy_protocol.h"

#include "tests/unit/unit.h"

#include <string.h>

static void
a_request_has_the_lines_of_postfix(void **state)
{
	const struct policy_request request = { .state = "RCPT",
		.is_esmtp = true,
		.helo = S("a.test"),
		.sender = S("s@a.test"),
		.recipient = S("x\naction=OK@b.test"),
		.client_address = "192.0.2.1",
		.client_name = "unknown",
		.client_port = 1025,
		.instance = "1.2",
		.size = 99,
		.tls_version = "",
		.tls_cipher = "" };
	struct buf out;

	(void)state;
	buf_init(&out, 4096);
	policy_request_format(&request, &out);
	assert_true(slice_starts(buf_slice(&out),
	    S("request=smtpd_access_policy\nprotocol_state=RCPT\n"
	      "protocol_name=ESMTP\nhelo_name=a.test\nqueue_id=\n"
	      "sender=s@a.test\nrecipient=x?action=OK@b.test\n")));
	assert_true(slice_find(buf_slice(&out),
			S("\nclient_address=192.0.2.1\n")) < out.len);
	assert_true(slice_find(buf_slice(&out), S("\nsize=99\n")) < out.len);
	assert_true(slice_ends(buf_slice(&out), S("\n\n")));
	assert_int_equal(slice_find(buf_slice(&out), S("\n\n")), out.len - 2);
	buf_free(&out);
}

static const struct reply_case {
	const char *text;
	int action; /* -1: not whole */
	unsigned int code;
	const char *status, *says;
} replies[] = {
	{ "action=DUNNO\n\n", POLICY_DUNNO, 0, "", "" },
	{ "action=dunno\r\n\r\n", POLICY_DUNNO, 0, "", "" },
	{ "x=y\naction=OK\n\n", POLICY_OK, 0, "", "" },
	{ "action=250 fine\n\n", POLICY_OK, 0, "", "250 fine" },
	{ "action=REJECT\n\n", POLICY_REFUSE, 554, "5.7.1",
	    "the policy server refuses it" },
	{ "action=REJECT no way\n\n", POLICY_REFUSE, 554, "5.7.1", "no way" },
	{ "action=reject 5.1.8 no sender\n\n", POLICY_REFUSE, 554, "5.1.8",
	    "no sender" },
	{ "action=REJECT 4.1.8 wrong class\n\n", POLICY_REFUSE, 554, "5.7.1",
	    "4.1.8 wrong class" },
	{ "action=550 5.7.26 dmarc\n\n", POLICY_REFUSE, 550, "5.7.26",
	    "dmarc" },
	{ "action=421 4.7.0 bye\n\n", POLICY_REFUSE, 421, "4.7.0", "bye" },
	{ "action=DEFER_IF_PERMIT Greylisted, see x\n\n", POLICY_REFUSE, 450,
	    "4.7.1", "Greylisted, see x" },
	{ "action=DEFER\n\n", POLICY_REFUSE, 450, "4.7.1",
	    "the policy server says: later" },
	{ "action=DEFER_IF_REJECT x\n\n", POLICY_DEFER_IF_REJECT, 0, "", "" },
	{ "action=HOLD look at it\n\n", POLICY_HOLD, 0, "", "look at it" },
	{ "action=DISCARD\n\n", POLICY_DISCARD, 0, "", "" },
	{ "action=PREPEND X-Greylist: delayed 9 s\n\n", POLICY_PREPEND, 0, "",
	    "delayed 9 s" },
	{ "action=PREPEND no field\n\n", POLICY_UNKNOWN, 0, "",
	    "PREPEND no field" },
	{ "action=PREPEND X Y: z\n\n", POLICY_UNKNOWN, 0, "",
	    "PREPEND X Y: z" },
	{ "action=FILTER smtp:x\n\n", POLICY_UNKNOWN, 0, "", "FILTER smtp:x" },
	{ "action=REJECT a\001b\n\n", POLICY_REFUSE, 554, "5.7.1", "a?b" },
	{ "\n", POLICY_UNKNOWN, 0, "", "" },
	{ "", -1, 0, "", "" },
	{ "action=OK\n", -1, 0, "", "" },
	{ "action=OK", -1, 0, "", "" },
	{ "action=OK\n\nrest", POLICY_OK, 0, "", "" },
};

static void
a_reply_is_one_of_the_actions_or_unknown(void **state)
{
	struct policy_reply reply;

	(void)state;
	for (size_t i = 0; i < sizeof(replies) / sizeof(replies[0]); i++) {
		const struct reply_case *c = &replies[i];
		bool is_whole = policy_reply_parse(slice_of(c->text), &reply);

		if (is_whole != (c->action >= 0))
			fail_msg("%s", c->text);
		if (!is_whole)
			continue;
		if ((int)reply.action != c->action)
			fail_msg("%s: action %d", c->text, (int)reply.action);
		assert_int_equal(reply.code, c->code);
		assert_string_equal(reply.status, c->status);
		assert_string_equal(reply.text, c->says);
	}
}

/* Byte by byte it is whole exactly once, at the end. */
static void
a_reply_may_come_in_pieces(void **state)
{
	struct slice text = S("action=PREPEND X-A: b\n\n");
	struct policy_reply reply;

	(void)state;
	for (size_t n = 0; n < text.len; n++)
		assert_false(policy_reply_parse(slice_first(text, n), &reply));
	assert_true(policy_reply_parse(text, &reply));
	assert_string_equal(reply.name, "X-A");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_request_has_the_lines_of_postfix),
		cmocka_unit_test(a_reply_is_one_of_the_actions_or_unknown),
		cmocka_unit_test(a_reply_may_come_in_pieces),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
