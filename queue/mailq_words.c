/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "queue/mailq_words.h"

#include <string.h>

#include "common/date.h"
#include "common/next_hop.h"

#include "queue/moves.h"

static const struct mailq_command commands[] = {
	{ "list", ACTION_LIST, 0, OPTION_JSON | OPTION_BY_REASON, NULL,
	    "[--json|--by-reason] [SEL] one line per recipient, or reason" },
	{ "show", ACTION_SHOW, 0, OPTION_HEADERS | OPTION_RAW, NULL,
	    "ID [--headers|--raw] the envelope and the message" },
	{ "retry", ACTION_CHANGE, MAILQ_RETRY, 0, "to be tried now",
	    "[SEL]               try now" },
	{ "hold", ACTION_CHANGE, MAILQ_HOLD, OPTION_UNTIL, "held",
	    "SEL [--until TIME]   keep, do not try" },
	{ "release", ACTION_CHANGE, MAILQ_RELEASE, 0, "released",
	    "SEL               try again" },
	{ "delete", ACTION_CHANGE, MAILQ_DELETE, OPTION_YES,
	    "deleted, no bounce is sent",
	    "SEL [--yes]        remove silently" },
	{ "bounce", ACTION_CHANGE, MAILQ_BOUNCE, 0, "returned to its sender",
	    "SEL                give up, tell the sender" },
	{ "summary", ACTION_SUMMARY, 0, 0, NULL,
	    "                  how much there is" },
	{ "pause", ACTION_PAUSE, MAILQ_PAUSE, OPTION_UNTIL | OPTION_REASON,
	    "paused",
	    "DESTINATION [--until TIME] [--reason TEXT] start nothing there" },
	{ "drain", ACTION_PAUSE, MAILQ_DRAIN, OPTION_UNTIL | OPTION_REASON,
	    "paused",
	    "DESTINATION [--until TIME] [--reason TEXT] but what stands in "
	    "line" },
	{ "resume", ACTION_PAUSE, MAILQ_RESUME, 0, "resumed",
	    "DESTINATION        end a pause" },
	{ "pauses", ACTION_PAUSES, 0, 0, NULL,
	    "                   what is paused" },
	{ "trace", ACTION_TRACE, 0, 0, NULL,
	    "ID | ADDRESS        what happened, from the journal" },
	{ "move", ACTION_MOVE, 0, 0, "moved",
	    "SEL NEXTHOP          send by another host, or the usual way "
	    "(\"default\")" },
	{ "check", ACTION_CHECK, 0, OPTION_REPAIR, NULL,
	    "[--repair]          what is wrong with the files" },
	{ "export", ACTION_EXPORT, 0, 0, NULL,
	    "SEL                to standard output, for another host" },
	{ "import", ACTION_IMPORT, 0, 0, NULL,
	    "                   from standard input" },
};

#define COMMANDS (sizeof(commands) / sizeof(commands[0]))
#define RETRY    (&commands[2])

static const struct mailq_command classic = { "", ACTION_CLASSIC, 0,
	OPTION_JSON, NULL, "" };

static const struct option_row {
	const char *name, *short_name;
	enum mailq_options option;
	int value; /* its place in values; -1 it has none */
} options[] = {
	{ "--json", "-j", OPTION_JSON, -1 },
	{ "--by-reason", NULL, OPTION_BY_REASON, -1 },
	{ "--headers", NULL, OPTION_HEADERS, -1 },
	{ "--raw", NULL, OPTION_RAW, -1 },
	{ "--yes", "-y", OPTION_YES, -1 },
	{ "--until", NULL, OPTION_UNTIL, 0 },
	{ "--reason", NULL, OPTION_REASON, 1 },
	{ "--repair", NULL, OPTION_REPAIR, -1 },
};

#define OPTIONS (sizeof(options) / sizeof(options[0]))

void
mailq_words_usage(FILE *out)
{
	fprintf(out, "usage: mailq [-c file] [--json]\n");
	for (size_t i = 0; i < COMMANDS; i++)
		fprintf(out, "       mailq %s %s\n", commands[i].name,
		    commands[i].help);
	fprintf(out, "SEL: ids, from=PATTERN, to=PATTERN, domain=PATTERN, "
		     "all\nDESTINATION: a domain, .domain, next hop, local, "
		     "remote\nTIME: 30m, 2h, 1d, 15:00, 2026-12-24, "
		     "\"2026-12-24 18:00\"\n");
}

/* A verb may be cut as long as it is clear. */
static const struct mailq_command *
find_command(const char *word)
{
	const struct mailq_command *found = NULL;
	bool is_unique = true;

	for (size_t i = 0; i < COMMANDS; i++) {
		if (strcmp(commands[i].name, word) == 0)
			return &commands[i];
		if (strncmp(commands[i].name, word, strlen(word)) != 0)
			continue;
		is_unique = found == NULL;
		found = &commands[i];
	}
	if (strcmp(word, "flush") == 0)
		return RETRY;
	return is_unique ? found : NULL;
}

