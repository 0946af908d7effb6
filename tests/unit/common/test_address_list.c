/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "tests/unit/unit.h"

#include <string.h>

#include "common/address.h"
#include "common/limits.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* "display|route|local|domain;" for a mailbox, "{name;" and "};". */
static bool
write_item(void *context, const struct address_item *item)
{
	struct buf *out = context;

	if (item->kind == ADDRESS_GROUP_START)
		return buf_add_format(out, "{%.*s;", SLICE_FMT(item->display));
	if (item->kind == ADDRESS_GROUP_END)
		return buf_add_string(out, "};");
	return buf_add_format(out, "%.*s|%.*s|%.*s|%.*s;",
	    SLICE_FMT(item->display), SLICE_FMT(item->route),
	    SLICE_FMT(item->address.local), SLICE_FMT(item->address.domain));
}

static const struct {
	const char *input, *items;
} lists[] = {
	/* plain */
	{ "", "" },
	{ "a@b", "||a|b;" },
	{ " a@b.c , d@e ", "||a|b.c;||d|e;" },
	{ "Ann <a@b>", "Ann||a|b;" },
	{ "<a@b>", "||a|b;" },
	{ "Ann B. C <a@b>", "Ann B. C||a|b;" },
	{ "\"Ann, B\" <a@b>", "Ann, B||a|b;" },
	{ "\"a \\\"q\\\" b\" <a@b>", "a \"q\" b||a|b;" },
	{ "\"x y\"@b", "||x y|b;" },
	{ "root", "||root|;" },
	/* RFC 5322 appendix A */
	{ "\"Joe Q. Public\" <john.q.public@example.com>",
	    "Joe Q. Public||john.q.public|example.com;" },
	{ "Mary Smith <mary@x.test>, jdoe@example.org, Who? "
	  "<one@y.test>",
	    "Mary Smith||mary|x.test;||jdoe|example.org;"
	    "Who?||one|y.test;" },
	{ "<boss@nil.test>, \"Giant; \\\"Big\\\" Box\" "
	  "<sysservices@example.net>",
	    "||boss|nil.test;"
	    "Giant; \"Big\" Box||sysservices|example.net;" },
	{ "A Group:Ed Jones <c@a.test>,joe@where.test,John "
	  "<jdoe@one.test>;",
	    "{A Group;Ed Jones||c|a.test;||joe|where.test;"
	    "John||jdoe|one.test;};" },
	{ "Undisclosed recipients:;", "{Undisclosed recipients;};" },
	{ "Pete(A nice \\) chap) <pete(his account)@silly.test(his "
	  "host)>",
	    "Pete||pete|silly.test;" },
	{ "A Group(Some people)\r\n     :Chris Jones <c@(Chris's "
	  "host.)public.example>,\r\n joe@example.org,\r\n John "
	  "<jdoe@one.test> (my dear friend); (the end of the group)",
	    "{A Group;Chris Jones||c|public.example;"
	    "||joe|example.org;John||jdoe|one.test;};" },
	{ "Joe <@node.test,@other:john@x.y>",
	    "Joe|@node.test,@other|john|x.y;" },
	{ "john . doe @ example . com", "||john.doe|example.com;" },
	{ ", a@b,, ,c@d,", "||a|b;||c|d;" },
	/* comments */
	{ "a@b (Ann (really) B)", "Ann (really) B||a|b;" },
	{ "(one) a@b", "one||a|b;" },
	{ "((((nested))))a@b", "(((nested)))||a|b;" },
	/* what people send */
	{ "a@b c@d", "||a|b;||c|d;" },
	{ "Ann <a@b> Bob <c@d>", "Ann||a|b;Bob||c|d;" },
	{ "Ann a@b", "Ann||a|b;" },
	{ "\"Ann\"<a@b>", "Ann||a|b;" },
	{ "Ann <a@b", "Ann||a|b;" },
	{ "Ann <a@b, Bob <c@d>", "Ann||a|b;Bob||c|d;" },
	{ "a@b>", "||a|b;" },
	{ "<>", "" },
	{ "<>, a@b", "||a|b;" },
	{ "\"unclosed <a@b>", "||unclosed <a@b>|;" },
	{ "(unclosed a@b", "" },
	{ "a@[192.0.2.1]", "||a|[192.0.2.1];" },
	{ "a@[IPv6: ::1 ]", "||a|[IPv6:::1];" },
	{ "a@b.", "||a|b;" },
	{ "a@", "||a|;" },
	{ "@b", "||b|;" },
	{ "g:a@b", "{g;||a|b;};" },
	{ "g:h:a@b;", "{g;h||a|b;};" },
	{ ";;", "" },
	{ "=?utf-8?q?J=C3=B6rg?= <j@b>", "=?utf-8?q?J=C3=B6rg?=||j|b;" },
	{ "J\xc3\xb6rg <j@b>", "J\xc3\xb6rg||j|b;" },
	{ "a@b\r\n\t, c@d\r\n", "||a|b;||c|d;" },
};

