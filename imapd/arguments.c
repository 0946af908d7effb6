/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "common/limits.h"
#include "common/mailbox/maildir.h"

#include "imapd/command.h"

#define FLAGS_MAX    64
#define ID_PAIRS_MAX 30 /* RFC 2971 section 3.3 */

bool
parse_none(struct parse *parse, struct command *command)
{
	(void)parse;
	(void)command;
	return true;
}

bool
parse_mailbox(struct parse *parse, struct command *command)
{
	return parse_space(parse) && parse_astring(parse, &command->name);
}

bool
parse_rename(struct parse *parse, struct command *command)
{
	return parse_mailbox(parse, command) && parse_space(parse) &&
	       parse_astring(parse, &command->other);
}

bool
parse_lsub(struct parse *parse, struct command *command)
{
	return parse_space(parse) && parse_astring(parse, &command->name) &&
	       parse_space(parse) && parse_pattern(parse, &command->other);
}

/* "(SPECIAL-USE SUBSCRIBED)" before the arguments: RFC 6154 section 2. */
static bool
parse_list_selection(struct parse *parse, struct command *command)
{
	if (!parse_space(parse) || parse_peek(parse) != '(')
		return parse->error == NULL;
	if (!parse_open(parse))
		return false;
	while (!parse_try(parse, ')')) {
		(void)parse_try(parse, ' ');
		if (parse_try_word(parse, S("SPECIAL-USE")))
			command->is_special_only = true;
		else if (parse_try_word(parse, S("SUBSCRIBED")))
			command->is_subscribed_only = true;
		else
			return parse_fail(parse,
			    "A LIST selection is SPECIAL-USE or "
			    "SUBSCRIBED");
	}
	return parse_space(parse);
}

/* What RETURN may ask for is always returned. */
static bool
parse_list_return(struct parse *parse)
{
	if (!parse_try(parse, ' '))
		return true;
	if (!parse_try_word(parse, S("RETURN")) || !parse_space(parse) ||
	    !parse_open(parse))
		return parse_fail(parse, "RETURN and options are missing");
	while (!parse_try(parse, ')')) {
		(void)parse_try(parse, ' ');
		if (!parse_try_word(parse, S("SPECIAL-USE")) &&
		    !parse_try_word(parse, S("CHILDREN")))
			return parse_fail(parse, "LIST can return SPECIAL-USE "
						 "and CHILDREN");
	}
	return true;
}

bool
parse_list(struct parse *parse, struct command *command)
{
	return parse_list_selection(parse, command) &&
	       parse_astring(parse, &command->name) && parse_space(parse) &&
	       parse_pattern(parse, &command->other) &&
	       parse_list_return(parse);
}

bool
parse_xlist(struct parse *parse, struct command *command)
{
	command->is_xlist = true;
	return parse_lsub(parse, command);
}

bool
parse_status(struct parse *parse, struct command *command)
{
	static const struct {
		struct slice name;
		unsigned int item;
	} items[] = {
		{ SLICE("MESSAGES"), STATUS_MESSAGES },
		{ SLICE("RECENT"), STATUS_RECENT },
		{ SLICE("UIDNEXT"), STATUS_UIDNEXT },
		{ SLICE("UIDVALIDITY"), STATUS_UIDVALIDITY },
		{ SLICE("UNSEEN"), STATUS_UNSEEN },
	};
	unsigned int found;

	if (!parse_mailbox(parse, command) || !parse_space(parse) ||
	    !parse_open(parse))
		return false;
	do {
		found = 0;
		for (size_t i = 0; i < sizeof(items) / sizeof(items[0]); i++)
			if (found == 0 && parse_try_word(parse, items[i].name))
				found = items[i].item;
		if (found == 0)
			return parse_fail(parse, "Unknown STATUS item");
		command->status |= found;
	} while (parse_try(parse, ' '));
	return parse_char(parse, ')');
}

