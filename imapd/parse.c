/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "imapd/parse.h"

#include <string.h>

#include "common/date.h"
#include "common/limits.h"

void
parse_begin(struct parse *parse, struct slice input, struct arena *arena)
{
	*parse = (struct parse){ .input = input, .arena = arena };
}

bool
parse_fail(struct parse *parse, const char *error)
{
	if (parse->error == NULL)
		parse->error = error;
	return false;
}

char
parse_peek(const struct parse *parse)
{
	return parse->at < parse->input.len ? parse->input.ptr[parse->at]
					    : '\0';
}

static struct slice
parse_rest(const struct parse *parse)
{
	return slice_from(parse->input, parse->at);
}

bool
parse_try(struct parse *parse, char c)
{
	if (parse->at >= parse->input.len || parse_peek(parse) != c)
		return false;
	parse->at++;
	return true;
}

bool
parse_char(struct parse *parse, char c)
{
	static const struct {
		char c;
		const char *error;
	} errors[] = {
		{ ' ', "A space is missing" },
		{ '(', "An opening parenthesis is missing" },
		{ ')', "A closing parenthesis is missing" },
		{ ']', "A closing bracket is missing" },
		{ '.', "A dot is missing" },
	};

	if (parse_try(parse, c))
		return true;
	for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++)
		if (errors[i].c == c)
			return parse_fail(parse, errors[i].error);
	return parse_fail(parse, "Syntax error");
}

bool
parse_space(struct parse *parse)
{
	return parse_char(parse, ' ');
}

/* Blanks before the end are forgiven. */
bool
parse_end(struct parse *parse)
{
	while (parse_try(parse, ' '))
		continue;
	return parse->at == parse->input.len ||
	       parse_fail(parse, "Something follows the last argument");
}

bool
parse_open(struct parse *parse)
{
	if (parse_peek(parse) == '(' && ++parse->depth > LIMIT_IMAP_DEPTH)
		return parse_fail(parse, "Too many parentheses in each other");
	return parse_char(parse, '(');
}

/* ATOM-CHAR: no CTL, space or atom-specials. */
static bool
is_atom_char(char c)
{
	return c > ' ' && c < 0x7f && strchr("(){%*\"\\]", c) == NULL;
}

static bool
take(struct parse *parse, const char *more, struct slice *out)
{
	struct slice rest = parse_rest(parse);
	size_t n = 0;

	while (n < rest.len &&
	       (is_atom_char(rest.ptr[n]) ||
		   (rest.ptr[n] != '\0' && strchr(more, rest.ptr[n]) != NULL)))
		n++;
	*out = slice_first(rest, n);
	parse->at += n;
	return n > 0;
}

bool
parse_try_word(struct parse *parse, struct slice word)
{
	size_t start = parse->at;
	struct slice atom;

	if (take(parse, "", &atom) && slice_eq_nocase(atom, word))
		return true;
	parse->at = start;
	return false;
}

bool
parse_tag(struct parse *parse, struct slice *out)
{
	if (take(parse, "]", out) && slice_index(*out, '+') == out->len)
		return true;
	*out = slice_make(NULL, 0);
	return parse_fail(parse, "A command starts with a tag, a space and a "
				 "command name");
}

bool
parse_atom(struct parse *parse, struct slice *out)
{
	return take(parse, "", out) || parse_fail(parse, "A word is missing");
}

bool
parse_flag(struct parse *parse, struct slice *out)
{
	size_t start = parse->at;

	(void)parse_try(parse, '\\');
	if (!take(parse, "]", out))
		return parse_fail(parse, "A flag is missing");
	*out = slice_make(parse->input.ptr + start, parse->at - start);
	return true;
}

static bool
parse_quoted(struct parse *parse, struct slice *out)
{
	struct slice rest = parse_rest(parse);
	size_t n = 0, i;
	char *copy;

	for (i = 0; i < rest.len && rest.ptr[i] != '"'; i++)
		if (rest.ptr[i] == '\\')
			i++;
	if (i >= rest.len)
		return parse_fail(parse, "A quoted string has no end");
	copy = arena_alloc(parse->arena, i + 1);
	if (copy == NULL)
		return parse_fail(parse, "The command is too large");
	parse->at += i + 1;
	for (size_t j = 0; j < i; j++) {
		if (rest.ptr[j] == '\\')
			j++;
		copy[n] = rest.ptr[j];
		if (copy[n] == '\0' || copy[n] == '\r' || copy[n] == '\n')
			return parse_fail(
			    parse, "A quoted string holds NUL, CR or LF");
		n++;
	}
	*out = slice_make(copy, n);
	return true;
}