static void
lists_of_all_forms_are_understood(void **state)
{
	struct arena *arena = arena_new("test", 1 << 20);
	struct buf out;

	(void)state;
	buf_init(&out, 65536);
	for (size_t i = 0; i < COUNT(lists); i++) {
		buf_clear(&out);
		assert_true(address_list_parse(
		    slice_of(lists[i].input), arena, write_item, &out));
		if (strcmp(buf_string(&out), lists[i].items) != 0)
			fail_msg("%s: %s, expected %s", lists[i].input,
			    buf_string(&out), lists[i].items);
	}
	buf_free(&out);
	arena_free(&arena);
}

static bool
count_item(void *context, const struct address_item *item)
{
	size_t *count = context;

	(void)item;
	++*count;
	return *count != 7;
}

/* Half a megabyte of each hurts a parser that recurses or goes back. */
static void
hostile_lists_take_linear_time(void **state)
{
	static const char *const units[] = { "(", ")", "\"", "\\", "<", ">",
		"@", ",", ";", ":", ".", "a", "a ", "a@", "a@b ", "a@b,", "(\\",
		"\"\\", "<@", "a:", "a<", "[", "a@[", "a@b(c)", "\r\n ", "a.",
		"a@b.", "<a@b>", "(()", "\"a\" " };
	struct arena *arena = arena_new("test", 1 << 26);
	struct buf input;
	size_t count;

	(void)state;
	buf_init(&input, 1 << 20);
	for (size_t i = 0; i < COUNT(units); i++) {
		buf_clear(&input);
		while (input.len < 500000)
			buf_add_string(&input, units[i]);
		arena_reset(arena);
		count = 100;
		assert_true(address_list_parse(
		    buf_slice(&input), arena, count_item, &count));
		assert_true(count <= 100 + LIMIT_ADDRESSES + 1);
	}
	buf_free(&input);
	arena_free(&arena);
}

static void
the_caller_and_the_arena_can_stop_it(void **state)
{
	struct arena *arena = arena_new("test", 1 << 16);
	struct buf input;
	size_t count = 0;

	(void)state;
	assert_false(address_list_parse(
	    S("a,b,c,d,e,f,g,h,i,j"), arena, count_item, &count));
	assert_int_equal(count, 7);
	buf_init(&input, 1 << 20);
	while (input.len < 300000)
		buf_add_string(&input, "a");
	count = 100;
	assert_false(
	    address_list_parse(buf_slice(&input), arena, count_item, &count));
	assert_int_equal(count, 100);
	buf_free(&input);
	arena_free(&arena);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lists_of_all_forms_are_understood),
		cmocka_unit_test(hostile_lists_take_linear_time),
		cmocka_unit_test(the_caller_and_the_arena_can_stop_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
