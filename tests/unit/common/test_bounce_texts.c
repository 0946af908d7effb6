/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "tests/unit/unit.h"

#include <stdio.h>
#include <string.h>

#include "common/bounce_texts.h"

#define TOP  "Subject: S\nMeans: M\n\n"
#define GOOD "[failed xx]\n" TOP "a\n$recipients\n"

static const struct {
	const char *text, *error;
} broken[] = {
	{ "", NULL },
	{ "# nothing\n\n", NULL },
	{ GOOD, NULL },
	{ "[failed xx]\r\nSubject: S\r\nMeans: "
	  "M\r\n\r\n$recipients\r\n",
	    NULL },
	{ "[delayed pt-BR]\n" TOP "$retry_until $$5\n$recipients", NULL },
	{ GOOD GOOD, NULL },
	{ "hello\n", "line 1: no [KIND LANGUAGE] before it" },
	{ "[failed]\n", "line 1: not [KIND LANGUAGE]" },
	{ "[failed xx\n", "line 1: not [KIND LANGUAGE]" },
	{ "[failed xx] y\n", "line 1: not [KIND LANGUAGE]" },
	{ "\n[lost xx]\n", "line 2: the kind is not failed, delayed, "
			   "success or expanded" },
	{ "[failed x_x]\n", "line 1: the language is not like \"en\"" },
	{ "[failed xx]\nSubject: S\n\n$recipients\n",
	    "line 3: Subject: or Means: is missing" },
	{ "[failed xx]\nSubject:\n",
	    "line 2: not \"Subject: TEXT\" or \"Means: TEXT\"" },
	{ "[failed xx]\nFrom: S\n",
	    "line 2: a field that is neither Subject nor Means" },
	{ "[failed xx]\n" TOP "a\n",
	    "line 5: $recipients is there 0 times, not once" },
	{ "[failed xx]\n" TOP "$recipients\n$recipients\n",
	    "line 6: $recipients is there 2 times, not once" },
	{ "[failed xx]\n" TOP "to $recipients\n",
	    "line 5: $recipients is not alone in its line" },
	{ "[failed xx]\n" TOP "$hostname$recipients\n",
	    "line 5: $recipients is not alone in its line" },
	{ "[failed xx]\n" TOP "$recipients.\n",
	    "line 5: $recipients is not alone in its line" },
	{ "[failed xx]\n" TOP "$host\n$recipients\n",
	    "line 5: there is no $host ($$ is a dollar sign)" },
	{ "[failed xx]\n" TOP "$recipients\n$",
	    "line 6: there is no $ ($$ is a dollar sign)" },
	{ "[failed xx]\n" TOP "$retry_until\n$recipients\n",
	    "line 5: $retry_until is for delayed only" },
	{ "[failed xx]\n" TOP "a\001\n",
	    "line 5: not UTF-8, a control character, or longer than "
	    "500" },
	{ "[failed xx]\n" TOP "a\xff\n",
	    "line 5: not UTF-8, a control character, or longer than "
	    "500" },
};

static void
what_is_wrong_is_said_with_its_line(void **state)
{
	struct bounce_texts *texts;
	struct why why;

	(void)state;
	for (size_t i = 0; i < sizeof(broken) / sizeof(broken[0]); i++) {
		texts = bounce_texts_new();
		memset(&why, 0, sizeof(why));
		assert_int_equal(
		    bounce_texts_add(texts, slice_of(broken[i].text), &why),
		    broken[i].error == NULL);
		if (broken[i].error != NULL)
			assert_string_equal(why.text, broken[i].error);
		bounce_texts_free(&texts);
		assert_null(texts);
	}
}

static bool
takes(struct bounce_texts *texts, const struct buf *text)
{
	return bounce_texts_add(texts, buf_slice(text), NULL);
}

static void
add_lines(struct buf *text, size_t length)
{
	size_t n;

	for (; length > 0; length -= n) {
		n = length < 100 ? length : 100;
		buf_add_format(text, "%*s\n", (int)n - 1, "");
	}
}

static void
limits_are_at_their_figures(void **state)
{
	static const size_t lengths[] = { BOUNCE_TEXT_LINE_MAX,
		BOUNCE_TEXT_LINE_MAX + 1 };
	struct bounce_texts *texts = bounce_texts_new();
	size_t count = 0;
	struct buf text;

	(void)state;
	buf_init(&text, 2 * BOUNCE_TEXTS_FILE_MAX);
	for (size_t i = 0; i < 2; i++) {
		buf_clear(&text);
		buf_add_string(&text, GOOD);
		for (size_t n = 0; n < lengths[i]; n++)
			buf_add_char(&text, 'x');
		assert_int_equal(takes(texts, &text), i == 0);
	}
	for (size_t i = 0; i < 2; i++) {
		buf_clear(&text);
		buf_add_string(&text, "[failed xx]\n" TOP "$recipients\n");
		add_lines(&text, BOUNCE_TEXT_MAX + i - strlen("$recipients\n"));
		assert_int_equal(takes(texts, &text), i == 0);
	}
	buf_clear(&text);
	while (text.len < BOUNCE_TEXTS_FILE_MAX)
		buf_add_char(&text, '\n');
	assert_true(takes(texts, &text));
	buf_add_char(&text, '\n');
	assert_false(takes(texts, &text));
	for (; count < BOUNCE_TEXTS_MAX; count++) {
		buf_clear(&text);
		buf_add_format(
		    &text, "[failed x-%zu]\n" TOP "$recipients\n", count);
		if (!takes(texts, &text))
			break;
	}
	/* Our own and xx were there. */
	assert_int_equal(count, BOUNCE_TEXTS_MAX - 6 * BOUNCE_KINDS - 1);
	buf_free(&text);
	bounce_texts_free(&texts);
}

