/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "common/address.h"

#include <string.h>

#include "common/limits.h"

/*
 * Words collect in one buffer, joined by a space where blanks or comments
 * stood between them, or by SOFT_SPACE when that was after a dot: a display
 * name keeps it ("Ann B. Smith"), a local part does not ("ann . smith"). The
 * last run without a joining space is what an "@" takes for its local part;
 * what stands before it is the display name. A finished mailbox waits in
 * item until the next separator, because a comment after it may name it.
 */
#define SOFT_SPACE '\n' /* never part of a word's value */

struct list_parser {
	struct slice input;
	size_t position;
	struct arena *arena;
	address_item_fn *each;
	void *context;
	struct buf words;
	size_t last_run;   /* where in words the last run starts */
	bool is_after_dot; /* the next word joins without a space */
	bool is_after_blank;
	struct buf comment; /* the last comment */
	struct address_item item;
	bool has_item;
	bool is_in_group;
	size_t count;
	bool ok;
};

static bool
list_at_end(const struct list_parser *parser)
{
	return parser->position >= parser->input.len;
}

static char
list_peek(const struct list_parser *parser)
{
	return parser->input.ptr[parser->position];
}

/* Keep bytes past the parse: a copy in the arena. */
static struct slice
list_keep(struct list_parser *parser, struct slice s)
{
	struct slice copy;

	if (s.len == 0)
		return slice_make("", 0);
	copy = arena_slice(parser->arena, s);
	if (copy.ptr == NULL)
		parser->ok = false;
	return copy;
}

/* Words with each SOFT_SPACE as a space, or without them. */
static struct slice
list_keep_words(struct list_parser *parser, struct slice words, bool is_name)
{
	struct slice part, kept;
	struct buf text;

	buf_init(&text, words.len);
	while (slice_cut(words, SOFT_SPACE, &part, &words)) {
		buf_add(&text, part);
		if (is_name)
			buf_add_char(&text, ' ');
	}
	buf_add(&text, part);
	kept = list_keep(
	    parser, is_name ? slice_trim(buf_slice(&text)) : buf_slice(&text));
	buf_free(&text);
	return kept;
}

static void
list_clear_words(struct list_parser *parser)
{
	buf_clear(&parser->words);
	parser->last_run = 0;
	parser->is_after_dot = false;
}

static void
list_give(struct list_parser *parser, const struct address_item *item)
{
	if (!parser->ok || parser->count >= LIMIT_ADDRESSES)
		return;
	parser->count++;
	if (!parser->each(parser->context, item))
		parser->ok = false;
}

/* Give out the mailbox that waits, named by its comment if by nothing. */
static void
list_flush_item(struct list_parser *parser)
{
	struct slice name = slice_trim(buf_slice(&parser->comment));

	if (parser->has_item) {
		if (parser->item.display.len == 0)
			parser->item.display = list_keep(parser, name);
		list_give(parser, &parser->item);
	}
	parser->has_item = false;
	memset(&parser->item, 0, sizeof(parser->item));
	buf_clear(&parser->comment);
}

/* At a separator: words without an "@" are a mailbox without a domain. */
static void
list_flush(struct list_parser *parser)
{
	struct slice words = buf_slice(&parser->words);

	if (!parser->has_item && words.len > 0) {
		parser->has_item = true;
		parser->item.address.local = list_keep_words(
		    parser, slice_from(words, parser->last_run), false);
		parser->item.display = list_keep_words(
		    parser, slice_first(words, parser->last_run), true);
	}
	list_flush_item(parser);
	list_clear_words(parser);
}

/* comment (RFC 5322 section 3.2.2): nested ones by counting. */
static void
list_comment(struct list_parser *parser)
{
	size_t depth = 0;
	char c;

	buf_clear(&parser->comment);
	for (; !list_at_end(parser); parser->position++) {
		c = list_peek(parser);
		if (c == '\r' || c == '\n')
			continue;
		if (c == '\\' && parser->position + 1 < parser->input.len)
			c = parser->input.ptr[++parser->position];
		else if (c == '(' && depth++ == 0)
			continue;
		else if (c == ')' && --depth == 0)
			break;
		buf_add_char(&parser->comment, c);
	}
	parser->position++;
}

