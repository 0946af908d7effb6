/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "common/answers.h"

#include <string.h>

#include "common/alloc.h"
#include "common/arena.h"
#include "common/date.h"

struct answers {
	struct arena *arena;
	size_t count;
	struct answer_rule rules[ANSWERS_MAX];
};

bool
answers_matches(struct slice pattern, struct slice text)
{
	size_t p = 0, t = 0, star = SIZE_MAX, mark = 0;

	while (t < text.len) {
		if (p < pattern.len && pattern.ptr[p] == '*') {
			star = p++;
			mark = t;
		} else if (p < pattern.len && ascii_lower(pattern.ptr[p]) ==
						  ascii_lower(text.ptr[t])) {
			p++;
			t++;
		} else if (star != SIZE_MAX) {
			p = star + 1;
			t = ++mark;
		} else {
			return false;
		}
	}
	while (p < pattern.len && pattern.ptr[p] == '*')
		p++;
	return p == pattern.len;
}

/* What stands in double quotes at the beginning of rest. */
static bool
take_quoted(struct slice *rest, struct slice *text)
{
	*rest = slice_trim(*rest);
	if (!slice_starts(*rest, S("\"")))
		return false;
	return slice_cut(slice_from(*rest, 1), '"', text, rest);
}

static bool
parse_actions(struct slice words, struct answer_rule *rule, struct why *why)
{
	struct slice word;

	while (slice_token(&words, S(" \t"), &word)) {
		if (slice_eq(word, S("defer"))) {
			rule->is_deferring = true;
		} else if (!slice_eq(word, S("slow"))) {
			return why_set(why,
			    "\"%.*s\" is neither defer nor slow TIME",
			    SLICE_FMT(slice_first(word, 40)));
		} else if (!slice_token(&words, S(" \t"), &word) ||
			   !date_parse_span(word, &rule->slow) ||
			   rule->slow < ANSWERS_LEAST_SLOW ||
			   rule->slow > ANSWERS_SLOW_MAX) {
			return why_set(why, "slow needs a time from 1m to 1d");
		}
	}
	return true;
}

static bool
is_text(struct slice text)
{
	for (size_t i = 0; i < text.len; i++)
		if (!ascii_is_print(text.ptr[i]))
			return false;
	return text.len > 0;
}

static bool
parse_rule(struct slice line, struct answer_rule *rule, struct why *why)
{
	struct slice actions;

	memset(rule, 0, sizeof(*rule));
	if (line.len > ANSWERS_LINE_MAX)
		return why_set(why, "longer than %d", ANSWERS_LINE_MAX);
	if (!slice_token(&line, S(" \t"), &rule->host) ||
	    !slice_token(&line, S(" \t"), &rule->reply) ||
	    !take_quoted(&line, &rule->text))
		return why_set(why, "not HOST REPLY \"TEXT\"");
	if (!slice_cut(line, ':', &actions, &rule->meaning))
		return why_set(why, "no \": MEANING\" at its end");
	rule->meaning = slice_trim(rule->meaning);
	if (!is_text(rule->meaning) || rule->meaning.len > ANSWERS_MEANING)
		return why_set(why,
		    "the meaning is not 1 to %d printable characters",
		    ANSWERS_MEANING);
	return parse_actions(actions, rule, why);
}

static bool
parse_lines(struct answers *answers, struct slice rest, struct why *why)
{
	struct slice line;
	size_t number = 0;
	struct why cause;

	while (rest.len > 0) {
		slice_cut(rest, '\n', &line, &rest);
		number++;
		line = slice_trim(line);
		if (line.len == 0 || line.ptr[0] == '#')
			continue;
		if (answers->count == ANSWERS_MAX)
			return why_set(why, "line %zu: more than %d rules",
			    number, ANSWERS_MAX);
		memset(&cause, 0, sizeof(cause));
		if (!parse_rule(line, &answers->rules[answers->count], &cause))
			return why_set(why, "line %zu: %s", number, cause.text);
		answers->count++;
	}
	return true;
}

struct answers *
answers_parse(struct slice text, struct why *why)
{
	struct answers *answers = alloc_zero(1, sizeof(*answers));
	struct slice copy;

	answers->arena = arena_new("answers", 2 * ANSWERS_FILE_MAX);
	copy = arena_slice(answers->arena, text);
	if (text.len > ANSWERS_FILE_MAX || (copy.ptr == NULL && text.len > 0))
		why_set(why, "more than %d bytes", ANSWERS_FILE_MAX);
	else if (parse_lines(answers, copy, why))
		return answers;
	answers_free(&answers);
	return NULL;
}

struct answers *
answers_default(void)
{
	struct answers *answers;
	struct buf text;

	buf_init(&text, ANSWERS_FILE_MAX);
	answers_default_text(&text);
	answers = answers_parse(buf_slice(&text), NULL);
	BUG_UNLESS(answers != NULL);
	buf_free(&text);
	return answers;
}

void
answers_free(struct answers **answers)
{
	if (*answers == NULL)
		return;
	arena_free(&(*answers)->arena);
	alloc_release(*answers);
	*answers = NULL;
}

size_t
answers_count(const struct answers *answers)
{
	return answers->count;
}

/* The first word of three digits, where remote text begins. */
static struct slice
find_code(struct slice reply)
{
	struct slice word, rest = reply;

	while (slice_token(&rest, S(" "), &word))
		if (word.len >= 3 && ascii_is_digit(word.ptr[0]) &&
		    ascii_is_digit(word.ptr[1]) && ascii_is_digit(word.ptr[2]))
			return slice_first(word, 3);
	return slice_first(reply, 0);
}

const struct answer_rule *
answers_find(
    const struct answers *answers, struct slice remote, struct slice reply)
{
	struct slice host = slice_first(remote, slice_index(remote, '['));
	struct slice code = find_code(reply);

	for (size_t i = 0; i < answers->count; i++)
		if (answers_matches(answers->rules[i].reply, code) &&
		    answers_matches(answers->rules[i].host, host) &&
		    answers_matches(answers->rules[i].text, reply))
			return &answers->rules[i];
	return NULL;
}
