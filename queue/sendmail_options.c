/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "queue/sendmail_options.h"

#include <string.h>
#include <strings.h>

enum value {
	VALUE_NONE,
	VALUE_NEEDED,
	VALUE_JOINED
};

struct option_state {
	struct sendmail_options *options;
	bool is_root;
	struct why *why;
};

struct arguments {
	int count, at;
	char *const *values;
};

typedef bool option_fn(struct option_state *state, const char *value);

struct option_row {
	char letter;
	enum value value; /* NEEDED: joined or the next argument; JOINED: may
			   * be empty, never the next argument */
	option_fn *run;   /* NULL: taken and ignored */
};

static bool
set_mode(struct option_state *state, const char *value)
{
	static const struct {
		char letter;
		enum sendmail_mode mode;
	} modes[] = { { 'm', SENDMAIL_SUBMIT }, { 's', SENDMAIL_SMTP },
		{ 'p', SENDMAIL_LIST }, { 'i', SENDMAIL_ALIASES },
		{ 'v', SENDMAIL_VERIFY }, { 't', SENDMAIL_VERIFY } };

	for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++)
		if (value[0] == modes[i].letter && value[1] == '\0') {
			state->options->mode = modes[i].mode;
			return true;
		}
	if (value[0] == 'd' || value[0] == 'D')
		return why_set(state->why,
		    "-b%s: sendmail is no daemon here: "
		    "use inetd, systemd sockets or merpatid",
		    value);
	return why_set(state->why, "-b%s: not supported", value);
}

static bool
set_body(struct option_state *state, const char *value)
{
	state->options->is_8bit = strcasecmp(value, "8BITMIME") == 0;
	return true;
}

/* Elsewhere this is a hole that PHP programs were broken through. */
static bool
set_config(struct option_state *state, const char *value)
{
	if (state->is_root)
		state->options->config = value;
	return true;
}

static bool
set_full_name(struct option_state *state, const char *value)
{
	state->options->full_name = value;
	return true;
}

static bool
set_aliases(struct option_state *state, const char *value)
{
	(void)value;
	state->options->mode = SENDMAIL_ALIASES;
	return true;
}

static bool
set_sender(struct option_state *state, const char *value)
{
	state->options->has_sender = true;
	state->options->sender = value;
	return true;
}

static bool
set_ignores_dots(struct option_state *state, const char *value)
{
	(void)value;
	state->options->ignores_dots = true;
	return true;
}

/* Of the -o options one means something: -oi. -o7 and -o8 are -B's. */
static bool
set_old_option(struct option_state *state, const char *value)
{
	if (value[0] == 'i')
		state->options->ignores_dots = true;
	if (value[0] == '8')
		state->options->is_8bit = true;
	return true;
}

/* -q, -qI id, -qR text, -qS text; -q30m asks for a daemon: a note. */
static bool
set_flush(struct option_state *state, const char *value)
{
	state->options->mode = SENDMAIL_FLUSH;
	state->options->flush_kind = 'a';
	state->options->flush_text = value;
	if (value[0] == 'I' || value[0] == 'R' || value[0] == 'S') {
		state->options->flush_kind = value[0];
		state->options->flush_text = value + 1;
	}
	return true;
}

static bool
set_header_recipients(struct option_state *state, const char *value)
{
	(void)value;
	state->options->has_header_recipients = true;
	return true;
}

static bool
set_verbose(struct option_state *state, const char *value)
{
	(void)value;
	state->options->is_verbose = true;
	return true;
}

