/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "tests/unit/unit.h"

#include <string.h>

#include "common/dot.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static void
decode(struct slice input, size_t step, struct dot_decoder *decoder,
    struct buf *out, size_t *used)
{
	struct slice piece;
	size_t taken;

	dot_decode_init(decoder, 1000);
	*used = 0;
	while (*used < input.len && !decoder->is_at_end) {
		piece = slice_first(slice_from(input, *used), step);
		taken = piece.len;
		dot_decode(decoder, &piece, out);
		*used += taken - piece.len;
	}
}

static void
decoding_takes_dots_off_and_stops_at_the_end(void **state)
{
	static const struct {
		struct slice input, text, rest;
		bool is_end;
		unsigned int problems;
	} cases[] = {
		{ SLICE(".\r\n"), SLICE(""), SLICE(""), true, 0 },
		{ SLICE("a\r\n.\r\nQUIT"), SLICE("a\r\n"), SLICE("QUIT"), true,
		    0 },
		{ SLICE("..\r\n.a\r\n...\r\n.\r\n"), SLICE(".\r\na\r\n..\r\n"),
		    SLICE(""), true, 0 },
		{ SLICE("a.\r\n.b.\r\n"), SLICE("a.\r\nb.\r\n"), SLICE(""),
		    false, 0 },
		{ SLICE("\r\n\r\n.\r\n"), SLICE("\r\n\r\n"), SLICE(""), true,
		    0 },
		{ SLICE("a\n.\nb\r\n.\r\n"), SLICE("a\n.\nb\r\n"), SLICE(""),
		    true, DOT_BARE_LF },
		{ SLICE("a\n.\r\nb\r\n.\r\n"), SLICE("a\n.\r\nb\r\n"),
		    SLICE(""), true, DOT_BARE_LF },
		{ SLICE("a\r\n.\nb\r\n.\r\n"), SLICE("a\r\n\nb\r\n"), SLICE(""),
		    true, DOT_BARE_LF },
		{ SLICE("a\r.\r\n.\r\n"), SLICE("a\r.\r\n"), SLICE(""), true,
		    DOT_BARE_CR },
		{ SLICE("a\r\n.\r.\r\n.\r\n"), SLICE("a\r\n\r.\r\n"), SLICE(""),
		    true, DOT_BARE_CR },
		{ SLICE("a\r\r\n.\r\n"), SLICE("a\r\r\n"), SLICE(""), true,
		    DOT_BARE_CR },
		{ SLICE("a\0b\r\n.\r\n"), SLICE("a\0b\r\n"), SLICE(""), true,
		    DOT_NUL },
	};
	struct dot_decoder decoder;
	struct buf out;
	size_t used;

	(void)state;
	buf_init(&out, 4096);
	for (size_t i = 0; i < COUNT(cases); i++) {
		for (size_t step = 1; step < 8; step++) {
			buf_clear(&out);
			decode(cases[i].input, step, &decoder, &out, &used);
			assert_slice_equal(buf_slice(&out), cases[i].text);
			assert_int_equal(decoder.is_at_end, cases[i].is_end);
			assert_int_equal(decoder.problems, cases[i].problems);
			assert_slice_equal(
			    slice_from(cases[i].input, used), cases[i].rest);
		}
	}
	buf_free(&out);
}

static void
a_long_line_is_reported_whatever_the_split(void **state)
{
	struct dot_decoder decoder;
	char line[1010];
	struct buf out;
	size_t used;

	(void)state;
	buf_init(&out, 4096);
	for (size_t length = 999; length < 1003; length++) {
		memset(line, 'x', sizeof(line));
		memcpy(line + length, "\r\n.\r\n", 5);
		for (size_t step = 1; step < 1100; step += 77) {
			buf_clear(&out);
			decode(slice_make(line, length + 5), step, &decoder,
			    &out, &used);
			assert_true(decoder.is_at_end);
			assert_int_equal(decoder.problems,
			    length > 1000 ? DOT_LONG_LINE : 0);
		}
	}
	buf_free(&out);
}

static void
a_full_buffer_stops_decoding_without_loss(void **state)
{
	static const struct slice input =
	    SLICE("one\r\n..two\r\n\r\nthree four five\r\n.\r\nNOOP");
	struct slice rest = input;
	struct dot_decoder decoder;
	struct buf out, all;

	(void)state;
	buf_init(&out, 8);
	buf_init(&all, 4096);
	dot_decode_init(&decoder, 1000);
	while (!dot_decode(&decoder, &rest, &out)) {
		assert_false(out.failed);
		buf_add(&all, buf_slice(&out));
		buf_clear(&out);
	}
	buf_add(&all, buf_slice(&out));
	assert_slice_equal(
	    buf_slice(&all), S("one\r\n.two\r\n\r\nthree four five\r\n"));
	assert_slice_equal(rest, S("NOOP"));
	buf_free(&out);
	buf_free(&all);
}

static void
encoding_gives_crlf_and_doubled_dots(void **state)
{
	static const struct {
		const char *input, *output;
	} cases[] = {
		{ "", ".\r\n" },
		{ "a", "a\r\n.\r\n" },
		{ "a\r\n", "a\r\n.\r\n" },
		{ "a\nb\rc\r\nd", "a\r\nb\r\nc\r\nd\r\n.\r\n" },
		{ ".\r\n..\n.a.\n", "..\r\n...\r\n..a.\r\n.\r\n" },
		{ "a\n\n\r\r", "a\r\n\r\n\r\n\r\n.\r\n" },
		{ "a\n.", "a\r\n..\r\n.\r\n" },
	};
	struct dot_encoder encoder;
	struct buf out;

	(void)state;
	buf_init(&out, 4096);
	for (size_t i = 0; i < COUNT(cases); i++) {
		for (size_t step = 1; step < 5; step++) {
			struct slice input = slice_of(cases[i].input);

			buf_clear(&out);
			dot_encode_init(&encoder);
			for (; input.len > 0; input = slice_from(input, step))
				assert_true(dot_encode(
				    &encoder, slice_first(input, step), &out));
			assert_true(dot_encode_end(&encoder, &out));
			assert_string_equal(buf_string(&out), cases[i].output);
		}
	}
	buf_free(&out);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(decoding_takes_dots_off_and_stops_at_the_end),
		cmocka_unit_test(a_long_line_is_reported_whatever_the_split),
		cmocka_unit_test(a_full_buffer_stops_decoding_without_loss),
		cmocka_unit_test(encoding_gives_crlf_and_doubled_dots),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
