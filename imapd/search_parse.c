/* SPDX-License-Identifier: ISC */
#include "config.h"

#include <string.h>

#include "common/limits.h"
#include "common/mime/text.h"

#include "imapd/command.h"
#include "imapd/search.h"

#define NEEDLE_MAX 65536

struct search_parser {
	struct parse *parse;
	struct slice charset;
	unsigned int depth;
};

struct key_row;
typedef bool argument_fn(struct search_parser *parser, struct search_key *key);
static argument_fn take_nothing, take_text, take_header, take_number, take_date,
    take_set, take_keyword, take_not, take_or;

static const struct key_row {
	struct slice word;
	enum search_kind kind;
	enum search_cost cost;
	argument_fn *argument;
	uint32_t flags, unset;
	struct slice name;
} key_table[] = {
	{ .word = SLICE("ALL"),
	    .kind = SEARCH_ALL,
	    .cost = COST_NONE,
	    .argument = take_nothing },
	{ .word = SLICE("ANSWERED"),
	    .kind = SEARCH_FLAG,
	    .cost = COST_NONE,
	    .argument = take_nothing,
	    .flags = MAIL_ANSWERED },
	{ .word = SLICE("DELETED"),
	    .kind = SEARCH_FLAG,
	    .cost = COST_NONE,
	    .argument = take_nothing,
	    .flags = MAIL_DELETED },
	{ .word = SLICE("DRAFT"),
	    .kind = SEARCH_FLAG,
	    .cost = COST_NONE,
	    .argument = take_nothing,
	    .flags = MAIL_DRAFT },
	{ .word = SLICE("FLAGGED"),
	    .kind = SEARCH_FLAG,
	    .cost = COST_NONE,
	    .argument = take_nothing,
	    .flags = MAIL_FLAGGED },
	{ .word = SLICE("RECENT"),
	    .kind = SEARCH_FLAG,
	    .cost = COST_NONE,
	    .argument = take_nothing,
	    .flags = MAIL_RECENT },
	{ .word = SLICE("SEEN"),
	    .kind = SEARCH_FLAG,
	    .cost = COST_NONE,
	    .argument = take_nothing,
	    .flags = MAIL_SEEN },
	{ .word = SLICE("NEW"),
	    .kind = SEARCH_FLAG,
	    .cost = COST_NONE,
	    .argument = take_nothing,
	    .flags = MAIL_RECENT,
	    .unset = MAIL_SEEN },
	{ .word = SLICE("OLD"),
	    .kind = SEARCH_FLAG,
	    .cost = COST_NONE,
	    .argument = take_nothing,
	    .unset = MAIL_RECENT },
	{ .word = SLICE("UNANSWERED"),
	    .kind = SEARCH_FLAG,
	    .cost = COST_NONE,
	    .argument = take_nothing,
	    .unset = MAIL_ANSWERED },
	{ .word = SLICE("UNDELETED"),
	    .kind = SEARCH_FLAG,
	    .cost = COST_NONE,
	    .argument = take_nothing,
	    .unset = MAIL_DELETED },
	{ .word = SLICE("UNDRAFT"),
	    .kind = SEARCH_FLAG,
	    .cost = COST_NONE,
	    .argument = take_nothing,
	    .unset = MAIL_DRAFT },
	{ .word = SLICE("UNFLAGGED"),
	    .kind = SEARCH_FLAG,
	    .cost = COST_NONE,
	    .argument = take_nothing,
	    .unset = MAIL_FLAGGED },
	{ .word = SLICE("UNSEEN"),
	    .kind = SEARCH_FLAG,
	    .cost = COST_NONE,
	    .argument = take_nothing,
	    .unset = MAIL_SEEN },
	{ .word = SLICE("KEYWORD"),
	    .kind = SEARCH_KEYWORD,
	    .cost = COST_NONE,
	    .argument = take_keyword },
	{ .word = SLICE("UNKEYWORD"),
	    .kind = SEARCH_NOT,
	    .cost = COST_NONE,
	    .argument = take_keyword },
	{ .word = SLICE("UID"),
	    .kind = SEARCH_UID,
	    .cost = COST_NONE,
	    .argument = take_set },
	{ .word = SLICE("LARGER"),
	    .kind = SEARCH_LARGER,
	    .cost = COST_NONE,
	    .argument = take_number },
	{ .word = SLICE("SMALLER"),
	    .kind = SEARCH_SMALLER,
	    .cost = COST_NONE,
	    .argument = take_number },
	{ .word = SLICE("BEFORE"),
	    .kind = SEARCH_BEFORE,
	    .cost = COST_FILE,
	    .argument = take_date },
	{ .word = SLICE("ON"),
	    .kind = SEARCH_ON,
	    .cost = COST_FILE,
	    .argument = take_date },
	{ .word = SLICE("SINCE"),
	    .kind = SEARCH_SINCE,
	    .cost = COST_FILE,
	    .argument = take_date },
	{ .word = SLICE("SENTBEFORE"),
	    .kind = SEARCH_SENTBEFORE,
	    .cost = COST_HEADER,
	    .argument = take_date },
	{ .word = SLICE("SENTON"),
	    .kind = SEARCH_SENTON,
	    .cost = COST_HEADER,
	    .argument = take_date },
	{ .word = SLICE("SENTSINCE"),
	    .kind = SEARCH_SENTSINCE,
	    .cost = COST_HEADER,
	    .argument = take_date },
	{ .word = SLICE("FROM"),
	    .kind = SEARCH_HEADER,
	    .cost = COST_HEADER,
	    .argument = take_text,
	    .name = SLICE("From") },
	{ .word = SLICE("TO"),
	    .kind = SEARCH_HEADER,
	    .cost = COST_HEADER,
	    .argument = take_text,
	    .name = SLICE("To") },
	{ .word = SLICE("CC"),
	    .kind = SEARCH_HEADER,
	    .cost = COST_HEADER,
	    .argument = take_text,
	    .name = SLICE("Cc") },
	{ .word = SLICE("BCC"),
	    .kind = SEARCH_HEADER,
	    .cost = COST_HEADER,
	    .argument = take_text,
	    .name = SLICE("Bcc") },
	{ .word = SLICE("SUBJECT"),
	    .kind = SEARCH_HEADER,
	    .cost = COST_HEADER,
	    .argument = take_text,
	    .name = SLICE("Subject") },
	{ .word = SLICE("HEADER"),
	    .kind = SEARCH_HEADER,
	    .cost = COST_HEADER,
	    .argument = take_header },
	{ .word = SLICE("BODY"),
	    .kind = SEARCH_BODY,
	    .cost = COST_WHOLE,
	    .argument = take_text },
	{ .word = SLICE("TEXT"),
	    .kind = SEARCH_TEXT,
	    .cost = COST_WHOLE,
	    .argument = take_text },
	{ .word = SLICE("NOT"),
	    .kind = SEARCH_NOT,
	    .cost = COST_NONE,
	    .argument = take_not },
	{ .word = SLICE("OR"),
	    .kind = SEARCH_OR,
	    .cost = COST_NONE,
	    .argument = take_or },
};