/* CFWS. */
static void
list_skip(struct list_parser *parser)
{
	for (; !list_at_end(parser); parser->is_after_blank = true) {
		switch (list_peek(parser)) {
		case ' ':
		case '\t':
		case '\r':
		case '\n':
			parser->position++;
			break;
		case '(':
			list_comment(parser);
			break;
		default:
			return;
		}
	}
}

/* Open a word: a space before it, and a new run, unless a dot joins it. */
static void
list_begin_word(struct list_parser *parser)
{
	if (parser->has_item)
		list_flush(parser);
	if (parser->words.len > 0 && parser->is_after_blank) {
		buf_add_char(
		    &parser->words, parser->is_after_dot ? SOFT_SPACE : ' ');
		if (!parser->is_after_dot)
			parser->last_run = parser->words.len;
	}
	parser->is_after_dot = false;
	parser->is_after_blank = false;
}

/* quoted-string: its value; an unclosed one runs to the end. */
static void
list_quoted(struct list_parser *parser, struct buf *out)
{
	char c;

	for (parser->position++; !list_at_end(parser); parser->position++) {
		c = list_peek(parser);
		if (c == '"')
			break;
		if (c == '\r' || c == '\n')
			continue;
		if (c == '\\' && parser->position + 1 < parser->input.len)
			c = parser->input.ptr[++parser->position];
		buf_add_char(out, c);
	}
	parser->position++;
}

/* Whether c ends an atom; bytes outside ASCII are part of one. */
static bool
is_special(char c)
{
	static const char specials[] = "()<>[]:;@\\,.\" \t\r\n";

	return c != '\0' && memchr(specials, c, sizeof(specials) - 1) != NULL;
}

static struct slice
list_atom(struct list_parser *parser)
{
	size_t start = parser->position;

	while (!list_at_end(parser) && !is_special(list_peek(parser)))
		parser->position++;
	return slice_make(parser->input.ptr + start, parser->position - start);
}

/* domain-literal: everything up to its bracket but blanks. */
static void
list_literal(struct list_parser *parser, struct buf *out)
{
	char c = '[';

	for (; !list_at_end(parser) && c != ']'; parser->position++) {
		c = list_peek(parser);
		if (c != ' ' && c != '\t' && c != '\r' && c != '\n')
			buf_add_char(out, c);
	}
}

/* domain after "@", comments and blanks left out. */
static struct slice
list_domain(struct list_parser *parser)
{
	struct slice domain;
	struct buf text;
	char c;

	buf_init(&text, parser->input.len);
	for (list_skip(parser); !list_at_end(parser); list_skip(parser)) {
		c = list_peek(parser);
		if (c == '[' && text.len == 0) {
			list_literal(parser, &text);
		} else if (c == '.') {
			buf_add_char(&text, c);
			parser->position++;
		} else if (!is_special(c) &&
			   (text.len == 0 || text.ptr[text.len - 1] == '.')) {
			buf_add(&text, list_atom(parser));
		} else {
			break;
		}
	}
	if (text.len > 1 && text.ptr[text.len - 1] == '.')
		text.len--;
	domain = list_keep(parser, buf_slice(&text));
	buf_free(&text);
	return domain;
}

/* obs-route (RFC 5322 section 4.4): "@a,@b:", kept without its colon. */
static void
list_route(struct list_parser *parser)
{
	size_t start = parser->position;
	char c;

	while (!list_at_end(parser)) {
		c = list_peek(parser);
		if (c == ':' || c == '>' || c == '<')
			break;
		parser->position++;
	}
	parser->item.route =
	    list_keep(parser, slice_trim(slice_make(parser->input.ptr + start,
				  parser->position - start)));
	if (!list_at_end(parser) && list_peek(parser) == ':')
		parser->position++;
}

