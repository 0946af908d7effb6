/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "common/mime/nstring.h"

#include "imapd/command.h"
#include "imapd/fetch.h"

#define FETCH_ITEMS_MAX 100
#define FETCH_NAMES_MAX 200
#define LABEL_MAX       32768

static const struct {
	struct slice name;
	enum fetch_kind kind;
	enum section_text text;
	bool is_peek;
} simple_items[] = {
	{ SLICE("FLAGS"), FETCH_FLAGS, SECTION_ALL, true },
	{ SLICE("UID"), FETCH_UID, SECTION_ALL, true },
	{ SLICE("INTERNALDATE"), FETCH_DATE, SECTION_ALL, true },
	{ SLICE("RFC822.SIZE"), FETCH_SIZE, SECTION_ALL, true },
	{ SLICE("ENVELOPE"), FETCH_ENVELOPE, SECTION_ALL, true },
	{ SLICE("BODYSTRUCTURE"), FETCH_BODYSTRUCTURE, SECTION_ALL, true },
	{ SLICE("BODY"), FETCH_BODY, SECTION_ALL, true },
	{ SLICE("RFC822"), FETCH_SECTION, SECTION_ALL, false },
	{ SLICE("RFC822.HEADER"), FETCH_SECTION, SECTION_HEADER, true },
	{ SLICE("RFC822.TEXT"), FETCH_SECTION, SECTION_TEXT, false },
};

static const struct {
	struct slice name;
	enum section_text text;
} section_texts[] = {
	{ SLICE("HEADER"), SECTION_HEADER },
	{ SLICE("HEADER.FIELDS"), SECTION_FIELDS },
	{ SLICE("HEADER.FIELDS.NOT"), SECTION_FIELDS_NOT },
	{ SLICE("TEXT"), SECTION_TEXT },
	{ SLICE("MIME"), SECTION_MIME },
};

/* Letters, digits and dots. */
static struct slice
take_word(struct parse *parse)
{
	struct slice rest = slice_from(parse->input, parse->at);
	size_t n = 0;

	while (n < rest.len &&
	       (ascii_is_alpha(rest.ptr[n]) || ascii_is_digit(rest.ptr[n]) ||
		   rest.ptr[n] == '.'))
		n++;
	parse->at += n;
	return slice_first(rest, n);
}

static struct fetch_item *
add_item(struct parse *parse, struct command *command)
{
	struct fetch_item **tail = &command->items;
	size_t count = 0;

	for (; *tail != NULL; tail = &(*tail)->next)
		count++;
	if (count < FETCH_ITEMS_MAX)
		*tail = arena_alloc(parse->arena, sizeof(**tail));
	if (*tail == NULL)
		parse_fail(parse, "Too many items to fetch");
	return *tail;
}

static bool
parse_section_numbers(struct parse *parse, struct fetch_item *item)
{
	uint64_t number;

	if (!ascii_is_digit(parse_peek(parse)))
		return true;
	item->numbers =
	    arena_alloc(parse->arena, LIMIT_MIME_DEPTH * sizeof(unsigned int));
	if (item->numbers == NULL)
		return parse_fail(parse, "The command is too large");
	do {
		if (item->number_count >= LIMIT_MIME_DEPTH)
			return parse_fail(parse, "The section is too deep");
		if (!parse_number(parse, UINT32_MAX, &number) || number == 0)
			return parse_fail(parse, "A part number is wrong");
		item->numbers[item->number_count++] = (unsigned int)number;
	} while (parse_try(parse, '.') && ascii_is_digit(parse_peek(parse)));
	return true;
}

static bool
parse_names(struct parse *parse, struct fetch_item *item)
{
	item->names =
	    arena_alloc(parse->arena, FETCH_NAMES_MAX * sizeof(struct slice));
	if (item->names == NULL)
		return parse_fail(parse, "The command is too large");
	if (!parse_space(parse) || !parse_open(parse))
		return false;
	do {
		if (item->name_count >= FETCH_NAMES_MAX)
			return parse_fail(parse, "Too many header fields");
		if (!parse_astring(parse, &item->names[item->name_count++]))
			return false;
	} while (parse_try(parse, ' '));
	return parse_char(parse, ')');
}

static bool
parse_section_text(struct parse *parse, struct fetch_item *item)
{
	struct slice word;
	size_t i, count = sizeof(section_texts) / sizeof(section_texts[0]);

	if (parse_peek(parse) == ']')
		return item->number_count == 0 ||
		       parse->input.ptr[parse->at - 1] != '.' ||
		       parse_fail(parse, "The section ends in a dot");
	word = take_word(parse);
	for (i = 0; i < count; i++)
		if (slice_eq_nocase(section_texts[i].name, word))
			break;
	if (i == count ||
	    (section_texts[i].text == SECTION_MIME && item->number_count == 0))
		return parse_fail(parse, "A section is part numbers, HEADER, "
					 "HEADER.FIELDS, TEXT or MIME");
	item->text = section_texts[i].text;
	if (item->text == SECTION_FIELDS || item->text == SECTION_FIELDS_NOT)
		return parse_names(parse, item);
	return true;
}

static bool
parse_partial(struct parse *parse, struct fetch_item *item)
{
	uint64_t offset, length;

	if (!parse_try(parse, '<'))
		return true;
	if (!parse_number(parse, UINT32_MAX, &offset) ||
	    !parse_char(parse, '.') ||
	    !parse_number(parse, UINT32_MAX, &length) ||
	    !parse_try(parse, '>') || length == 0)
		return parse_fail(parse, "A part of a section is "
					 "<offset.length>");
	item->is_partial = true;
	item->offset = (uint32_t)offset;
	item->length = (uint32_t)length;
	return true;
}

