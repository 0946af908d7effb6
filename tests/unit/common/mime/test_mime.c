/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "tests/unit/unit.h"

#include "common/arena.h"
#include "common/buf.h"
#include "common/mime/bodystructure.h"
#include "common/mime/envelope.h"
#include "common/mime/structure.h"
#include "common/mime/text.h"

#define MIB ((size_t)1024 * 1024)

static void
expect_structure(const char *message, bool is_extended, const char *expected)
{
	struct arena *arena = arena_new("test", MIB);
	struct mime_part *root = mime_parse(slice_of(message), arena);
	struct buf out;

	buf_init(&out, MIB);
	assert_non_null(root);
	assert_true(bodystructure_format(&out, root, is_extended, arena));
	assert_string_equal(buf_string(&out), expected);
	buf_free(&out);
	arena_free(&arena);
}

static void
structures_are_written_as_rfc_3501_says(void **state)
{
	(void)state;
	expect_structure("Subject: x\r\n\r\nhello\r\n", false,
	    "(\"text\" \"plain\" (\"charset\" \"us-ascii\") NIL NIL \"7bit\" "
	    "7 1)");
	expect_structure("", true,
	    "(\"text\" \"plain\" (\"charset\" \"us-ascii\") NIL NIL \"7bit\" "
	    "0 0 NIL NIL NIL NIL)");
	expect_structure("Content-Type: multipart/mixed; boundary=\"b\"\r\n"
			 "\r\npreamble\r\n--b\r\n\r\ntext\r\n--b\r\n"
			 "Content-Type: image/png; name=\"p.png\"\r\n"
			 "Content-Transfer-Encoding: base64\r\n"
			 "Content-Disposition: attachment; filename=p.png\r\n"
			 "\r\niVBORw0KGgo=\r\n--b--\r\nepilogue\r\n",
	    true,
	    "((\"text\" \"plain\" (\"charset\" \"us-ascii\") NIL NIL "
	    "\"7bit\" 4 0 NIL NIL NIL NIL)(\"image\" \"png\" (\"name\" "
	    "\"p.png\") NIL NIL \"base64\" 12 NIL (\"attachment\" "
	    "(\"filename\" \"p.png\")) NIL NIL) \"mixed\" (\"boundary\" "
	    "\"b\") NIL NIL NIL)");
	expect_structure("Content-Type: message/rfc822\r\n\r\n"
			 "Subject: in\r\n\r\nx\r\n",
	    false,
	    "(\"message\" \"rfc822\" NIL NIL NIL \"7bit\" 18 (NIL \"in\" NIL "
	    "NIL NIL NIL NIL NIL NIL NIL) (\"text\" \"plain\" (\"charset\" "
	    "\"us-ascii\") NIL NIL \"7bit\" 3 1) 3)");
}

static void
damaged_mime_still_has_a_tree(void **state)
{
	(void)state;
	/* no boundary parameter */
	expect_structure("Content-Type: multipart/mixed\r\n\r\nx", false,
	    "(\"text\" \"plain\" (\"charset\" \"us-ascii\") NIL NIL \"7bit\" "
	    "1 0)");
	/* a boundary that never comes */
	expect_structure("Content-Type: multipart/mixed; boundary=b\r\n\r\nx",
	    false,
	    "((\"text\" \"plain\" (\"charset\" \"us-ascii\") NIL NIL "
	    "\"7bit\" 0 0) \"mixed\")");
	/* the outer boundary ends the inner multipart */
	expect_structure("Content-Type: multipart/a; boundary=o\r\n\r\n"
			 "--o\r\nContent-Type: multipart/b; boundary=i\r\n\r\n"
			 "--i\r\n\r\nx\r\n--o--\r\n",
	    false,
	    "(((\"text\" \"plain\" (\"charset\" \"us-ascii\") NIL NIL "
	    "\"7bit\" 1 0) \"b\") \"a\")");
	/* a type that is none */
	expect_structure("Content-Type: nonsense\r\n\r\nx", false,
	    "(\"text\" \"plain\" (\"charset\" \"us-ascii\") NIL NIL \"7bit\" "
	    "1 0)");
	/* a line that begins like the boundary is one (RFC 2046 5.1.1) */
	expect_structure("Content-Type: multipart/a; boundary=o\r\n\r\n"
			 "--o and more\r\n\r\nx\r\n--o-- and more\r\n",
	    false,
	    "((\"text\" \"plain\" (\"charset\" \"us-ascii\") NIL NIL "
	    "\"7bit\" 1 0) \"a\")");
}

