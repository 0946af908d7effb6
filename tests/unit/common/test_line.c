/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "tests/unit/unit.h"

#include <string.h>

#include "common/line.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* What the lines of input are, one letter and the line each. */
static void
read_lines(struct slice input, size_t step, size_t ceiling, struct buf *out)
{
	static const char letters[] = { [LINE_OK] = 'o',
		[LINE_BARE_LF] = 'f',
		[LINE_BARE_CR] = 'r',
		[LINE_TOO_LONG] = 'l' };
	struct line_reader reader;
	enum line_status status;
	struct slice piece, line;

	line_init(&reader, ceiling);
	for (; input.len > 0; input = slice_from(input, step)) {
		piece = slice_first(input, step);
		while (
		    (status = line_next(&reader, &piece, &line)) != LINE_MORE) {
			buf_add_char(out, letters[status]);
			buf_add(out, line);
			buf_add_char(out, ';');
		}
		assert_int_equal(piece.len, 0);
		assert_true(reader.partial.len <= ceiling + 2);
	}
	line_free(&reader);
}

static void
lines_come_whole_whatever_the_split(void **state)
{
	static const struct {
		struct slice input, lines;
	} cases[] = {
		{ SLICE(""), SLICE("") },
		{ SLICE("a\r\nbc\r\n\r\nd"), SLICE("oa;obc;o;") },
		{ SLICE("a\nb\r\n\n"), SLICE("fa;ob;f;") },
		{ SLICE("a\rb\r\n\r\r\na\rb\n"), SLICE("ra\rb;r\r;ra\rb;") },
		{ SLICE("12345678\r\n123456789\r\n1\r\n"),
		    SLICE("o12345678;l;o1;") },
		{ SLICE("123456789012345678901234567890\nab\r\n"),
		    SLICE("l;oab;") },
		{ SLICE("a\0b\r\n"), SLICE("oa\0b;") },
	};
	struct buf out;

	(void)state;
	buf_init(&out, 4096);
	for (size_t i = 0; i < COUNT(cases); i++) {
		for (size_t step = 1; step < 40; step++) {
			buf_clear(&out);
			read_lines(cases[i].input, step, 8, &out);
			assert_slice_equal(buf_slice(&out), cases[i].lines);
		}
	}
	buf_free(&out);
}

static void
an_endless_line_keeps_memory_bounded(void **state)
{
	struct line_reader reader;
	struct slice input, line;
	char block[1000];

	(void)state;
	memset(block, 'x', sizeof(block));
	line_init(&reader, 2048);
	for (int i = 0; i < 1000; i++) {
		input = slice_make(block, sizeof(block));
		assert_int_equal(line_next(&reader, &input, &line), LINE_MORE);
	}
	assert_true(reader.partial.size <= 2048 + 3);
	input = S("\r\nnext\r\n");
	assert_int_equal(line_next(&reader, &input, &line), LINE_TOO_LONG);
	assert_int_equal(line_next(&reader, &input, &line), LINE_OK);
	assert_slice_equal(line, S("next"));
	line_free(&reader);
}

static void
clearing_forgets_a_partial_line(void **state)
{
	struct line_reader reader;
	struct slice input = S("half a li"), line;

	(void)state;
	line_init(&reader, 100);
	assert_int_equal(line_next(&reader, &input, &line), LINE_MORE);
	line_clear(&reader);
	input = S("QUIT\r\n");
	assert_int_equal(line_next(&reader, &input, &line), LINE_OK);
	assert_slice_equal(line, S("QUIT"));
	line_free(&reader);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines_come_whole_whatever_the_split),
		cmocka_unit_test(an_endless_line_keeps_memory_bounded),
		cmocka_unit_test(clearing_forgets_a_partial_line),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