static bool
add_flag(struct parse *parse, struct flag_list *list, struct slice name)
{
	static const struct {
		struct slice name;
		uint32_t flag;
	} flags[] = {
		{ SLICE("\\Seen"), MAIL_SEEN },
		{ SLICE("\\Answered"), MAIL_ANSWERED },
		{ SLICE("\\Flagged"), MAIL_FLAGGED },
		{ SLICE("\\Deleted"), MAIL_DELETED },
		{ SLICE("\\Draft"), MAIL_DRAFT },
		{ SLICE("\\Recent"), 0 },
	};

	for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++)
		if (slice_eq_nocase(name, flags[i].name)) {
			list->flags |= flags[i].flag;
			return true;
		}
	if (name.ptr[0] == '\\')
		return parse_fail(parse, "Unknown system flag");
	if (list->count >= FLAGS_MAX)
		return parse_fail(parse, "Too many flags");
	list->keywords[list->count++] = name;
	return true;
}

bool
parse_flag_list(struct parse *parse, struct flag_list *list)
{
	bool has_parentheses = parse_peek(parse) == '(';
	struct slice name;

	list->keywords =
	    arena_alloc(parse->arena, FLAGS_MAX * sizeof(struct slice));
	if (list->keywords == NULL)
		return parse_fail(parse, "The command is too large");
	if (has_parentheses && !parse_open(parse))
		return false;
	if (has_parentheses && parse_try(parse, ')'))
		return true;
	do {
		if (!parse_flag(parse, &name) || !add_flag(parse, list, name))
			return false;
	} while (parse_try(parse, ' '));
	return !has_parentheses || parse_char(parse, ')');
}

bool
parse_append(struct parse *parse, struct command *command)
{
	if (!parse_mailbox(parse, command) || !parse_space(parse))
		return false;
	if (parse_peek(parse) == '(' &&
	    (!parse_flag_list(parse, &command->flags) || !parse_space(parse)))
		return false;
	if (parse_peek(parse) == '"' &&
	    (!parse_date_time(parse, &command->date) || !parse_space(parse)))
		return false;
	return parse_peek(parse) == '{' ||
	       parse_fail(parse, "APPEND wants the message as a literal");
}

bool
parse_expunge(struct parse *parse, struct command *command)
{
	return !command->is_uid ||
	       (parse_space(parse) && parse_sequence_set(parse, &command->set));
}

bool
parse_store(struct parse *parse, struct command *command)
{
	if (!parse_space(parse) || !parse_sequence_set(parse, &command->set) ||
	    !parse_space(parse))
		return false;
	if (parse_try(parse, '+'))
		command->mode = STORE_ADD;
	else if (parse_try(parse, '-'))
		command->mode = STORE_REMOVE;
	if (parse_try_word(parse, S("FLAGS.SILENT")))
		command->is_silent = true;
	else if (!parse_try_word(parse, S("FLAGS")))
		return parse_fail(parse, "STORE knows FLAGS and FLAGS.SILENT, "
					 "with + or - in front");
	return parse_space(parse) && parse_flag_list(parse, &command->flags);
}

bool
parse_copy(struct parse *parse, struct command *command)
{
	return parse_space(parse) && parse_sequence_set(parse, &command->set) &&
	       parse_space(parse) && parse_astring(parse, &command->name);
}

/* RFC 2971: NIL or a list of field and value; nothing is done with it. */
bool
parse_id(struct parse *parse, struct command *command)
{
	struct slice text;
	size_t count = 0;

	(void)command;
	if (!parse_space(parse))
		return false;
	if (parse_try_word(parse, S("NIL")))
		return true;
	if (!parse_open(parse))
		return false;
	while (!parse_try(parse, ')')) {
		(void)parse_try(parse, ' ');
		if (++count > ID_PAIRS_MAX)
			return parse_fail(parse, "Too many ID fields");
		if (!parse_string(parse, &text) || !parse_space(parse) ||
		    !parse_nstring(parse, &text))
			return false;
	}
	return true;
}