/* Every language of ours has every kind, and is what a file may be. */
static void
ours_are_complete(void **state)
{
	static const char *const languages[] = { "en", "id", "de", "fr", "es",
		"nl" };
	struct bounce_texts *texts = bounce_texts_new();
	struct buf text;

	(void)state;
	for (size_t i = 0; i < sizeof(languages) / sizeof(languages[0]); i++)
		for (int kind = 0; kind < BOUNCE_KINDS; kind++)
			assert_non_null(bounce_texts_find(texts,
			    (enum bounce_kind)kind, slice_of(languages[i])));
	buf_init(&text, BOUNCE_TEXTS_FILE_MAX);
	bounce_texts_default_text(&text);
	assert_true(takes(texts, &text));
	buf_free(&text);
	bounce_texts_free(&texts);
}

static void
a_later_text_replaces_an_earlier_one(void **state)
{
	struct bounce_texts *texts = bounce_texts_new();
	const struct bounce_text *text;

	(void)state;
	assert_true(bounce_texts_add(texts,
	    S("[failed EN]\nSubject: Oh\nMeans: So\n\n"
	      "Sorry.\n# no text\n$recipients\n# nor this\n[delayed xx]\n" TOP
	      "$recipients\n"),
	    NULL));
	text = bounce_texts_find(texts, BOUNCE_FAILED, S("en"));
	assert_slice_equal(text->subject, S("Oh"));
	assert_slice_equal(text->means, S("So"));
	assert_slice_equal(text->body, S("Sorry.\n$recipients\n"));
	assert_non_null(bounce_texts_find(texts, BOUNCE_DELAYED, S("en")));
	assert_non_null(bounce_texts_find(texts, BOUNCE_DELAYED, S("xx")));
	assert_null(bounce_texts_find(texts, BOUNCE_FAILED, S("xx")));
	bounce_texts_free(&texts);
}

static void
the_message_chooses_its_language(void **state)
{
	static const struct {
		const char *header, *language;
	} rows[] = {
		{ "", "id" },
		{ "Subject: x\r\n", "id" },
		{ "Accept-Language: de\r\n", "de" },
		{ "accept-language: DE-at\r\n", "de" },
		{ "Accept-Language: fr, de\r\n", "de" },
		{ "Accept-Language: en;q=0.5, de;q=0.9\r\n", "de" },
		{ "Accept-Language: en;q=0.5, de; q=0.50\r\n", "en" },
		{ "Accept-Language: de;q=0, en;q=0.001\r\n", "en" },
		{ "Accept-Language: de;q=7, en;q=1.5, id;q=x\r\n", "id" },
		{ "Accept-Language: de;q=0.123, en;level=1\r\n", "de" },
		{ "Accept-Language: de;q=0.1234, en;level=1\r\n", "id" },
		{ "Accept-Language: *, en\r\n", "en" },
		{ "Accept-Language:\r\n fr-CA,\r\n en-US\r\n", "en" },
		{ "Accept-Language: d\r\n", "id" },
		{ "Accept-Language: -\r\n", "id" },
		{ "Content-Language: en-US\r\n", "en" },
		{ "Content-Language: de\r\nAccept-Language: en\r\n", "en" },
		{ "Content-Language: de\r\nAccept-Language: fr\r\n", "de" },
		{ "x\r\n\r\nAccept-Language: de\r\n", "id" },
		/* There is a text in Dutch, but it is not asked for. */
		{ "Accept-Language: nl, en;q=0.1\r\n", "en" },
		{ "Accept-Language: a,b,c,d,e,f,g,h,i,j,k,l,m,n,o,en\r\n",
		    "en" },
		{ "Accept-Language: a,b,c,d,e,f,g,h,i,j,k,l,m,n,o,p,en\r\n",
		    "id" },
	};
	static char id[] = "id", de[] = "de", en[] = "en", xx[] = "xx";
	static char *languages[] = { id, de, en, xx };
	const struct string_list list = { 4, languages }, none = { 0, NULL },
				 unknown = { 1, languages + 3 };
	struct bounce_texts *texts = bounce_texts_new();

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_slice_equal(bounce_texts_choose(texts, BOUNCE_FAILED,
				       &list, slice_of(rows[i].header))
				       ->language,
		    slice_of(rows[i].language));
	assert_slice_equal(
	    bounce_texts_choose(texts, BOUNCE_DELAYED, &none, S(""))->language,
	    S("en"));
	assert_slice_equal(
	    bounce_texts_choose(texts, BOUNCE_SUCCESS, &unknown, S(""))
		->language,
	    S("en"));
	bounce_texts_free(&texts);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_wrong_is_said_with_its_line),
		cmocka_unit_test(limits_are_at_their_figures),
		cmocka_unit_test(ours_are_complete),
		cmocka_unit_test(a_later_text_replaces_an_earlier_one),
		cmocka_unit_test(the_message_chooses_its_language),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
