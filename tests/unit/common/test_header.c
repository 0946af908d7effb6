/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "tests/unit/unit.h"

#include <string.h>

#include "common/header.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static void
fields_come_one_by_one_with_their_folding(void **state)
{
	static const struct slice message =
	    SLICE("From: a@b\r\nSubject : one\r\n two\r\n\tthree\r\nX:\r\n"
		  "\r\nbody: no field\r\n");
	struct header_iterator iterator;
	struct header_field field;

	(void)state;
	header_begin(&iterator, message);
	assert_true(header_next(&iterator, &field));
	assert_slice_equal(field.name, S("From"));
	assert_slice_equal(field.body, S(" a@b"));
	assert_slice_equal(field.raw, S("From: a@b\r\n"));
	assert_true(header_next(&iterator, &field));
	assert_slice_equal(field.name, S("Subject"));
	assert_slice_equal(field.body, S(" one\r\n two\r\n\tthree"));
	assert_true(header_next(&iterator, &field));
	assert_slice_equal(field.name, S("X"));
	assert_slice_equal(field.body, S(""));
	assert_false(header_next(&iterator, &field));
	assert_true(iterator.is_at_end);
	assert_true(iterator.has_separator);
	assert_slice_equal(
	    slice_from(message, iterator.body_offset), S("body: no field\r\n"));
	assert_false(header_next(&iterator, &field));
}

static void
stored_mail_keeps_the_fields_behind_a_line_that_is_none(void **state)
{
	static const struct slice message =
	    SLICE("From a@b Mon\r\n folded\r\nA: b\r\n\r\nbody\r\n");
	static const struct {
		struct slice name, raw;
	} fields[] = {
		{ SLICE(""), SLICE("From a@b Mon\r\n") },
		{ SLICE(""), SLICE(" folded\r\n") },
		{ SLICE("A"), SLICE("A: b\r\n") },
	};
	struct header_iterator iterator;
	struct header_field field;

	(void)state;
	header_begin_stored(&iterator, message);
	for (size_t i = 0; i < COUNT(fields); i++) {
		assert_true(header_next(&iterator, &field));
		assert_slice_equal(field.name, fields[i].name);
		assert_slice_equal(field.raw, fields[i].raw);
	}
	assert_false(header_next(&iterator, &field));
	assert_slice_equal(
	    slice_from(message, iterator.body_offset), S("body\r\n"));
}

static void
the_header_ends_where_no_field_begins(void **state)
{
	static const struct {
		struct slice message;
		size_t fields;
		bool has_separator;
		struct slice body;
	} cases[] = {
		{ SLICE(""), 0, false, SLICE("") },
		{ SLICE("\r\n"), 0, true, SLICE("") },
		{ SLICE("\nbody"), 0, true, SLICE("body") },
		{ SLICE("A: b"), 1, false, SLICE("") },
		{ SLICE("A: b\n\nbody"), 1, true, SLICE("body") },
		{ SLICE("A: b\r\nDear Sarol\r\n"), 1, false,
		    SLICE("Dear Sarol\r\n") },
		{ SLICE(" A: b\r\n\r\n"), 0, false, SLICE(" A: b\r\n\r\n") },
		{ SLICE(": b\r\n"), 0, false, SLICE(": b\r\n") },
		{ SLICE("A b: c\r\n"), 0, false, SLICE("A b: c\r\n") },
		{ SLICE("A\xc3\xa4: c\r\n"), 0, false,
		    SLICE("A\xc3\xa4: c\r\n") },
		{ SLICE("A\0: c\r\n"), 0, false, SLICE("A\0: c\r\n") },
		{ SLICE("From a Mon Jan\nA: b\n"), 0, false,
		    SLICE("From a Mon Jan\nA: b\n") },
		{ SLICE("A:b\r\n \r\n\r\nbody"), 1, true, SLICE("body") },
	};
	struct header_iterator iterator;
	struct header_field field;
	size_t fields;

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		header_begin(&iterator, cases[i].message);
		for (fields = 0; header_next(&iterator, &field); fields++)
			continue;
		assert_int_equal(fields, cases[i].fields);
		assert_int_equal(
		    iterator.has_separator, cases[i].has_separator);
		assert_slice_equal(
		    slice_from(cases[i].message, iterator.body_offset),
		    cases[i].body);
	}
}

static void
the_first_field_of_a_name_is_found(void **state)
{
	struct header_field field;

	(void)state;
	assert_true(header_find(
	    S("A: 1\r\nb: 2\r\nB: 3\r\n\r\nC: 4\r\n"), S("B"), &field));
	assert_slice_equal(field.body, S(" 2"));
	assert_false(header_find(S("A: 1\r\n\r\nC: 4\r\n"), S("C"), &field));
}

static void
unfolding_takes_line_ends_out(void **state)
{
	static const struct {
		const char *body, *text;
	} cases[] = {
		{ "", "" },
		{ "  ", "" },
		{ " a", "a" },
		{ " one\r\n two\r\n\tthree ", "one two\tthree" },
		{ " one\n two", "one two" },
		{ "\r\n a", "a" },
	};
	struct buf out;

	(void)state;
	buf_init(&out, 100);
	for (size_t i = 0; i < COUNT(cases); i++) {
		buf_clear(&out);
		assert_true(header_unfold(slice_of(cases[i].body), &out));
		assert_string_equal(buf_string(&out), cases[i].text);
	}
	buf_free(&out);
}

static void
a_hostile_header_takes_linear_time(void **state)
{
	static const char *const units[] = { "a:\r\n", " \r\n", "a", "a:", " ",
		"a:\n ", "a:\r\n\t\r\n" };
	struct header_iterator iterator;
	struct header_field field;
	struct buf input;
	size_t total;

	(void)state;
	buf_init(&input, 1 << 22);
	for (size_t i = 0; i < COUNT(units); i++) {
		buf_clear(&input);
		buf_add_string(&input, "a:");
		while (input.len < 2000000)
			buf_add_string(&input, units[i]);
		header_begin(&iterator, buf_slice(&input));
		for (total = 0; header_next(&iterator, &field);)
			total += field.raw.len;
		assert_true(total <= input.len);
		assert_true(iterator.body_offset <= input.len);
	}
	buf_free(&input);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fields_come_one_by_one_with_their_folding),
		cmocka_unit_test(
		    stored_mail_keeps_the_fields_behind_a_line_that_is_none),
		cmocka_unit_test(the_header_ends_where_no_field_begins),
		cmocka_unit_test(the_first_field_of_a_name_is_found),
		cmocka_unit_test(unfolding_takes_line_ends_out),
		cmocka_unit_test(a_hostile_header_takes_linear_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
