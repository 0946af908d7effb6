/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "tests/unit/unit.h"

#include <string.h>

#include "common/spool_options.h"

static void
what_is_formatted_is_parsed(void **state)
{
	static const struct {
		struct mail_options options;
		const char *text;
	} cases[] = {
		{ { .flags = 0 }, "" },
		{ { .flags = MAIL_8BIT | MAIL_UTF8 }, "5 0 0 0" },
		{ { .priority = -9 }, "0 -9 0 0" },
		{ { .priority = 9, .hold_until = 1900000000 },
		    "0 9 1900000000 0" },
		{ { .flags = MAIL_BY_RETURN | MAIL_BY_TRACE,
		      .deliver_by = MAIL_TIME_MAX },
		    "320 0 0 253402300799" },
		{ { .flags = MAIL_TLS_OPTIONAL | MAIL_BINARY }, "514 0 0 0" },
	};
	struct mail_options back;
	char text[SPOOL_OPTIONS_SIZE];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		memset(&back, 0, sizeof(back));
		spool_options_format(&cases[i].options, text);
		assert_string_equal(text, cases[i].text);
		if (text[0] == '\0')
			continue;
		assert_true(spool_options_parse(slice_of(text), &back));
		assert_int_equal(back.flags, cases[i].options.flags);
		assert_int_equal(back.priority, cases[i].options.priority);
		assert_int_equal(back.hold_until, cases[i].options.hold_until);
		assert_int_equal(back.deliver_by, cases[i].options.deliver_by);
	}
}

static void
no_other_text_is_taken(void **state)
{
	static const char *const texts[] = { "", "0 0 0 0", "1 0 0", "1 0 0 0 ",
		" 1 0 0 0", "1  0 0 0", "1 0 0 0 0", "01 0 0 0", "1 -0 0 0",
		"1 +1 0 0", "1 10 0 0", "1 -10 0 0", "1024 0 0 0",
		"4294967297 0 0 0", "-1 0 0 0", "3 0 0 0", "48 0 0 0",
		"192 0 0 5", "64 0 0 0", "0 0 0 5", "256 0 0 0", "256 0 0 5",
		"520 0 0 0", "1 0 253402300800 0", "64 0 0 253402300800",
		"0 0 18446744073709551616 0", "1 0 -1 0", "x 0 0 0",
		"0x1 0 0 0" };
	struct mail_options options;

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		memset(&options, 0, sizeof(options));
		if (spool_options_parse(slice_of(texts[i]), &options))
			fail_msg("taken: \"%s\"", texts[i]);
	}
}

static void
notify_has_one_spelling(void **state)
{
	static const struct {
		const char *text;
		int notify; /* -1: refused */
	} cases[] = {
		{ "N", NOTIFY_NEVER },
		{ "S", NOTIFY_SUCCESS },
		{ "SFD", NOTIFY_SUCCESS | NOTIFY_FAILURE | NOTIFY_DELAY },
		{ "FD", NOTIFY_FAILURE | NOTIFY_DELAY },
		{ "", -1 },
		{ "NS", -1 },
		{ "DF", -1 },
		{ "SS", -1 },
		{ "s", -1 },
		{ "X", -1 },
		{ "S ", -1 },
	};
	char text[SPOOL_OPTIONS_SIZE];
	uint8_t notify;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		bool ok = spool_notify_parse(slice_of(cases[i].text), &notify);

		assert_int_equal(ok, cases[i].notify >= 0);
		if (!ok)
			continue;
		assert_int_equal(notify, cases[i].notify);
		spool_notify_format(notify, text);
		assert_string_equal(text, cases[i].text);
	}
}

static struct slice
repeat(char c, char *bytes, size_t n)
{
	memset(bytes, c, n);
	return slice_make(bytes, n);
}

static void
the_limits_hold_at_and_above(void **state)
{
	char bytes[LIMIT_ORIGINAL_RECIPIENT + 1];
	struct mail_options mail = { .flags = 0 };
	struct rcpt_options rcpt = { .notify = 0 };

	(void)state;
	mail.envelope_id = repeat('x', bytes, LIMIT_ENVELOPE_ID);
	assert_true(mail_options_are_valid(&mail));
	mail.envelope_id = repeat('x', bytes, LIMIT_ENVELOPE_ID + 1);
	assert_false(mail_options_are_valid(&mail));
	mail.envelope_id = S("a\tb");
	assert_false(mail_options_are_valid(&mail));
	mail.envelope_id = S("a\xc3\xa9");
	assert_false(mail_options_are_valid(&mail));
	rcpt.original = repeat('x', bytes, LIMIT_ORIGINAL_RECIPIENT);
	bytes[6] = ';';
	assert_true(rcpt_options_are_valid(&rcpt));
	rcpt.original = repeat('x', bytes, LIMIT_ORIGINAL_RECIPIENT + 1);
	bytes[6] = ';';
	assert_false(rcpt_options_are_valid(&rcpt));
}

static void
an_original_recipient_has_a_type_and_text(void **state)
{
	static const struct {
		struct slice text;
		bool ok;
	} cases[] = {
		{ SLICE("rfc822;a@b.c"), true },
		{ SLICE("utf-8;\xc3\xa9@b.c"), true },
		{ SLICE("rfc822;a b"), true },
		{ SLICE("rfc822;a\rb"), false },
		{ SLICE("rfc822;a\x7f"), false },
		{ SLICE("rfc822;a\xc3"), false },
		{ SLICE("rfc822;"), false },
		{ SLICE(";a@b.c"), false },
		{ SLICE("a@b.c"), false },
		{ SLICE("x y;a@b.c"), false },
	};
	struct rcpt_options options = { .notify = 0 };

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		options.original = cases[i].text;
		assert_int_equal(rcpt_options_are_valid(&options), cases[i].ok);
	}
	options.original = S("");
	options.notify = 16;
	assert_false(rcpt_options_are_valid(&options));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_formatted_is_parsed),
		cmocka_unit_test(no_other_text_is_taken),
		cmocka_unit_test(notify_has_one_spelling),
		cmocka_unit_test(the_limits_hold_at_and_above),
		cmocka_unit_test(an_original_recipient_has_a_type_and_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
