/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "common/mime/parameter.h"

#include <string.h>

static bool
is_blank(char c)
{
	return ascii_is_space(c) || c == '\r' || c == '\n';
}

/* Blanks and (nested) comments. */
static void
skip_blanks(struct slice *rest)
{
	size_t depth = 0, i;

	for (i = 0; i < rest->len; i++) {
		char c = rest->ptr[i];

		if (depth > 0 && c == '\\')
			i++;
		else if (c == '(')
			depth++;
		else if (c == ')' && depth > 0)
			depth--;
		else if (depth == 0 && !is_blank(c))
			break;
	}
	*rest = slice_from(*rest, i);
}

static struct slice
take_until(struct slice *rest, struct slice stops)
{
	struct slice token;
	size_t n = 0;

	while (n < rest->len && !is_blank(rest->ptr[n]) &&
	       slice_index(stops, rest->ptr[n]) == stops.len)
		n++;
	token = slice_first(*rest, n);
	*rest = slice_from(*rest, n);
	return token;
}

/* rest is behind the opening quote. Line ends of foldings are dropped. */
static bool
take_quoted(struct slice *rest, struct arena *arena, struct slice *out)
{
	size_t i, n = 0;
	char *copy;

	for (i = 0; i < rest->len && rest->ptr[i] != '"'; i++)
		if (rest->ptr[i] == '\\')
			i++;
	copy = arena_alloc(arena, i + 1);
	if (copy == NULL)
		return false;
	for (i = 0; i < rest->len && rest->ptr[i] != '"'; i++) {
		if (rest->ptr[i] == '\r' || rest->ptr[i] == '\n')
			continue;
		if (rest->ptr[i] == '\\' && i + 1 < rest->len)
			i++;
		copy[n++] = rest->ptr[i];
	}
	*out = slice_make(copy, n);
	*rest = slice_from(*rest, i + 1);
	return true;
}

/* "name*3*": base "name", number 3, extended. */
struct piece {
	struct slice base;
	bool has_number, is_extended;
};

static struct piece
split_name(struct slice name)
{
	struct piece piece = { .base = name };
	struct slice number;
	uint64_t value;

	if (name.len > 1 && name.ptr[name.len - 1] == '*') {
		piece.is_extended = true;
		name.len--;
	}
	if (slice_cut(name, '*', &piece.base, &number) &&
	    slice_u64(number, MIME_PARAMETERS_MAX, &value))
		piece.has_number = true;
	else
		piece.base = name;
	return piece;
}

static bool
join_piece(struct mime_parameter *to, struct slice value, struct arena *arena)
{
	char *joined = arena_alloc(arena, to->value.len + value.len + 1);

	if (joined == NULL)
		return false;
	if (to->value.len > 0)
		memcpy(joined, to->value.ptr, to->value.len);
	if (value.len > 0)
		memcpy(joined + to->value.len, value.ptr, value.len);
	to->value = slice_make(joined, to->value.len + value.len);
	return true;
}

static bool
extended_name(struct mime_parameter *p, struct arena *arena)
{
	size_t n = p->name.len;
	char *starred = arena_alloc(arena, n + 2);

	if (starred == NULL)
		return false;
	memcpy(starred, p->name.ptr, n);
	starred[n] = '*';
	p->name = slice_make(starred, n + 1);
	return true;
}

/* Continuations follow their first piece; order is taken as it comes. */
static bool
add_parameter(struct mime_parameter **list, struct slice name,
    struct slice value, struct arena *arena)
{
	struct piece piece = split_name(name);
	struct mime_parameter *p;
	size_t count = 0;

	for (; *list != NULL; list = &(*list)->next, count++) {
		struct slice base = (*list)->name;

		if (base.len > 0 && base.ptr[base.len - 1] == '*')
			base.len--;
		if (piece.has_number && slice_eq_nocase(base, piece.base))
			return join_piece(*list, value, arena);
	}
	if (count >= MIME_PARAMETERS_MAX)
		return true;
	p = arena_alloc(arena, sizeof(*p));
	if (p == NULL)
		return false;
	p->name = piece.base;
	p->value = value;
	if (piece.is_extended && !extended_name(p, arena))
		return false;
	*list = p;
	return true;
}

static bool
take_parameter_value(
    struct slice *body, struct arena *arena, struct slice *text)
{
	skip_blanks(body);
	if (body->len == 0 || body->ptr[0] != '"') {
		*text = take_until(body, S(";"));
		return true;
	}
	*body = slice_from(*body, 1);
	return take_quoted(body, arena, text);
}

static void
skip_separators(struct slice *body)
{
	skip_blanks(body);
	while (body->len > 0 && body->ptr[0] == ';') {
		*body = slice_from(*body, 1);
		skip_blanks(body);
	}
}

bool
mime_parse_value(struct slice body, struct arena *arena, struct slice *value,
    struct mime_parameter **parameters)
{
	struct slice name, text;

	*parameters = NULL;
	skip_blanks(&body);
	*value = take_until(&body, S(";()"));
	for (;;) {
		skip_separators(&body);
		if (body.len == 0)
			return true;
		name = take_until(&body, S("=;("));
		skip_blanks(&body);
		if (body.len == 0 || body.ptr[0] != '=') {
			if (name.len == 0)
				body = slice_from(body, 1);
			continue;
		}
		body = slice_from(body, 1);
		if (!take_parameter_value(&body, arena, &text))
			return false;
		if (name.len > 0 &&
		    !add_parameter(parameters, name, text, arena))
			return false;
	}
}

struct slice
mime_parameter_get(const struct mime_parameter *p, struct slice name)
{
	for (; p != NULL; p = p->next)
		if (slice_eq_nocase(p->name, name))
			return p->value;
	return slice_make("", 0);
}

bool
mime_unfold(struct slice body, struct arena *arena, struct slice *out)
{
	size_t n = 0;
	char *copy;

	body = slice_trim(body);
	*out = body;
	if (slice_index(body, '\n') == body.len &&
	    slice_index(body, '\r') == body.len)
		return true;
	copy = arena_alloc(arena, body.len + 1);
	if (copy == NULL)
		return false;
	for (size_t i = 0; i < body.len; i++)
		if (body.ptr[i] != '\r' && body.ptr[i] != '\n')
			copy[n++] = body.ptr[i];
	*out = slice_make(copy, n);
	return true;
}