static bool
parse_literal(struct parse *parse, struct slice *out)
{
	struct slice rest = parse_rest(parse);
	size_t close = slice_index(rest, '}');
	struct slice number = slice_first(rest, close);
	uint64_t size;

	if (slice_ends(number, S("+")))
		number.len--;
	if (close == rest.len || !slice_u64(number, rest.len, &size) ||
	    !slice_starts(slice_from(rest, close), S("}\r\n")) ||
	    size > rest.len - close - 3)
		return parse_fail(parse, "A literal is malformed");
	*out = slice_first(slice_from(rest, close + 3), (size_t)size);
	parse->at += close + 3 + (size_t)size;
	if (slice_index(*out, '\0') < out->len)
		return parse_fail(parse, "A literal holds NUL");
	return true;
}

bool
parse_string(struct parse *parse, struct slice *out)
{
	if (parse_try(parse, '"'))
		return parse_quoted(parse, out);
	if (parse_try(parse, '{'))
		return parse_literal(parse, out);
	return parse_fail(parse, "A string is missing");
}

bool
parse_astring(struct parse *parse, struct slice *out)
{
	if (parse_peek(parse) == '"' || parse_peek(parse) == '{')
		return parse_string(parse, out);
	return take(parse, "]", out) ||
	       parse_fail(parse, "An argument is missing or not quoted");
}

bool
parse_nstring(struct parse *parse, struct slice *out)
{
	if (parse_try_word(parse, S("NIL"))) {
		*out = slice_make(NULL, 0);
		return true;
	}
	return parse_string(parse, out);
}

bool
parse_pattern(struct parse *parse, struct slice *out)
{
	if (parse_peek(parse) == '"' || parse_peek(parse) == '{')
		return parse_string(parse, out);
	return take(parse, "%*]", out) ||
	       parse_fail(parse, "A mailbox pattern is missing");
}

bool
parse_number(struct parse *parse, uint64_t max, uint64_t *out)
{
	struct slice rest = parse_rest(parse);
	size_t n = 0;

	while (n < rest.len && ascii_is_digit(rest.ptr[n]))
		n++;
	if (!slice_u64(slice_first(rest, n), max, out))
		return parse_fail(parse, "A number is missing or too large");
	parse->at += n;
	return true;
}

bool
parse_date_time(struct parse *parse, time_t *out)
{
	struct slice text;

	if (!parse_string(parse, &text))
		return false;
	return date_parse_imap(text, out) ||
	       parse_fail(parse, "A date looks like "
				 "\"01-Feb-2026 12:00:00 +0000\"");
}

bool
parse_date(struct parse *parse, time_t *out)
{
	struct slice text;
	char whole[40];
	size_t n;

	if (!parse_astring(parse, &text))
		return false;
	n = text.len;
	if (n == 10 || n == 11) {
		whole[0] = ' ';
		memcpy(whole + (n == 10), text.ptr, n);
		memcpy(whole + 11, " 00:00:00 +0000", 16);
		if (date_parse_imap(slice_of(whole), out))
			return true;
	}
	return parse_fail(parse, "A date looks like 1-Feb-2026");
}

static bool
parse_sequence_number(struct parse *parse, uint32_t *out)
{
	uint64_t number;

	if (parse_try(parse, '*')) {
		*out = UINT32_MAX;
		return true;
	}
	if (!parse_number(parse, UINT32_MAX, &number) || number == 0)
		return parse_fail(parse, "A message number is missing or 0");
	*out = (uint32_t)number;
	return true;
}

static size_t
count_commas(struct slice rest)
{
	size_t n = 0;

	for (size_t i = 0; i < rest.len; i++) {
		if (!ascii_is_digit(rest.ptr[i]) && rest.ptr[i] != ':' &&
		    rest.ptr[i] != '*' && rest.ptr[i] != ',')
			break;
		n += rest.ptr[i] == ',';
	}
	return n;
}

bool
parse_sequence_set(struct parse *parse, struct sequence_set *out)
{
	size_t room = count_commas(parse_rest(parse)) + 1;
	struct range *range;

	if (room > LIMIT_IMAP_SEQUENCES)
		return parse_fail(parse, "Too many message ranges");
	out->count = 0;
	out->ranges = arena_alloc(parse->arena, room * sizeof(*out->ranges));
	if (out->ranges == NULL)
		return parse_fail(parse, "The command is too large");
	do {
		range = &out->ranges[out->count++];
		if (!parse_sequence_number(parse, &range->first))
			return false;
		range->last = range->first;
		if (parse_try(parse, ':') &&
		    !parse_sequence_number(parse, &range->last))
			return false;
	} while (parse_try(parse, ','));
	return true;
}
