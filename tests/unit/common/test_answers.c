/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "tests/unit/unit.h"

#include <stdio.h>
#include <string.h>

#include "common/answers.h"

static void
patterns_match_whole_texts(void **state)
{
	static const struct {
		const char *pattern, *text;
		bool matches;
	} rows[] = {
		{ "", "", true },
		{ "", "a", false },
		{ "*", "", true },
		{ "*", "abc", true },
		{ "a", "A", true },
		{ "A*c", "abbC", true },
		{ "a*c", "abcd", false },
		{ "*b*", "abc", true },
		{ "a**c", "ac", true },
		{ "*a*b", "aab", true },
		{ "*ab", "aaab", true },
		{ "ab", "abc", false },
		{ "*.google.com", "google.com", false },
		{ "*.google.com", "MX.Google.COM", true },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_int_equal(answers_matches(slice_of(rows[i].pattern),
				     slice_of(rows[i].text)),
		    rows[i].matches);
}

/* No pattern makes a long answer expensive. */
static void
many_stars_cost_little(void **state)
{
	static char pattern[400], text[4000];

	(void)state;
	for (size_t i = 0; i + 1 < sizeof(pattern); i += 2)
		memcpy(pattern + i, "*a", 2);
	memset(text, 'a', sizeof(text));
	assert_true(answers_matches(slice_make(pattern, sizeof(pattern)),
	    slice_make(text, sizeof(text))));
	pattern[sizeof(pattern) - 1] = 'b';
	assert_false(answers_matches(slice_make(pattern, sizeof(pattern)),
	    slice_make(text, sizeof(text))));
}

static void
the_first_rule_counts(void **state)
{
	struct answers *answers = answers_parse(
	    S("# comment\n\n"
	      "*.google.com 421 \"*4.7.28*\" slow 30m : one\n"
	      "  * 5* \"*rate*\" defer slow 1h : two: it says so\n"
	      "* 550 \"*\" : three\n"),
	    NULL);
	static const struct {
		const char *remote, *reply, *meaning;
	} rows[] = {
		{ "mx.google.com[192.0.2.1]:25", "421 4.7.28 too fast", "one" },
		{ "mx.google.com[192.0.2.1]:25",
		    "host said: 421-4.7.28 too fast", "one" },
		{ "mx.far.test[192.0.2.1]:25", "421 4.7.28 too fast", NULL },
		{ "mx.far.test[192.0.2.1]:25", "554 Rate limit",
		    "two: it says so" },
		{ "", "550 5.1.1 no", "three" },
		{ "mx.far.test", "connection timed out", NULL },
	};
	const struct answer_rule *rule;

	(void)state;
	assert_non_null(answers);
	assert_int_equal(answers_count(answers), 3);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		rule = answers_find(
		    answers, slice_of(rows[i].remote), slice_of(rows[i].reply));
		assert_int_equal(rule != NULL, rows[i].meaning != NULL);
		if (rule != NULL)
			assert_slice_equal(
			    rule->meaning, slice_of(rows[i].meaning));
	}
	rule = answers_find(answers, S("x"), S("500 rate"));
	assert_true(rule->is_deferring);
	assert_int_equal(rule->slow, 3600);
	answers_free(&answers);
}

static void
what_is_no_rule_is_told_with_its_line(void **state)
{
	static const struct {
		const char *text, *told;
	} rows[] = {
		{ "x", "line 1: not HOST REPLY" },
		{ "\n* 4* *x* : y", "line 2: not HOST REPLY" },
		{ "* 4* \"x : y", "line 1: not HOST REPLY" },
		{ "* 4* \"x\" y", "line 1: no \": MEANING\"" },
		{ "* 4* \"x\" :", "the meaning is not 1 to 200" },
		{ "* 4* \"x\" : \x1b[1m", "the meaning is not 1 to 200" },
		{ "* 4* \"x\" wait : y", "neither defer nor slow" },
		{ "* 4* \"x\" slow : y", "slow needs a time" },
		{ "* 4* \"x\" slow 59s : y", "slow needs a time" },
		{ "* 4* \"x\" slow 2d : y", "slow needs a time" },
	};
	struct why why;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		memset(&why, 0, sizeof(why));
		assert_null(answers_parse(slice_of(rows[i].text), &why));
		assert_non_null(strstr(why.text, rows[i].told));
	}
}

static void
limits_hold(void **state)
{
	static char file[ANSWERS_FILE_MAX + 16], meaning[ANSWERS_MEANING + 2];
	struct answers *answers;
	char line[ANSWERS_LINE_MAX + 64];
	size_t used = 0;

	(void)state;
	for (int i = 0; i <= ANSWERS_MAX; i++) {
		used += (size_t)snprintf(
		    file + used, sizeof(file) - used, "* 4* \"%d\" : x\n", i);
		if (i + 1 == ANSWERS_MAX) {
			answers = answers_parse(slice_make(file, used), NULL);
			assert_non_null(answers);
			answers_free(&answers);
		}
	}
	assert_null(answers_parse(slice_make(file, used), NULL));
	memset(meaning, 'm', ANSWERS_MEANING + 1);
	snprintf(line, sizeof(line), "* 4* \"x\" : %s", meaning);
	assert_null(answers_parse(slice_of(line), NULL));
	line[strlen(line) - 1] = '\0';
	answers = answers_parse(slice_of(line), NULL);
	assert_non_null(answers);
	answers_free(&answers);
	memset(file, '#', sizeof(file));
	assert_null(
	    answers_parse(slice_make(file, ANSWERS_FILE_MAX + 1), NULL));
	answers = answers_parse(slice_make(file, ANSWERS_FILE_MAX), NULL);
	assert_non_null(answers);
	answers_free(&answers);
}

static void
ours_are_rules(void **state)
{
	struct answers *answers = answers_default();
	const struct answer_rule *rule;

	(void)state;
	assert_true(answers_count(answers) > 40);
	rule =
	    answers_find(answers, S("gmail-smtp-in.l.google.com[192.0.2.1]:25"),
		S("421-4.7.28 Our system has detected an unusual rate"));
	assert_non_null(rule);
	assert_true(rule->slow > 0);
	rule = answers_find(answers, S("mx.far.test[192.0.2.1]:25"),
	    S("450 4.2.0 <a@far.test>: Recipient address rejected: "
	      "Greylisted"));
	assert_non_null(rule);
	assert_int_equal(rule->slow, 0);
	assert_null(answers_find(
	    answers, S("mx.far.test[192.0.2.1]:25"), S("451 4.3.0 try later")));
	answers_free(&answers);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(patterns_match_whole_texts),
		cmocka_unit_test(many_stars_cost_little),
		cmocka_unit_test(the_first_rule_counts),
		cmocka_unit_test(what_is_no_rule_is_told_with_its_line),
		cmocka_unit_test(limits_hold),
		cmocka_unit_test(ours_are_rules),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
