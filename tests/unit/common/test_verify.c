/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "common/verify.h"

#include <stdio.h>
#include <string.h>

#include "common/front.h"
#include "common/settings.h"

#include "tests/unit/unit.h"

static void
rewind_message(struct message *message)
{
	(void)message_finish(message);
	message->position = PIPEMSG_HEADER_SIZE;
}

static void
every_question_comes_out_as_it_went_in(void **state)
{
	static const struct verify_question questions[] = {
		{ .type = VERIFY_CONNECT,
		    .facts = { .magic = INJECT_FACTS_MAGIC,
			.listener = LISTENER_SMTP,
			.id = "0123456789ABC" } },
		{ .type = VERIFY_GREET, .early = EARLY_PIPELINE },
		{ .type = VERIFY_MAIL,
		    .helo = SLICE("h"),
		    .is_esmtp = true,
		    .sender = SLICE("a@b"),
		    .login = SLICE("l"),
		    .size = 1ULL << 40,
		    .flags = 3 },
		{ .type = VERIFY_RCPT,
		    .recipient = SLICE("c@d"),
		    .is_local = true },
		{ .type = VERIFY_DATA, .id = SLICE("0123456789ABC") },
		{ .type = VERIFY_CHUNK, .bytes = SLICE("x\r\n") },
		{ .type = VERIFY_END },
		{ .type = VERIFY_ABORT },
	};
	struct verify_question out;
	struct message message;

	(void)state;
	message_init(&message);
	for (size_t i = 0; i < sizeof(questions) / sizeof(*questions); i++) {
		const struct verify_question *in = &questions[i];

		verify_question_put(&message, in);
		rewind_message(&message);
		assert_true(verify_question_get(&message, &out));
		assert_int_equal(out.type, in->type);
		assert_int_equal(out.early, in->early);
		assert_slice_equal(out.helo, in->helo);
		assert_slice_equal(out.sender, in->sender);
		assert_slice_equal(out.login, in->login);
		assert_slice_equal(out.recipient, in->recipient);
		assert_slice_equal(out.id, in->id);
		assert_slice_equal(out.bytes, in->bytes);
		assert_int_equal(out.size, in->size);
		assert_int_equal(out.is_local, in->is_local);
		assert_memory_equal(&out.facts, &in->facts, sizeof(out.facts));
	}
	message_free(&message);
}

static const struct reply_case {
	int action;
	uint32_t code;
	const char *status, *text;
	bool is_good;
} reply_cases[] = {
	{ VERIFY_PASS, 0, "", "", true },
	{ VERIFY_PASS, 5000, "", "mail.example.com", true },
	{ VERIFY_REFUSE, 400, "4.7.1", "later", true },
	{ VERIFY_REFUSE, 599, "5.7.1", "never", true },
	{ VERIFY_REFUSE, 550, "", "never", true },
	{ VERIFY_REFUSE, 399, "", "no", false },
	{ VERIFY_REFUSE, 600, "", "no", false },
	{ VERIFY_REFUSE, 250, "2.0.0", "Ok: relayed", false },
	{ VERIFY_REFUSE, 550, "4.7.1", "class", false },
	{ VERIFY_REFUSE, 550, "5.7", "short", false },
	{ VERIFY_REFUSE, 550, "5.7.1 x", "long", false },
	{ VERIFY_REFUSE, 550, "5.7.1", "a\r\n250 ok", false },
	{ VERIFY_CLOSE, 421, "4.7.0", "bye", true },
	{ VERIFY_HOLD, VERIFY_TELL, "", "too many", true },
	{ VERIFY_DROP, 0, "", "", true },
	{ VERIFY_ACTIONS, 0, "", "", false },
	{ 255, 0, "", "", false },
};

static void
a_reply_says_yes_no_or_hold_and_nothing_else(void **state)
{
	struct verify_reply in, out;
	struct message message;

	(void)state;
	message_init(&message);
	for (size_t i = 0; i < sizeof(reply_cases) / sizeof(*reply_cases);
	     i++) {
		const struct reply_case *c = &reply_cases[i];

		memset(&in, 0, sizeof(in));
		in.action = (enum verify_action)c->action;
		in.code = c->code;
		snprintf(in.status, sizeof(in.status), "%s", c->status);
		snprintf(in.text, sizeof(in.text), "%s", c->text);
		verify_reply_put(&message, &in);
		rewind_message(&message);
		if (verify_reply_get(&message, &out) != c->is_good)
			fail_msg("case %zu", i);
		if (c->is_good)
			assert_memory_equal(&in, &out, sizeof(in));
	}
	message_free(&message);
}

static void
facts_must_be_whole(void **state)
{
	struct verify_question in = { .type = VERIFY_CONNECT }, out;
	struct message message;

	(void)state;
	message_init(&message);
	verify_question_put(&message, &in);
	rewind_message(&message);
	assert_false(verify_question_get(&message, &out)); /* no magic */
	in.facts.magic = INJECT_FACTS_MAGIC;
	memset(in.facts.login, 'x', sizeof(in.facts.login));
	verify_question_put(&message, &in);
	rewind_message(&message);
	assert_false(verify_question_get(&message, &out)); /* no end */
	message_begin(&message, VERIFY_CONNECT);
	message_put_string(&message, "short");
	rewind_message(&message);
	assert_false(verify_question_get(&message, &out));
	message_begin(&message, VERIFY_GREET);
	message_put_u8(&message, EARLY_COUNT);
	rewind_message(&message);
	assert_false(verify_question_get(&message, &out));
	message_free(&message);
}

static void
it_is_started_only_when_a_setting_asks(void **state)
{
	struct settings settings = { .reverse_dns = REVERSE_DNS_AUTO };

	(void)state;
	assert_false(verify_is_needed(&settings, LISTENER_SMTP));
	assert_false(verify_is_needed(&settings, LISTENER_SUBMISSION));
	assert_false(verify_is_needed(&settings, INJECT_LOCAL));
	settings.reverse_dns = REVERSE_DNS_YES;
	assert_true(verify_is_needed(&settings, LISTENER_SUBMISSIONS));
	assert_false(verify_is_needed(&settings, INJECT_LOCAL));
	settings.reverse_dns = REVERSE_DNS_NO;
	settings.greylist = true;
	assert_true(verify_is_needed(&settings, LISTENER_SMTP));
	assert_false(verify_is_needed(&settings, LISTENER_SUBMISSION));
	settings.greylist = false;
	settings.sender_domain_check = true;
	assert_true(verify_is_needed(&settings, LISTENER_SMTP));
	assert_false(verify_is_needed(&settings, LISTENER_SUBMISSION));
	settings.sender_domain_check = false;
	settings.rate_user.count = 1;
	assert_false(verify_is_needed(&settings, LISTENER_SMTP));
	assert_true(verify_is_needed(&settings, LISTENER_SUBMISSION));
	assert_true(verify_is_needed(&settings, INJECT_LOCAL));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_question_comes_out_as_it_went_in),
		cmocka_unit_test(a_reply_says_yes_no_or_hold_and_nothing_else),
		cmocka_unit_test(facts_must_be_whole),
		cmocka_unit_test(it_is_started_only_when_a_setting_asks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
