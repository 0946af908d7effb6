/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "tests/unit/unit.h"

#include <string.h>

#include "common/address.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const struct address_syntax sender = { .may_be_null = true };
static const struct address_syntax recipient = { .may_be_local = true };
static const struct address_syntax utf8 = { .may_be_utf8 = true };

static void
paths_are_taken_as_the_grammar_says(void **state)
{
	static const struct {
		const char *input, *local, *domain, *rest;
	} cases[] = {
		{ "<a@b.c>", "a", "b.c", "" },
		{ " a@b.c", "a", "b.c", "" },
		{ "\t <a@b.c> SIZE=1", "a", "b.c", " SIZE=1" },
		{ "a@b.c BODY=7BIT", "a", "b.c", " BODY=7BIT" },
		{ "<>", "", "", "" },
		{ "<> X", "", "", " X" },
		{ "<a.b+c=d!e%f@B.example.>", "a.b+c=d!e%f", "B.example", "" },
		{ "<@x,@y.z:a@b.c>", "a", "b.c", "" },
		{ "<\"a b\"@c>", "a b", "c", "" },
		{ "<\"a\\\"\\\\b\"@c>", "a\"\\b", "c", "" },
		{ "<\"a@b\"@c>", "a@b", "c", "" },
		{ "<\"a>b\"@c>", "a>b", "c", "" },
		{ "<a@[192.0.2.1]>", "a", "[192.0.2.1]", "" },
		{ "<a@[IPv6:2001:db8::1]>", "a", "[IPv6:2001:db8::1]", "" },
		{ "<a@xn--bcher-kva.example>", "a", "xn--bcher-kva.example",
		    "" },
		{ "<a@1.2>", "a", "1.2", "" },
	};
	struct arena *arena = arena_new("test", 65536);
	struct address address;
	struct slice rest;
	struct why why;

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		rest = slice_of(cases[i].input);
		if (!address_parse_path(&rest, sender, arena, &address, &why))
			fail_msg("%s: %s", cases[i].input, why.text);
		assert_slice_equal(address.local, slice_of(cases[i].local));
		assert_slice_equal(address.domain, slice_of(cases[i].domain));
		assert_slice_equal(rest, slice_of(cases[i].rest));
	}
	rest = S("<postmaster>");
	assert_true(
	    address_parse_path(&rest, recipient, arena, &address, &why));
	assert_slice_equal(address.local, S("postmaster"));
	assert_int_equal(address.domain.len, 0);
	arena_free(&arena);
}

static void
what_is_no_path_is_refused_with_a_reason(void **state)
{
	static const char *const cases[] = { "", " ", "<", ">", "<a", "<a@b",
		"<a@>", "<@b>", "a@", "@b", "<a@b>c", "<a@b >", "<a b@c>",
		"<a..b@c>", "<.a@b>", "<a.@b>", "<a@b..c>", "<a@.b>", "<a@-b>",
		"<a@b->", "<a@b_c>", "<a@[1.2.3]>", "<a@[::1]>",
		"<a@[IPv6:1.2.3.4]>", "<a@[1.2.3.4>", "<a@[]>", "<\"a@b>",
		"<\"\"@b>", "<\"a\"b@c>", "<\"a\tb\"@c>", "<@x:>", "<@x>",
		"<@x,:a@b>", "<\xc3\xa4@b>", "<a@\xc3\xa4>", "<a>", "a",
		"<a@b@c>", "(c)<a@b>", "<a\\@b@c>" };
	struct arena *arena = arena_new("test", 65536);
	struct address address;
	struct slice rest;
	struct why why;

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		memset(&why, 0, sizeof(why));
		rest = slice_of(cases[i]);
		if (address_parse_path(&rest, sender, arena, &address, &why))
			fail_msg("%s was taken", cases[i]);
		assert_string_equal(why.status, "5.1.7");
		assert_true(why.text[0] != '\0');
		if (strchr(cases[i], '@') == NULL)
			continue;
		rest = slice_of(cases[i]);
		assert_false(address_parse_path(
		    &rest, recipient, arena, &address, &why));
		assert_string_equal(why.status, "5.1.3");
	}
	rest = S("<>");
	assert_false(
	    address_parse_path(&rest, recipient, arena, &address, &why));
	arena_free(&arena);
}

static void
long_addresses_are_refused_not_cut(void **state)
{
	struct arena *arena = arena_new("test", 1 << 20);
	char input[10000];
	struct address address;
	struct slice rest;

	(void)state;
	memset(input, 'a', sizeof(input));
	memcpy(input + 200, "@b", 2);
	assert_true(address_parse(slice_make(input, 202), arena, &address));
	memcpy(input + 200, "a@b", 3);
	assert_false(address_parse(slice_make(input, 203), arena, &address));
	memcpy(input, "a@", 2);
	rest = slice_make(input, sizeof(input));
	assert_false(address_parse_path(&rest, sender, arena, &address, NULL));
	memset(input, '"', sizeof(input));
	rest = slice_make(input, sizeof(input));
	assert_false(address_parse_path(&rest, sender, arena, &address, NULL));
	arena_free(&arena);
}

