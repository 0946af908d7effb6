/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "tests/unit/unit.h"

#include "common/base64.h"

static void
vectors_of_rfc4648_hold(void **state)
{
	static const struct {
		struct slice plain, encoded;
	} cases[] = {
		{ SLICE(""), SLICE("") },
		{ SLICE("f"), SLICE("Zg==") },
		{ SLICE("fo"), SLICE("Zm8=") },
		{ SLICE("foo"), SLICE("Zm9v") },
		{ SLICE("foob"), SLICE("Zm9vYg==") },
		{ SLICE("fooba"), SLICE("Zm9vYmE=") },
		{ SLICE("foobar"), SLICE("Zm9vYmFy") },
		{ SLICE("\0\xff"), SLICE("AP8=") },
	};
	struct buf out;

	(void)state;
	buf_init(&out, 100);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		buf_clear(&out);
		assert_true(base64_encode(cases[i].plain, &out));
		assert_slice_equal(buf_slice(&out), cases[i].encoded);
		buf_clear(&out);
		assert_true(base64_decode(cases[i].encoded, &out));
		assert_slice_equal(buf_slice(&out), cases[i].plain);
	}
	buf_free(&out);
}

static void
decoding_is_strict(void **state)
{
	static const char *const cases[] = { "Zg=", "Zg",
		"Z===", "====", "Zh==", "Zm9=", "Zg==Zg==", "Zm 9", "Zm9v\n",
		"=Zg=", "Z*==" };
	struct buf out;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		buf_init(&out, 100);
		assert_false(base64_decode(slice_of(cases[i]), &out));
		buf_free(&out);
	}
}

static void
decoding_stops_at_the_ceiling(void **state)
{
	struct buf out;

	(void)state;
	buf_init(&out, 2);
	assert_false(base64_decode(S("Zm9v"), &out));
	buf_free(&out);
}

static void
mime_lines_have_76_characters(void **state)
{
	static const char bytes[58] = { 0 };
	struct buf out;

	(void)state;
	buf_init(&out, 200);
	assert_true(
	    base64_encode_lines(slice_make(bytes, sizeof(bytes)), &out));
	assert_int_equal(slice_index(buf_slice(&out), '\r'), 76);
	assert_true(slice_ends(buf_slice(&out), S("\r\nAA==\r\n")));
	buf_free(&out);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(vectors_of_rfc4648_hold),
		cmocka_unit_test(decoding_is_strict),
		cmocka_unit_test(decoding_stops_at_the_ceiling),
		cmocka_unit_test(mime_lines_have_76_characters),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