/* Clients compare with what they sent: an atom stays one. */
static void
add_name(struct buf *label, struct slice name)
{
	bool is_atom = name.len > 0;

	for (size_t i = 0; i < name.len; i++)
		if (!ascii_is_alpha(name.ptr[i]) && name.ptr[i] != '-' &&
		    !ascii_is_digit(name.ptr[i]))
			is_atom = false;
	if (is_atom)
		buf_add(label, name);
	else
		imap_add_string(label, name);
}

/* What the answer calls the item: the section as asked, in upper case. */
static bool
make_label(struct parse *parse, struct fetch_item *item)
{
	struct buf label;

	buf_init(&label, LABEL_MAX);
	buf_add(&label, S("BODY["));
	for (size_t i = 0; i < item->number_count; i++)
		buf_add_format(
		    &label, "%s%u", i > 0 ? "." : "", item->numbers[i]);
	if (item->number_count > 0 && item->text != SECTION_ALL)
		buf_add_char(&label, '.');
	if (item->text != SECTION_ALL)
		buf_add(&label, section_texts[item->text - 1].name);
	for (size_t i = 0; i < item->name_count; i++) {
		buf_add_string(&label, i == 0 ? " (" : " ");
		add_name(&label, item->names[i]);
	}
	if (item->name_count > 0)
		buf_add_char(&label, ')');
	buf_add_char(&label, ']');
	if (item->is_partial)
		buf_add_format(&label, "<%u>", item->offset);
	item->label = arena_slice(parse->arena, buf_slice(&label));
	buf_free(&label);
	return item->label.len > 0 ||
	       parse_fail(parse, "The section is too large");
}

static bool
parse_section(struct parse *parse, struct command *command, bool is_peek)
{
	struct fetch_item *item = add_item(parse, command);

	if (item == NULL)
		return false;
	item->kind = FETCH_SECTION;
	item->is_peek = is_peek;
	return parse_section_numbers(parse, item) &&
	       parse_section_text(parse, item) && parse_char(parse, ']') &&
	       parse_partial(parse, item) && make_label(parse, item);
}

static bool
add_simple(struct parse *parse, struct command *command, struct slice name)
{
	struct fetch_item *item;

	for (size_t i = 0; i < sizeof(simple_items) / sizeof(simple_items[0]);
	     i++) {
		if (!slice_eq_nocase(simple_items[i].name, name))
			continue;
		item = add_item(parse, command);
		if (item == NULL)
			return false;
		item->kind = simple_items[i].kind;
		item->text = simple_items[i].text;
		item->is_peek = simple_items[i].is_peek;
		item->label = simple_items[i].name;
		return true;
	}
	return parse_fail(parse, "Unknown item to fetch");
}

/* Outlook still asks for RFC822.PEEK. */
static bool
parse_item(struct parse *parse, struct command *command)
{
	struct slice word = take_word(parse);
	bool is_peek = slice_eq_nocase(word, S("BODY.PEEK"));

	if (slice_eq_nocase(word, S("RFC822.PEEK"))) {
		if (!add_simple(parse, command, S("RFC822")))
			return false;
		for (struct fetch_item *i = command->items; i != NULL;
		     i = i->next)
			if (i->next == NULL)
				i->is_peek = true;
		return true;
	}
	if ((is_peek || slice_eq_nocase(word, S("BODY"))) &&
	    parse_try(parse, '['))
		return parse_section(parse, command, is_peek);
	return add_simple(parse, command, word);
}

static bool
try_macro(struct parse *parse, struct command *command)
{
	static const struct {
		struct slice name;
		size_t count;
	} macros[] = {
		{ SLICE("FAST"), 3 },
		{ SLICE("ALL"), 4 },
		{ SLICE("FULL"), 5 },
	};
	static const struct slice items[] = { SLICE("FLAGS"),
		SLICE("INTERNALDATE"), SLICE("RFC822.SIZE"), SLICE("ENVELOPE"),
		SLICE("BODY") };

	for (size_t i = 0; i < sizeof(macros) / sizeof(macros[0]); i++) {
		if (!parse_try_word(parse, macros[i].name))
			continue;
		for (size_t j = 0; j < macros[i].count; j++)
			if (!add_simple(parse, command, items[j]))
				return false;
		return true;
	}
	return false;
}

static bool
has_uid_item(const struct command *command)
{
	for (const struct fetch_item *i = command->items; i != NULL;
	     i = i->next)
		if (i->kind == FETCH_UID)
			return true;
	return false;
}

/* UID FETCH answers UID, asked or not: first, as clients expect it. */
static bool
add_uid(struct parse *parse, struct command *command)
{
	struct fetch_item *item;

	if (!command->is_uid || has_uid_item(command))
		return true;
	item = arena_alloc(parse->arena, sizeof(*item));
	if (item == NULL)
		return parse_fail(parse, "The command is too large");
	item->kind = FETCH_UID;
	item->is_peek = true;
	item->next = command->items;
	command->items = item;
	return true;
}

bool
parse_fetch(struct parse *parse, struct command *command)
{
	if (!parse_space(parse) || !parse_sequence_set(parse, &command->set) ||
	    !parse_space(parse))
		return false;
	if (try_macro(parse, command))
		return add_uid(parse, command);
	if (parse_peek(parse) != '(')
		return parse_item(parse, command) && add_uid(parse, command);
	if (!parse_open(parse))
		return false;
	do {
		if (!parse_item(parse, command))
			return false;
	} while (parse_try(parse, ' '));
	return parse_char(parse, ')') && add_uid(parse, command);
}
