/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "tests/unit/unit.h"

#include <stdio.h>
#include <string.h>

#include "queue/convert.h"
#include "queue/encode.h"

/* Tests of whole messages, read by another library: test_convert.py. */

static void
encodings_by_the_letter(void **state)
{
	static const struct {
		enum encode_how how;
		const char *in, *out;
	} rows[] = {
		{ ENCODE_QUOTED, "a=b\xe9", "a=3Db=E9" },
		{ ENCODE_QUOTED, "x \t", "x =09" },
		{ ENCODE_QUOTED, " ", "=20" },
		{ ENCODE_QUOTED, "", "" },
		{ ENCODE_QUOTED, "\r\n\x7f", "=0D=0A=7F" },
		{ ENCODE_BASE64, "hello", "aGVsbG8=" },
		{ ENCODE_BASE64, "", "" },
		{ ENCODE_MASK, "a\xe9z", "a?z" },
		{ ENCODE_OMIT, "a\xe9z", "az" },
		{ ENCODE_ESCAPE, "a=3D\xe9 ", "a=3D=E9 " },
		{ ENCODE_COPY, "\xe9", "\xe9" },
	};
	struct encoder encoder;
	struct buf out;

	(void)state;
	buf_init(&out, 4096);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		buf_clear(&out);
		encode_init(&encoder, rows[i].how);
		assert_true(
		    encode_feed(&encoder, false, slice_of(rows[i].in), &out));
		assert_true(encode_end(&encoder, &out));
		assert_slice_equal(buf_slice(&out), slice_of(rows[i].out));
	}
	buf_free(&out);
}

/* 76 characters at most, whatever the last one is. */
static void
lines_are_folded_at_76(void **state)
{
	struct encoder encoder;
	struct buf out;
	struct slice rest, line;
	char text[200];

	(void)state;
	buf_init(&out, 4096);
	for (size_t n = 70; n < sizeof(text); n++) {
		memset(text, n % 2 == 0 ? 'x' : '\xe9', n);
		text[n - 1] = ' ';
		for (int how = ENCODE_QUOTED; how <= ENCODE_BASE64; how++) {
			buf_clear(&out);
			encode_init(&encoder, (enum encode_how)how);
			encode_feed(&encoder, false, slice_make(text, n), &out);
			encode_end(&encoder, &out);
			rest = buf_slice(&out);
			while (slice_token(&rest, S("\r\n"), &line)) {
				assert_true(line.len <= 76);
				assert_false(slice_ends(line, S(" ")));
			}
		}
	}
	buf_free(&out);
}

static void
plan_parts(struct convert_plan *plan, size_t depth, size_t parts)
{
	char line[128];

	convert_plan_init(plan);
	for (size_t i = 0; i < depth; i++) {
		snprintf(line, sizeof(line),
		    "Content-Type: multipart/mixed; boundary=%zu\r\n\r\n"
		    "--%zu\r\n",
		    i, i);
		convert_plan_feed(plan, slice_of(line));
	}
	for (size_t i = 0; i < parts; i++)
		convert_plan_feed(plan, S("\r\nx\r\n--0\r\n"));
	convert_plan_feed(plan, S("\r\n\xe9\r\n"));
	convert_plan_end(plan);
}

/* At, below and above; one entity is the message, one the last part. */
static void
depth_and_parts_have_limits(void **state)
{
	static const struct {
		size_t depth, parts;
		bool is_impossible;
	} rows[] = {
		{ LIMIT_MIME_DEPTH - 1, 0, false },
		{ LIMIT_MIME_DEPTH, 0, false },
		{ LIMIT_MIME_DEPTH + 1, 0, true },
		{ 1, LIMIT_MIME_PARTS - 3, false },
		{ 1, LIMIT_MIME_PARTS - 2, false },
		{ 1, LIMIT_MIME_PARTS - 1, true },
	};
	struct convert_plan plan;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		plan_parts(&plan, rows[i].depth, rows[i].parts);
		assert_int_equal(plan.is_impossible, rows[i].is_impossible);
		assert_true(plan.has_8bit);
		convert_plan_clear(&plan);
	}
}

/* A part's header may be as long as a message's. */
static void
a_header_has_a_limit(void **state)
{
	static char text[LIMIT_HEADER + 2];
	struct convert_plan plan;

	(void)state;
	memset(text, 'x', sizeof(text));
	text[0] = 'X';
	text[1] = ':';
	for (size_t n = LIMIT_HEADER - 1; n <= LIMIT_HEADER + 1; n++) {
		convert_plan_init(&plan);
		text[n - 4] = text[n - 2] = '\r';
		text[n - 3] = text[n - 1] = '\n';
		convert_plan_feed(&plan, slice_make(text, n));
		convert_plan_end(&plan);
		assert_int_equal(plan.is_impossible, n > LIMIT_HEADER);
		convert_plan_clear(&plan);
		memset(text + n - 4, 'x', 4);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(encodings_by_the_letter),
		cmocka_unit_test(lines_are_folded_at_76),
		cmocka_unit_test(depth_and_parts_have_limits),
		cmocka_unit_test(a_header_has_a_limit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
