/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "tests/unit/unit.h"

#include <string.h>

#include "common/buf.h"

static void
append_past_the_ceiling_changes_nothing_and_sticks(void **state)
{
	struct buf buf;

	(void)state;
	buf_init(&buf, 5);
	assert_true(buf_add(&buf, S("abc")));
	assert_false(buf_add(&buf, S("def")));
	assert_slice_equal(buf_slice(&buf), S("abc"));
	assert_false(buf_add_char(&buf, 'd'));
	assert_null(buf_reserve(&buf, 0));
	buf_clear(&buf);
	assert_true(buf_add(&buf, S("12345")));
	assert_false(buf_add_format(&buf, "%d", 6));
	assert_string_equal(buf_string(&buf), "12345");
	buf_free(&buf);
}

static void
formats_numbers_and_escapes(void **state)
{
	struct buf buf;

	(void)state;
	buf_init(&buf, 100);
	buf_add_format(&buf, "%s=%d ", "size", 42);
	buf_add_printable(&buf, S("a\r\n\\\0\xff"));
	assert_string_equal(
	    buf_string(&buf), "size=42 a\\x0D\\x0A\\x5C\\x00\\xFF");
	buf_free(&buf);
}

static void
consuming_drops_bytes_at_the_front(void **state)
{
	struct buf buf;

	(void)state;
	buf_init(&buf, 100);
	buf_add(&buf, S("abcdef"));
	buf_consume(&buf, 2);
	assert_slice_equal(buf_slice(&buf), S("cdef"));
	buf_consume(&buf, 100);
	assert_int_equal(buf.len, 0);
	buf_free(&buf);
}

static void
reserved_room_is_filled_by_the_caller(void **state)
{
	struct buf buf;
	char *room;

	(void)state;
	buf_init(&buf, 1000);
	for (int i = 0; i < 10; i++) {
		room = buf_reserve(&buf, 100);
		assert_non_null(room);
		memset(room, 'a' + i, 100);
		buf_commit(&buf, 100);
	}
	assert_null(buf_reserve(&buf, 1));
	assert_int_equal(buf.len, 1000);
	assert_int_equal(buf.ptr[999], 'j');
	assert_true(buf.size <= 1001);
	buf_free(&buf);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    append_past_the_ceiling_changes_nothing_and_sticks),
		cmocka_unit_test(formats_numbers_and_escapes),
		cmocka_unit_test(consuming_drops_bytes_at_the_front),
		cmocka_unit_test(reserved_room_is_filled_by_the_caller),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