static void
envelopes_follow_the_nil_rules(void **state)
{
	static const struct {
		const char *header, *expected;
	} cases[] = {
		{ "", "(NIL NIL NIL NIL NIL NIL NIL NIL NIL NIL)" },
		{ "Subject:\r\n\r\n",
		    "(NIL \"\" NIL NIL NIL NIL NIL NIL NIL NIL)" },
		{ "From: =?utf-8?q?=C3=9C?= <a@b>\r\n\r\n",
		    "(NIL NIL ((\"=?utf-8?q?=C3=9C?=\" NIL \"a\" \"b\")) "
		    "((\"=?utf-8?q?=C3=9C?=\" NIL \"a\" \"b\")) "
		    "((\"=?utf-8?q?=C3=9C?=\" NIL \"a\" \"b\")) "
		    "NIL NIL NIL NIL NIL)" },
		{ "To: g: a@b;\r\n\r\n",
		    "(NIL NIL NIL NIL NIL ((NIL NIL \"g\" NIL)(NIL NIL \"a\" "
		    "\"b\")(NIL NIL NIL NIL)) NIL NIL NIL NIL)" },
		{ "Subject: a \"quote\"\r\nMessage-ID: <1@x>\r\n\r\n",
		    "(NIL \"a \\\"quote\\\"\" NIL NIL NIL NIL NIL NIL NIL "
		    "\"<1@x>\")" },
		{ "Subject: \xc3\x9c\r\n\r\n",
		    "(NIL {2}\r\n\xc3\x9c NIL NIL NIL NIL NIL NIL NIL NIL)" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct arena *arena = arena_new("test", MIB);
		struct buf out;

		buf_init(&out, MIB);
		assert_true(
		    envelope_format(&out, slice_of(cases[i].header), arena));
		assert_string_equal(buf_string(&out), cases[i].expected);
		buf_free(&out);
		arena_free(&arena);
	}
}

static void
part_numbers_reach_into_messages(void **state)
{
	static const unsigned int numbers[][3] = { { 1 }, { 2, 1 }, { 2, 2 },
		{ 3 } };
	static const char *const bodies[] = { "one", "deep", NULL, NULL };
	static const size_t counts[] = { 1, 2, 2, 1 };
	struct arena *arena = arena_new("test", MIB);
	const struct mime_part *part;
	struct mime_part *root =
	    mime_parse(S("Content-Type: multipart/mixed; boundary=b\r\n\r\n"
			 "--b\r\n\r\none\r\n--b\r\n"
			 "Content-Type: message/rfc822\r\n\r\n"
			 "Subject: s\r\n\r\ndeep\r\n--b--\r\n"),
		arena);

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		part = mime_find(root, numbers[i], counts[i]);
		if (bodies[i] == NULL)
			assert_null(part);
		else
			assert_slice_equal(part->body, slice_of(bodies[i]));
	}
	arena_free(&arena);
}

static void
deep_nesting_is_bounded(void **state)
{
	struct arena *arena = arena_new("test", 16 * MIB);
	struct buf message;

	(void)state;
	buf_init(&message, 16 * MIB);
	for (size_t i = 0; i < 2000; i++)
		buf_add_format(&message,
		    "Content-Type: multipart/x; "
		    "boundary=b%zu\r\n\r\n--b%zu\r\n",
		    i, i);
	assert_non_null(mime_parse(buf_slice(&message), arena));
	buf_free(&message);
	arena_free(&arena);
}

static void
encoded_words_become_utf8(void **state)
{
	static const struct {
		const char *in, *out;
	} cases[] = {
		{ "plain", "plain" },
		{ "=?iso-8859-1?q?Gr=FC=DFe?=", "Gr\xc3\xbc\xc3\x9f"
						"e" },
		{ "=?utf-8?B?w4Q=?= =?utf-8?B?w5Y=?=", "\xc3\x84\xc3\x96" },
		{ "a =?utf-8?q?b_c?= d", "a b c d" },
		{ "=?broken?x?", "=?broken?x?" },
		{ "=?utf-8*de?q?x?=", "x" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct buf out;

		buf_init(&out, 1024);
		assert_true(encoded_word_decode(slice_of(cases[i].in), &out));
		assert_string_equal(buf_string(&out), cases[i].out);
		buf_free(&out);
	}
}

static void
case_is_folded_beyond_ascii(void **state)
{
	struct buf out;

	(void)state;
	buf_init(&out, 1024);
	assert_true(text_fold_case(S("A\xc3\x84\xce\xa9\xd0\x96"), &out));
	assert_string_equal(buf_string(&out), "a\xc3\xa4\xcf\x89\xd0\xb6");
	buf_free(&out);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(structures_are_written_as_rfc_3501_says),
		cmocka_unit_test(damaged_mime_still_has_a_tree),
		cmocka_unit_test(envelopes_follow_the_nil_rules),
		cmocka_unit_test(part_numbers_reach_into_messages),
		cmocka_unit_test(deep_nesting_is_bounded),
		cmocka_unit_test(encoded_words_become_utf8),
		cmocka_unit_test(case_is_folded_beyond_ascii),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
