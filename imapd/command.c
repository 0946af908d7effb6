/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "imapd/command.h"

#include <string.h>

/* clang-format off: a table. APPEND is run by append.c, from its literal. */
const struct command_row command_table[] = {
	{ SLICE("CAPABILITY"), STATE_ANY, 0, parse_none, cmd_capability },
	{ SLICE("NOOP"), STATE_ANY, 0, parse_none, cmd_noop },
	{ SLICE("LOGOUT"), STATE_ANY, COMMAND_NO_REPORT, parse_none,
	    cmd_logout },
	{ SLICE("ID"), STATE_ANY, 0, parse_id, cmd_id },
	{ SLICE("NAMESPACE"), STATE_ANY, 0, parse_none, cmd_namespace },
	{ SLICE("IDLE"), STATE_ANY, 0, parse_none, cmd_idle },
	{ SLICE("SELECT"), STATE_ANY, COMMAND_NO_REPORT, parse_mailbox,
	    cmd_select },
	{ SLICE("EXAMINE"), STATE_ANY, COMMAND_NO_REPORT, parse_mailbox,
	    cmd_examine },
	{ SLICE("CREATE"), STATE_ANY, 0, parse_mailbox, cmd_create },
	{ SLICE("DELETE"), STATE_ANY, 0, parse_mailbox, cmd_delete },
	{ SLICE("RENAME"), STATE_ANY, 0, parse_rename, cmd_rename },
	{ SLICE("SUBSCRIBE"), STATE_ANY, 0, parse_mailbox, cmd_subscribe },
	{ SLICE("UNSUBSCRIBE"), STATE_ANY, 0, parse_mailbox, cmd_unsubscribe },
	{ SLICE("LIST"), STATE_ANY, 0, parse_list, cmd_list },
	{ SLICE("XLIST"), STATE_ANY, 0, parse_xlist, cmd_list },
	{ SLICE("LSUB"), STATE_ANY, 0, parse_lsub, cmd_lsub },
	{ SLICE("STATUS"), STATE_ANY, 0, parse_status, cmd_status },
	{ SLICE("APPEND"), STATE_ANY, 0, parse_append, cmd_noop },
	{ SLICE("CHECK"), STATE_SELECTED, 0, parse_none, cmd_check },
	{ SLICE("CLOSE"), STATE_SELECTED, COMMAND_NO_REPORT, parse_none,
	    cmd_close },
	{ SLICE("UNSELECT"), STATE_SELECTED, COMMAND_NO_REPORT, parse_none,
	    cmd_unselect },
	{ SLICE("EXPUNGE"), STATE_SELECTED, COMMAND_UID | COMMAND_WRITES,
	    parse_expunge, cmd_expunge },
	{ SLICE("SEARCH"), STATE_SELECTED, COMMAND_UID | COMMAND_NO_EXPUNGE,
	    parse_search, cmd_search },
	{ SLICE("FETCH"), STATE_SELECTED, COMMAND_UID | COMMAND_NO_EXPUNGE,
	    parse_fetch, cmd_fetch },
	{ SLICE("STORE"), STATE_SELECTED,
	    COMMAND_UID | COMMAND_NO_EXPUNGE | COMMAND_WRITES, parse_store,
	    cmd_store },
	{ SLICE("COPY"), STATE_SELECTED, COMMAND_UID, parse_copy, cmd_copy },
	{ SLICE("MOVE"), STATE_SELECTED, COMMAND_UID | COMMAND_WRITES,
	    parse_copy, cmd_move },
	{ { NULL, 0 }, 0, 0, NULL, NULL },
};
/* clang-format on */

static const struct command_row *
find_row(struct slice verb)
{
	const struct command_row *row = command_table;

	while (row->verb.len > 0 && !slice_eq_nocase(row->verb, verb))
		row++;
	return row->verb.len > 0 ? row : NULL;
}

static bool
parse_verb(struct parse *parse, struct command *command, unsigned int state)
{
	struct slice verb;

	if (!parse_atom(parse, &verb))
		return false;
	if (slice_eq_nocase(verb, S("UID"))) {
		command->is_uid = true;
		if (!parse_space(parse) || !parse_atom(parse, &verb))
			return false;
	}
	command->row = find_row(verb);
	if (command->row == NULL ||
	    (command->is_uid && (command->row->flags & COMMAND_UID) == 0))
		return parse_fail(parse, "Unknown command");
	if ((command->row->states & state) == 0)
		return parse_fail(parse, "Select a mailbox first");
	return true;
}

bool
command_parse(struct command *command, struct slice text, unsigned int state,
    struct arena *arena, const char **error)
{
	struct parse parse;
	bool ok;

	memset(command, 0, sizeof(*command));
	command->arena = arena;
	parse_begin(&parse, text, arena);
	ok = parse_tag(&parse, &command->tag) && parse_space(&parse) &&
	     parse_verb(&parse, command, state) &&
	     command->row->parse(&parse, command) && parse_end(&parse);
	*error = ok ? NULL : parse.error;
	return ok;
}

bool
command_parse_append(
    struct command *command, struct slice text, struct arena *arena)
{
	struct parse parse;

	memset(command, 0, sizeof(*command));
	command->arena = arena;
	parse_begin(&parse, text, arena);
	return parse_tag(&parse, &command->tag) && parse_space(&parse) &&
	       parse_try_word(&parse, S("APPEND")) &&
	       parse_append(&parse, command) &&
	       parse.at == slice_last_index(text, '{');
}