static const struct option_row rows[] = {
	{ 'A', VALUE_NEEDED, NULL },
	{ 'B', VALUE_NEEDED, set_body },
	{ 'C', VALUE_NEEDED, set_config },
	{ 'E', VALUE_NONE, NULL },
	{ 'F', VALUE_NEEDED, set_full_name },
	{ 'G', VALUE_NONE, NULL },
	{ 'I', VALUE_NONE, set_aliases },
	{ 'L', VALUE_NEEDED, NULL },
	{ 'N', VALUE_NEEDED, NULL },
	{ 'O', VALUE_NEEDED, NULL },
	{ 'R', VALUE_NEEDED, NULL },
	{ 'U', VALUE_NONE, NULL },
	{ 'V', VALUE_NEEDED, NULL },
	{ 'X', VALUE_NEEDED, NULL },
	{ 'b', VALUE_NEEDED, set_mode },
	{ 'd', VALUE_JOINED, NULL },
	{ 'e', VALUE_JOINED, NULL },
	{ 'f', VALUE_NEEDED, set_sender },
	{ 'h', VALUE_NEEDED, NULL },
	{ 'i', VALUE_NONE, set_ignores_dots },
	{ 'm', VALUE_NONE, NULL },
	{ 'n', VALUE_NONE, NULL },
	{ 'o', VALUE_NEEDED, set_old_option },
	{ 'p', VALUE_JOINED, NULL },
	{ 'q', VALUE_JOINED, set_flush },
	{ 'r', VALUE_NEEDED, set_sender },
	{ 's', VALUE_NONE, NULL },
	{ 't', VALUE_NONE, set_header_recipients },
	{ 'v', VALUE_NONE, set_verbose },
	{ 'x', VALUE_NONE, NULL },
};

static const struct option_row *
find_row(char letter)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (rows[i].letter == letter)
			return &rows[i];
	return NULL;
}

/* -qR and -qS with their text in the next argument. */
static bool
flush_needs_text(char letter, const char *value)
{
	return letter == 'q' && strchr("IRS", value[0]) != NULL &&
	       value[0] != '\0' && value[1] == '\0';
}

/* *value: what is joined to the letter; else the next argument. */
static bool
take_value(struct option_state *state, const struct option_row *row,
    const char **value, struct arguments *arguments)
{
	if (row->value != VALUE_NEEDED || **value != '\0')
		return true;
	if (arguments->at + 1 >= arguments->count)
		return why_set(state->why, "-%c needs a value", row->letter);
	*value = arguments->values[++arguments->at];
	return true;
}

/* The letters of one argument; at moves past a value that was taken. */
static bool
take_letters(struct option_state *state, struct arguments *arguments)
{
	const char *rest = arguments->values[arguments->at] + 1, *value;
	const struct option_row *row;

	for (; *rest != '\0'; rest++) {
		row = find_row(*rest);
		if (row == NULL)
			return why_set(state->why, "unknown option -%c", *rest);
		value = row->value == VALUE_NONE ? "" : rest + 1;
		if (!take_value(state, row, &value, arguments) ||
		    (row->run != NULL && !row->run(state, value)))
			return false;
		if (row->value != VALUE_NONE) {
			if (flush_needs_text(row->letter, value) &&
			    arguments->at + 1 < arguments->count)
				state->options->flush_text =
				    arguments->values[++arguments->at];
			return true;
		}
	}
	return true;
}

static const char *
base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash == NULL ? path : slash + 1;
}

bool
sendmail_options_parse(int argc, char *const argv[], bool is_root,
    struct sendmail_options *out, struct why *why)
{
	struct option_state state = {
		.options = out, .is_root = is_root, .why = why
	};
	const char *name = argc > 0 ? base_name(argv[0]) : "sendmail";
	struct arguments arguments = { .count = argc, .at = 1, .values = argv };
	const char *argument;

	memset(out, 0, sizeof(*out));
	if (strcmp(name, "mailq") == 0)
		out->mode = SENDMAIL_LIST;
	if (strcmp(name, "newaliases") == 0)
		out->mode = SENDMAIL_ALIASES;
	for (; arguments.at < argc; arguments.at++) {
		argument = argv[arguments.at];
		if (argument[0] != '-' || argument[1] == '\0')
			break;
		if (strcmp(argument, "--") == 0) {
			arguments.at++;
			break;
		}
		if (!take_letters(&state, &arguments))
			return false;
	}
	out->operand_count = argc > arguments.at ? argc - arguments.at : 0;
	out->operands = argv + arguments.at;
	return true;
}
