/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "common/header_list.h"
#include "common/limits.h"

#include "tests/unit/unit.h"

#define HEADER "Received: one\r\nSubject:  a\r\n\tb\r\nreceived: two\r\n"

struct edit_sample {
	struct verify_change edit;
	bool ok;
	const char *after;
};

#define EDIT(kind, index, name, value)                                         \
	{                                                                      \
		kind, index, SLICE(name), SLICE(value)                         \
	}

static const struct edit_sample samples[] = {
	{ EDIT(EDIT_HEADER_ADD, 0, "X", " v"), true, HEADER "X: v\r\n" },
	{ EDIT(EDIT_HEADER_ADD, 0, "X", ""), true, HEADER "X:\r\n" },
	{ EDIT(EDIT_HEADER_INSERT, 0, "X", " v"), true, "X: v\r\n" HEADER },
	{ EDIT(EDIT_HEADER_INSERT, 1, "X", " v"), true,
	    "Received: one\r\nX: v\r\nSubject:  a\r\n\tb\r\nreceived: "
	    "two\r\n" },
	{ EDIT(EDIT_HEADER_INSERT, 99, "X", " v"), true, HEADER "X: v\r\n" },
	{ EDIT(EDIT_HEADER_CHANGE, 1, "SUBJECT", " n"), true,
	    "Received: one\r\nSUBJECT: n\r\nreceived: two\r\n" },
	{ EDIT(EDIT_HEADER_CHANGE, 2, "Received", " n"), true,
	    "Received: one\r\nSubject:  a\r\n\tb\r\nReceived: n\r\n" },
	{ EDIT(EDIT_HEADER_CHANGE, 1, "Received", ""), true,
	    "Subject:  a\r\n\tb\r\nreceived: two\r\n" },
	{ EDIT(EDIT_HEADER_CHANGE, 3, "Received", " n"), true,
	    HEADER "Received: n\r\n" },
	{ EDIT(EDIT_HEADER_CHANGE, 3, "Received", ""), true, HEADER },
	/* A value cannot end its field, nor the header. */
	{ EDIT(EDIT_HEADER_ADD, 0, "X", " a\nBcc: b"), true,
	    HEADER "X: a\r\n\tBcc: b\r\n" },
	{ EDIT(EDIT_HEADER_ADD, 0, "X", " a\r\n\r\n\r\n b\n"), true,
	    HEADER "X: a\r\n b\r\n" },
	{ EDIT(EDIT_HEADER_ADD, 0, "X", " a\rb"), false, HEADER },
	{ EDIT(EDIT_HEADER_ADD, 0, "X", " a\0b"), false, HEADER },
	{ EDIT(EDIT_HEADER_ADD, 0, "", " a"), false, HEADER },
	{ EDIT(EDIT_HEADER_ADD, 0, "X:", " a"), false, HEADER },
	{ EDIT(EDIT_HEADER_ADD, 0, "X Y", " a"), false, HEADER },
	{ EDIT(EDIT_HEADER_ADD, 0, "X\n", " a"), false, HEADER },
	{ EDIT(EDIT_BODY, 0, "", "x"), false, HEADER },
};

static void
write_and_compare(const struct header_list *list, const char *expected)
{
	struct buf out;

	buf_init(&out, 2 * LIMIT_HEADER);
	assert_true(header_list_write(list, &out));
	assert_slice_equal(buf_slice(&out), slice_of(expected));
	assert_int_equal(list->bytes, out.len);
	buf_free(&out);
}

static void
edits_do_what_they_say_and_no_more(void **state)
{
	struct arena *arena = arena_new("test", 1 << 20);
	struct header_list list;

	(void)state;
	for (size_t i = 0; i < sizeof(samples) / sizeof(samples[0]); i++) {
		arena_reset(arena);
		header_list_init(&list, arena);
		assert_true(header_list_read(&list, S(HEADER "\r\n")));
		assert_int_equal(list.count, 3);
		assert_int_equal(header_list_nth(&list, 2), 2);
		assert_int_equal(
		    header_list_edit(&list, &samples[i].edit), samples[i].ok);
		write_and_compare(&list, samples[i].after);
	}
	arena_free(&arena);
}

static void
fields_and_bytes_are_bounded(void **state)
{
	struct arena *arena = arena_new("test", 64 << 20);
	struct header_list list;
	struct buf value;

	(void)state;
	header_list_init(&list, arena);
	for (int i = 0; i < LIMIT_HEADER_FIELDS; i++)
		assert_true(header_list_insert(&list, 0, S("X"), S(" v")));
	assert_false(header_list_insert(&list, 0, S("X"), S(" v")));
	assert_int_equal(list.count, LIMIT_HEADER_FIELDS);
	header_list_init(&list, arena);
	buf_init(&value, LIMIT_HEADER);
	while (value.len < LIMIT_HEADER - 4)
		buf_add_char(&value, 'v');
	/* "X:" and CRLF: exactly the limit, then one over it. */
	assert_true(header_list_insert(&list, 0, S("X"), buf_slice(&value)));
	assert_false(header_list_insert(&list, 0, S("X"), S("")));
	assert_true(header_list_change(&list, S("X"), 1, S(" v")));
	buf_add_char(&value, 'v');
	assert_false(header_list_change(&list, S("X"), 1, buf_slice(&value)));
	assert_int_equal(list.bytes, 6);
	buf_free(&value);
	arena_free(&arena);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(edits_do_what_they_say_and_no_more),
		cmocka_unit_test(fields_and_bytes_are_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