static struct search_key *parse_key(struct search_parser *parser);

static struct search_key *
new_key(struct search_parser *parser, enum search_kind kind)
{
	struct search_key *key =
	    arena_alloc(parser->parse->arena, sizeof(*key));

	if (key == NULL)
		parse_fail(parser->parse, "The search is too large");
	else
		key->kind = kind;
	return key;
}

static bool
take_nothing(struct search_parser *parser, struct search_key *key)
{
	(void)parser;
	(void)key;
	return true;
}

/* The needle in UTF-8 and without case. */
static bool
take_text(struct search_parser *parser, struct search_key *key)
{
	struct parse *parse = parser->parse;
	struct slice text;
	struct buf utf8, folded;

	if (!parse_space(parse) || !parse_astring(parse, &text))
		return false;
	buf_init(&utf8, NEEDLE_MAX * 3);
	buf_init(&folded, NEEDLE_MAX * 3);
	charset_to_utf8(parser->charset, text, &utf8);
	text_fold_case(buf_slice(&utf8), &folded);
	key->text = arena_slice(parse->arena, buf_slice(&folded));
	if (key->text.ptr == NULL || folded.failed || utf8.failed)
		parse_fail(parse, "The search is too large");
	buf_free(&utf8);
	buf_free(&folded);
	return parse->error == NULL;
}

static bool
take_header(struct search_parser *parser, struct search_key *key)
{
	return parse_space(parser->parse) &&
	       parse_astring(parser->parse, &key->name) &&
	       take_text(parser, key);
}

static bool
take_number(struct search_parser *parser, struct search_key *key)
{
	return parse_space(parser->parse) &&
	       parse_number(parser->parse, UINT32_MAX, &key->number);
}

