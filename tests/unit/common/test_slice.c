/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "tests/unit/unit.h"

#include "common/slice.h"

static void
cut_splits_at_the_first_byte(void **state)
{
	struct slice head, tail;

	(void)state;
	assert_true(slice_cut(S("a=b=c"), '=', &head, &tail));
	assert_slice_equal(head, S("a"));
	assert_slice_equal(tail, S("b=c"));
	assert_false(slice_cut(S("abc"), '=', &head, &tail));
	assert_slice_equal(head, S("abc"));
	assert_int_equal(tail.len, 0);
}

static void
numbers_are_strict(void **state)
{
	static const struct {
		const char *text;
		uint64_t max;
		bool ok;
		uint64_t value;
	} cases[] = {
		{ "0", 10, true, 0 },
		{ "10", 10, true, 10 },
		{ "11", 10, false, 0 },
		{ "", 10, false, 0 },
		{ "+1", 10, false, 0 },
		{ " 1", 10, false, 0 },
		{ "1x", 10, false, 0 },
		{ "18446744073709551615", UINT64_MAX, true, UINT64_MAX },
		{ "18446744073709551616", UINT64_MAX, false, 0 },
	};
	uint64_t value;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		value = 0;
		assert_int_equal(
		    slice_u64(slice_of(cases[i].text), cases[i].max, &value),
		    cases[i].ok);
		if (cases[i].ok)
			assert_int_equal(value, cases[i].value);
	}
}

static void
tokens_skip_separators(void **state)
{
	struct slice rest = S("  one two\tthree "), token;

	(void)state;
	assert_true(slice_token(&rest, S(" \t"), &token));
	assert_slice_equal(token, S("one"));
	assert_true(slice_token(&rest, S(" \t"), &token));
	assert_slice_equal(token, S("two"));
	assert_true(slice_token(&rest, S(" \t"), &token));
	assert_slice_equal(token, S("three"));
	assert_false(slice_token(&rest, S(" \t"), &token));
}

static void
comparison_ignores_ascii_case_only(void **state)
{
	(void)state;
	assert_true(slice_eq_nocase(S("MaIl"), S("mAiL")));
	assert_false(slice_eq_nocase(S("\xc3\x84"), S("\xc3\xa4")));
	assert_true(slice_starts_nocase(S("FROM:<a@b>"), S("from:")));
	assert_int_equal(slice_find_nocase(S("a Needle"), S("nEED")), 2);
}

static void
copy_to_array_refuses_nul_and_overflow(void **state)
{
	char array[4];

	(void)state;
	assert_true(slice_to_array(S("abc"), array, sizeof(array)));
	assert_string_equal(array, "abc");
	assert_false(slice_to_array(S("abcd"), array, sizeof(array)));
	assert_string_equal(array, "");
	assert_false(slice_to_array(S("a\0b"), array, sizeof(array)));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(cut_splits_at_the_first_byte),
		cmocka_unit_test(numbers_are_strict),
		cmocka_unit_test(tokens_skip_separators),
		cmocka_unit_test(comparison_ignores_ascii_case_only),
		cmocka_unit_test(copy_to_array_refuses_nul_and_overflow),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
