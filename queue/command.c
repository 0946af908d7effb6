/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "queue/command.h"

#include <string.h>

struct command_row {
	struct slice name;
	enum command_verb verb;
	unsigned int objects; /* enum command_object, ored */
};

static const struct command_row rows[] = {
	{ SLICE("retry"), COMMAND_RETRY,
	    COMMAND_ALL | COMMAND_ID | COMMAND_DOMAIN },
	{ SLICE("hold"), COMMAND_HOLD, COMMAND_ID },
	{ SLICE("release"), COMMAND_RELEASE, COMMAND_ID },
	{ SLICE("delete"), COMMAND_DELETE, COMMAND_ID },
	{ SLICE("bounce"), COMMAND_BOUNCE, COMMAND_ID },
	{ SLICE("reload"), COMMAND_RELOAD, COMMAND_NOTHING },
	{ SLICE("pickup"), COMMAND_PICKUP, COMMAND_NOTHING },
	{ SLICE("pause"), COMMAND_PAUSE, COMMAND_PAUSED },
	{ SLICE("drain"), COMMAND_DRAIN, COMMAND_PAUSED },
	{ SLICE("resume"), COMMAND_RESUME, COMMAND_PAUSED },
};

static bool
parse_object(struct slice text, struct command *command)
{
	const struct slice prefix = SLICE("domain=");

	if (text.len == 0) {
		command->object = COMMAND_NOTHING;
	} else if (slice_eq(text, S("all"))) {
		command->object = COMMAND_ALL;
	} else if (slice_starts(text, prefix) && text.len > prefix.len) {
		command->object = COMMAND_DOMAIN;
		command->domain = slice_from(text, prefix.len);
	} else if (spool_id_is_valid(text)) {
		command->object = COMMAND_ID;
		return slice_to_array(text, command->id, SPOOL_ID_SIZE);
	} else {
		return false;
	}
	return true;
}

/* "until=1795266000" behind an id. */
static bool
parse_until(struct slice text, struct command *command)
{
	const struct slice prefix = SLICE("until=");

	if (command->verb != COMMAND_HOLD || !slice_starts(text, prefix))
		return false;
	return slice_u64(
	    slice_from(text, prefix.len), INT64_MAX, &command->until);
}

static bool
parse_for(
    const struct command_row *row, struct slice rest, struct command *command)
{
	struct slice object, until;

	command->verb = row->verb;
	if (row->objects == COMMAND_PAUSED) {
		command->object = COMMAND_PAUSED;
		return pause_parse(rest, &command->pause);
	}
	if (slice_cut(rest, ' ', &object, &until) &&
	    !parse_until(until, command))
		return false;
	return parse_object(object, command) &&
	       (row->objects & command->object) != 0;
}

bool
command_parse(struct slice line, struct command *command)
{
	struct slice name, rest;

	memset(command, 0, sizeof(*command));
	slice_cut(line, ' ', &name, &rest);
	if (line.len > COMMAND_LINE_MAX)
		return false;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (slice_eq(name, rows[i].name))
			return parse_for(&rows[i], rest, command);
	return false;
}