static bool
take_date(struct search_parser *parser, struct search_key *key)
{
	time_t date;

	if (!parse_space(parser->parse) || !parse_date(parser->parse, &date))
		return false;
	key->number = date < 0 ? 0 : (uint64_t)date / 86400;
	return true;
}

static bool
take_set(struct search_parser *parser, struct search_key *key)
{
	return parse_space(parser->parse) &&
	       parse_sequence_set(parser->parse, &key->set);
}

static bool
take_keyword(struct search_parser *parser, struct search_key *key)
{
	bool is_not = key->kind == SEARCH_NOT;
	struct search_key *child =
	    is_not ? new_key(parser, SEARCH_KEYWORD) : key;

	if (child == NULL)
		return false;
	if (is_not)
		key->children = child;
	return parse_space(parser->parse) &&
	       parse_flag(parser->parse, &child->text);
}

static bool
take_child(struct search_parser *parser, struct search_key *key)
{
	struct search_key *child;

	if (!parse_space(parser->parse))
		return false;
	child = parse_key(parser);
	if (child == NULL)
		return false;
	child->next = key->children;
	key->children = child;
	if (child->cost > key->cost)
		key->cost = child->cost;
	return true;
}

static bool
take_not(struct search_parser *parser, struct search_key *key)
{
	return take_child(parser, key);
}

static bool
take_or(struct search_parser *parser, struct search_key *key)
{
	return take_child(parser, key) && take_child(parser, key);
}

/* One or more keys, space between; all must match. */
static struct search_key *
parse_keys(struct search_parser *parser)
{
	struct search_key *list = new_key(parser, SEARCH_AND), *key;

	if (list == NULL)
		return NULL;
	do {
		key = parse_key(parser);
		if (key == NULL)
			return NULL;
		key->next = list->children;
		list->children = key;
		if (key->cost > list->cost)
			list->cost = key->cost;
	} while (parse_try(parser->parse, ' '));
	return list;
}

static struct search_key *
parse_word_key(struct search_parser *parser)
{
	struct search_key *key;

	for (size_t i = 0; i < sizeof(key_table) / sizeof(key_table[0]); i++) {
		const struct key_row *row = &key_table[i];

		if (!parse_try_word(parser->parse, row->word))
			continue;
		key = new_key(parser, row->kind);
		if (key == NULL)
			return NULL;
		key->cost = row->cost;
		key->flags = row->flags;
		key->unset = row->unset;
		key->name = row->name;
		return row->argument(parser, key) ? key : NULL;
	}
	parse_fail(parser->parse, "Unknown search key");
	return NULL;
}

static struct search_key *
parse_set_key(struct search_parser *parser)
{
	struct search_key *key = new_key(parser, SEARCH_SET);

	if (key != NULL && !parse_sequence_set(parser->parse, &key->set))
		return NULL;
	return key;
}

static struct search_key *
parse_key(struct search_parser *parser)
{
	struct search_key *key;
	char c = parse_peek(parser->parse);

	if (++parser->depth > LIMIT_IMAP_DEPTH) {
		parse_fail(parser->parse, "The search is nested too deep");
		return NULL;
	}
	if (ascii_is_digit(c) || c == '*') {
		key = parse_set_key(parser);
	} else if (parse_try(parser->parse, '(')) {
		key = parse_keys(parser);
		if (key != NULL && !parse_char(parser->parse, ')'))
			key = NULL;
	} else {
		key = parse_word_key(parser);
	}
	parser->depth--;
	return key;
}

static bool
parse_charset(struct search_parser *parser)
{
	struct parse *parse = parser->parse;

	if (!parse_try_word(parse, S("CHARSET")))
		return true;
	return parse_space(parse) && parse_astring(parse, &parser->charset) &&
	       parse_space(parse);
}

static bool
is_known_charset(struct slice charset)
{
	return charset.len == 0 || slice_eq_nocase(charset, S("UTF-8")) ||
	       slice_eq_nocase(charset, S("US-ASCII")) ||
	       slice_eq_nocase(charset, S("ISO-8859-1"));
}

/* An unknown charset is for the handler to refuse with NO: search NULL. */
bool
parse_search(struct parse *parse, struct command *command)
{
	struct search_parser parser = { .parse = parse };

	if (!parse_space(parse) || !parse_charset(&parser))
		return false;
	command->search = parse_keys(&parser);
	if (command->search != NULL && !is_known_charset(parser.charset)) {
		command->search = NULL;
		return true;
	}
	return command->search != NULL;
}
