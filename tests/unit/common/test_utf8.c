/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "tests/unit/unit.h"

#include "common/utf8.h"

static void
only_the_shortest_form_is_valid(void **state)
{
	static const struct {
		struct slice text;
		bool ok;
	} cases[] = {
		{ SLICE(""), true },
		{ SLICE("plain"), true },
		{ SLICE("\xc2\x80\xdf\xbf"), true },
		{ SLICE("\xe0\xa0\x80\xef\xbf\xbf"), true },
		{ SLICE("\xf0\x90\x80\x80\xf4\x8f\xbf\xbf"), true },
		{ SLICE("\x80"), false },
		{ SLICE("\xc0\xaf"), false },
		{ SLICE("\xc1\xbf"), false },
		{ SLICE("\xe0\x9f\xbf"), false },
		{ SLICE("\xf0\x8f\xbf\xbf"), false },
		{ SLICE("\xed\xa0\x80"), false },
		{ SLICE("\xf4\x90\x80\x80"), false },
		{ SLICE("\xf5\x80\x80\x80"), false },
		{ SLICE("\xff"), false },
		{ SLICE("\xc3"), false },
		{ SLICE("\xe2\x82"), false },
		{ SLICE("\xc3("), false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_int_equal(utf8_is_valid(cases[i].text), cases[i].ok);
}

static void
code_points_come_one_by_one(void **state)
{
	struct slice rest = S("a\xc3\xa9\xe2\x82\xac\xf0\x9f\x95\x8a");
	static const uint32_t expected[] = { 'a', 0xe9, 0x20ac, 0x1f54a };
	uint32_t code;

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		assert_true(utf8_next(&rest, &code));
		assert_int_equal(code, expected[i]);
	}
	assert_false(utf8_next(&rest, &code));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_the_shortest_form_is_valid),
		cmocka_unit_test(code_points_come_one_by_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