static const struct option_row *
find_option(const char *word)
{
	size_t length;

	for (size_t i = 0; i < OPTIONS; i++) {
		length = strlen(options[i].name);
		if (strcmp(word, options[i].name) == 0 ||
		    (options[i].short_name != NULL &&
			strcmp(word, options[i].short_name) == 0) ||
		    (options[i].value >= 0 && word[length] == '=' &&
			strncmp(word, options[i].name, length) == 0))
			return &options[i];
	}
	return NULL;
}

/* Words that are options are taken out of the list. */
static bool
take_options(struct mailq_words *out, char *words[], struct why *why)
{
	const struct option_row *row;
	const char *value;
	size_t kept = 0;

	for (char **word = words; *word != NULL; word++) {
		if ((*word)[0] != '-') {
			words[kept++] = *word;
			continue;
		}
		row = find_option(*word);
		if (row == NULL)
			return why_set(why, "%.60s is no option", *word);
		out->options |= row->option;
		if (row->value < 0)
			continue;
		value = strchr(*word, '=');
		if (value == NULL && word[1] == NULL)
			return why_set(why, "%s needs a value", row->name);
		out->values[row->value] = value != NULL ? value + 1 : *++word;
	}
	words[kept] = NULL;
	return true;
}

static bool
check_options(const struct mailq_words *words, struct why *why)
{
	const unsigned int both = OPTION_JSON | OPTION_BY_REASON;

	for (size_t i = 0; i < OPTIONS; i++)
		if ((words->options & options[i].option) != 0 &&
		    (words->command->options & options[i].option) == 0)
			return why_set(why, "%s is not for %s", options[i].name,
			    words->command->name[0] != '\0'
				? words->command->name
				: "the listing");
	if ((words->options & both) == both)
		return why_set(why, "--by-reason has no --json");
	return true;
}

static bool
parse_until(struct mailq_words *words, time_t now, struct why *why)
{
	time_t when;

	if ((words->options & OPTION_UNTIL) == 0)
		return true;
	if (!date_parse_until(slice_of(words->values[0]), now, &when))
		return why_set(why,
		    "%.60s is no time to come (2h, 15:00, 2026-12-24)",
		    words->values[0]);
	words->until = (uint64_t)when;
	return true;
}

static bool
parse_destination(struct mailq_words *out, char *words[], struct why *why)
{
	struct buf line;
	bool ok;

	if (words[0] == NULL || words[1] != NULL)
		return why_set(
		    why, "%s needs one destination", out->command->name);
	buf_init(&line, 4096);
	buf_add_format(&line, "%s %llu %s", words[0],
	    (unsigned long long)out->until,
	    out->values[1] != NULL ? out->values[1] : "");
	ok = pause_parse(buf_slice(&line), &out->pause);
	buf_free(&line);
	return ok || why_set(why,
			 "a destination is one word, a reason at most %d "
			 "printable characters",
			 PAUSE_TEXT_MAX);
}

/* The last word is the next hop; it is taken out of the selection. */
static bool
parse_move(struct mailq_words *out, char *words[], struct why *why)
{
	struct next_hop hop;
	size_t count = 0;
	char *last;

	while (words[count] != NULL)
		count++;
	if (count < 2)
		return why_set(why, "move what, and where to?");
	last = words[count - 1];
	words[count - 1] = NULL;
	if (strcmp(last, "default") != 0) {
		out->nexthop = last;
		if (strlen(last) >= MOVES_NEXTHOP_SIZE ||
		    strchr(last, '\n') != NULL ||
		    !next_hop_parse(slice_of(last), &hop, why))
			return why_set(
			    why, "%.60s is no next hop (host:port)", last);
	}
	return mailq_selection_parse(&out->selection, words, why);
}

static bool
parse_selection(struct mailq_words *out, char *words[], struct why *why)
{
	const struct mailq_command *command = out->command;
	const struct mailq_selection *selection = &out->selection;

	if (!mailq_selection_parse(&out->selection, words, why))
		return false;
	if (command->action == ACTION_SHOW && selection->id_count == 0)
		return why_set(why, "show needs an id");
	if ((command->action == ACTION_EXPORT ||
		(command->action == ACTION_CHANGE &&
		    command->verb != MAILQ_RETRY)) &&
	    mailq_selection_is_empty(selection))
		return why_set(why,
		    "%s which? (ids, from=, to=, domain= or all)",
		    command->name);
	return true;
}

bool
mailq_words_parse(
    struct mailq_words *out, char *words[], time_t now, struct why *why)
{
	memset(out, 0, sizeof(*out));
	out->command = &classic;
	if (!take_options(out, words, why))
		return false;
	if (words[0] != NULL) {
		out->command = find_command(words[0]);
		if (out->command == NULL)
			return why_set(why, "%.60s is no command", words[0]);
		words++;
	}
	if (!check_options(out, why) || !parse_until(out, now, why))
		return false;
	switch (out->command->action) {
	case ACTION_PAUSE:
		return parse_destination(out, words, why);
	case ACTION_MOVE:
		return parse_move(out, words, why);
	case ACTION_PAUSES:
	case ACTION_CHECK:
	case ACTION_IMPORT:
		return words[0] == NULL ||
		       why_set(why, "%s takes no word", out->command->name);
	case ACTION_TRACE:
		out->subject = words[0];
		return (words[0] != NULL && words[1] == NULL) ||
		       why_set(why, "trace needs one id or address");
	default:
		return parse_selection(out, words, why);
	}
}