/* The inside of <>: an optional route, local part, domain. */
static void
list_angle_inside(struct list_parser *parser)
{
	char c;

	list_skip(parser);
	if (!list_at_end(parser) && list_peek(parser) == '@')
		list_route(parser);
	for (list_skip(parser); !list_at_end(parser); list_skip(parser)) {
		c = list_peek(parser);
		if (c == '"') {
			list_quoted(parser, &parser->words);
		} else if (!is_special(c)) {
			buf_add(&parser->words, list_atom(parser));
		} else if (c == '@') {
			parser->position++;
			parser->item.address.domain = list_domain(parser);
		} else if (c == '>' || c == ',' || c == ';' || c == '<') {
			break;
		} else {
			if (c == '.')
				buf_add_char(&parser->words, c);
			parser->position++;
		}
	}
}

/* angle-addr (RFC 5322 section 3.4); "<>" is no mailbox. */
static void
list_angle(struct list_parser *parser)
{
	if (parser->has_item)
		list_flush(parser);
	parser->position++;
	parser->item.display =
	    list_keep_words(parser, buf_slice(&parser->words), true);
	list_clear_words(parser);
	list_angle_inside(parser);
	if (!list_at_end(parser) && list_peek(parser) == '>')
		parser->position++;
	parser->item.address.local =
	    list_keep(parser, buf_slice(&parser->words));
	parser->has_item = !address_is_null(&parser->item.address);
	list_clear_words(parser);
}

/* addr-spec without brackets: the last run of words was its local part. */
static void
list_at_sign(struct list_parser *parser)
{
	struct slice words = buf_slice(&parser->words);

	parser->position++;
	if (words.len == 0 || parser->has_item)
		return;
	parser->item.address.local =
	    list_keep_words(parser, slice_from(words, parser->last_run), false);
	parser->item.display =
	    list_keep_words(parser, slice_first(words, parser->last_run), true);
	list_clear_words(parser);
	parser->item.address.domain = list_domain(parser);
	parser->has_item = true;
}

static void
list_group(struct list_parser *parser, enum address_item_kind kind)
{
	struct address_item item = { .kind = kind };

	if (kind == ADDRESS_GROUP_START) {
		item.display =
		    list_keep_words(parser, buf_slice(&parser->words), true);
		list_clear_words(parser);
		buf_clear(&parser->comment);
	}
	parser->is_in_group = kind == ADDRESS_GROUP_START;
	list_give(parser, &item);
}

/* "," ";" ":" "." and what has no business outside a string. */
static void
list_punctuation(struct list_parser *parser, char c)
{
	parser->position++;
	if (c == '.' && !parser->has_item) {
		buf_add_char(&parser->words, c);
		parser->is_after_dot = true;
		parser->is_after_blank = false;
	} else if (c == ',' || c == ';') {
		list_flush(parser);
		if (c == ';' && parser->is_in_group)
			list_group(parser, ADDRESS_GROUP_END);
	} else if (c == ':' && !parser->is_in_group && !parser->has_item) {
		list_group(parser, ADDRESS_GROUP_START);
	} else {
		parser->is_after_blank = true;
	}
}

static void
list_step(struct list_parser *parser)
{
	char c = list_peek(parser);

	if (c == '"') {
		list_begin_word(parser);
		list_quoted(parser, &parser->words);
	} else if (!is_special(c)) {
		list_begin_word(parser);
		buf_add(&parser->words, list_atom(parser));
	} else if (c == '<') {
		list_angle(parser);
	} else if (c == '@') {
		list_at_sign(parser);
	} else {
		list_punctuation(parser, c);
	}
}

bool
address_list_parse(struct slice field_body, struct arena *arena,
    address_item_fn *each, void *context)
{
	struct list_parser parser = { .input = field_body,
		.arena = arena,
		.each = each,
		.context = context,
		.ok = true };

	/* A byte of input adds itself and at most one joining space. */
	buf_init(&parser.words, 2 * field_body.len + 1);
	buf_init(&parser.comment, field_body.len);
	for (list_skip(&parser); parser.ok && !list_at_end(&parser) &&
				 parser.count < LIMIT_ADDRESSES;
	     list_skip(&parser))
		list_step(&parser);
	list_flush(&parser);
	if (parser.is_in_group)
		list_group(&parser, ADDRESS_GROUP_END);
	buf_free(&parser.words);
	buf_free(&parser.comment);
	return parser.ok;
}