static void
formatting_and_parsing_agree(void **state)
{
	static const struct {
		const char *local, *domain, *text;
	} cases[] = {
		{ "a", "b.c", "a@b.c" },
		{ "a.b", "b.c", "a.b@b.c" },
		{ "a..b", "b.c", "\"a..b\"@b.c" },
		{ "a b", "c", "\"a b\"@c" },
		{ "a\"\\", "c", "\"a\\\"\\\\\"@c" },
		{ "root", "", "root" },
		{ "", "", "" },
	};
	struct arena *arena = arena_new("test", 65536);
	struct address address;
	struct buf out;

	(void)state;
	buf_init(&out, 1024);
	for (size_t i = 0; i < COUNT(cases); i++) {
		address.local = slice_of(cases[i].local);
		address.domain = slice_of(cases[i].domain);
		buf_clear(&out);
		assert_true(address_format(&out, &address));
		assert_string_equal(buf_string(&out), cases[i].text);
		if (cases[i].text[0] == '\0')
			continue;
		assert_true(address_parse(buf_slice(&out), arena, &address));
		assert_slice_equal(address.local, slice_of(cases[i].local));
		assert_slice_equal(address.domain, slice_of(cases[i].domain));
	}
	buf_free(&out);
	arena_free(&arena);
}

static void
domains_have_labels_of_letters_digits_hyphens(void **state)
{
	static const char *const good[] = { "a", "a.b", "a-b.c1", "1.2.3",
		"[1.2.3.4]", "[IPv6:::1]", "[ipv6:fe80::1]" };
	static const char *const bad[] = { "", ".", "a.", ".a", "a..b", "-a",
		"a-", "a b", "a_b", "[1.2.3.4", "[]", "[x]", "[256.1.1.1]",
		"a\n" };
	char label[65];

	(void)state;
	for (size_t i = 0; i < COUNT(good); i++)
		assert_true(domain_is_valid(slice_of(good[i])));
	for (size_t i = 0; i < COUNT(bad); i++)
		assert_false(domain_is_valid(slice_of(bad[i])));
	memset(label, 'a', sizeof(label));
	assert_true(domain_is_valid(slice_make(label, 63)));
	assert_false(domain_is_valid(slice_make(label, 64)));
}

static void
utf8_stands_where_it_may(void **state)
{
	static const struct {
		const char *text, *local, *domain; /* NULL: refused */
	} cases[] = {
		{ "<j\xc3\xb6rg@b.test>", "j\xc3\xb6rg", "b.test" },
		{ "<\xe7\x94\xa8@\xe4\xbe\x8b.test>", "\xe7\x94\xa8",
		    "\xe4\xbe\x8b.test" },
		{ "<\"\xc3\xa4 b\"@b.test>", "\xc3\xa4 b", "b.test" },
		{ "<a@xn--e1afmkfd.test>", "a", "xn--e1afmkfd.test" },
		{ "<e\xcc\x81@b.test>", "e\xcc\x81", "b.test" },
		{ "<\xc3@b.test>", NULL, NULL },
		{ "<a@b\xc3.test>", NULL, NULL },
		{ "<\xc0\xaf@b.test>", NULL, NULL },
		{ "<\xed\xa0\x80@b.test>", NULL, NULL },
		{ "<\"\xff\"@b.test>", NULL, NULL },
		{ "<a@-\xc3\xa4.test>", NULL, NULL },
		{ "<a@\xc3\xa4..test>", NULL, NULL },
		{ "<a@\xc3\xa4_.test>", NULL, NULL },
	};
	struct arena *arena = arena_new("test", 65536);
	struct address address;
	struct slice text;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		bool ok;

		text = slice_of(cases[i].text);
		ok = address_parse_path(&text, utf8, arena, &address, NULL);
		assert_int_equal(ok, cases[i].local != NULL);
		if (ok) {
			assert_slice_equal(
			    address.local, slice_of(cases[i].local));
			assert_slice_equal(
			    address.domain, slice_of(cases[i].domain));
		}
		text = slice_of(cases[i].text);
		if (!slice_is_ascii(text))
			assert_false(address_parse_path(
			    &text, sender, arena, &address, NULL));
	}
	arena_free(&arena);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(utf8_stands_where_it_may),
		cmocka_unit_test(paths_are_taken_as_the_grammar_says),
		cmocka_unit_test(what_is_no_path_is_refused_with_a_reason),
		cmocka_unit_test(long_addresses_are_refused_not_cut),
		cmocka_unit_test(formatting_and_parsing_agree),
		cmocka_unit_test(domains_have_labels_of_letters_digits_hyphens),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
