/* SPDX-License-Identifier: ISC */
#include "config.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/mailctl/mailctl.h"

static struct slice
word_of(const struct verb *verb, int index)
{
	struct slice first, second;

	slice_cut(slice_of(verb->name), ' ', &first, &second);
	return index == 0 ? first : second;
}

/*
 * The word number index that text is a prefix of, among the rows that agree
 * with head. An exact word wins over longer ones. False: none, or several.
 */
static bool
find_word(const struct verb *table, struct slice head, struct slice text,
    struct slice *found)
{
	int index = head.len > 0 ? 1 : 0;
	struct slice word;
	bool is_unique = true;

	*found = S("");
	for (; table->name != NULL; table++) {
		if (index == 1 && !slice_eq(word_of(table, 0), head))
			continue;
		word = word_of(table, index);
		if (slice_eq(word, text)) {
			*found = word;
			return true;
		}
		if (!slice_starts(word, text) || slice_eq(word, *found))
			continue;
		is_unique = found->len == 0;
		*found = word;
	}
	return found->len > 0 && is_unique;
}

static const struct verb *
find_row(const struct verb *table, struct slice head, struct slice tail)
{
	for (; table->name != NULL; table++)
		if (slice_eq(word_of(table, 0), head) &&
		    slice_eq(word_of(table, 1), tail))
			return table;
	return NULL;
}

static const struct verb *
refuse(struct why *why, const char *format, struct slice text)
{
	why_set(why, "%.*s: %s; see: mailctl help", SLICE_FMT(text), format);
	return NULL;
}

const struct verb *
verb_find(const struct verb *table, int *argc, char ***argv, struct why *why)
{
	const struct verb *verb;
	struct slice head, tail = S(""), given;

	if (*argc == 0 || (*argv)[0][0] == '\0')
		return refuse(why, "which verb", S("mailctl"));
	given = slice_of((*argv)[0]);
	if (!find_word(table, S(""), given, &head))
		return refuse(why,
		    head.len > 0 ? "several verbs begin so" : "no such verb",
		    given);
	(*argc)--;
	(*argv)++;
	verb = find_row(table, head, tail);
	if (verb != NULL)
		return verb;
	if (*argc == 0)
		return refuse(why, "a second word is needed", head);
	given = slice_of((*argv)[0]);
	if (given.len == 0 || !find_word(table, head, given, &tail))
		return refuse(why,
		    tail.len > 0 ? "several begin so" : "no such verb", given);
	(*argc)--;
	(*argv)++;
	return find_row(table, head, tail);
}

void
verb_print_help(const struct verb *table, struct slice word)
{
	for (; table->name != NULL; table++)
		if (slice_starts(slice_of(table->name), word))
			printf("  mailctl %s %s\n          %s\n", table->name,
			    table->usage, table->help);
}

static const struct option_row *
find_option(const struct option_row *rows, const char *text)
{
	for (; rows->name != NULL; rows++)
		if (strcmp(rows->name, text) == 0)
			return rows;
	return NULL;
}

bool
options_take(
    struct mailctl *mailctl, const struct option_row *rows, struct why *why)
{
	const struct option_row *row;
	int kept = 0, i;

	for (i = 0; i < mailctl->argc; i++) {
		char *text = mailctl->argv[i];

		if (strcmp(text, "--") == 0)
			break;
		if (text[0] != '-' || text[1] == '\0') {
			mailctl->argv[kept++] = text;
			continue;
		}
		row = find_option(rows, text);
		if (row == NULL)
			return why_set(why, "%s: no such option here", text);
		if (row->flag != NULL) {
			*row->flag = true;
			continue;
		}
		if (i + 1 == mailctl->argc)
			return why_set(why, "%s: its value is missing", text);
		*row->value = mailctl->argv[++i];
	}
	for (i++; i < mailctl->argc; i++)
		mailctl->argv[kept++] = mailctl->argv[i];
	mailctl->argc = kept;
	return true;
}

int
mailctl_fail(int code, const struct why *why)
{
	fprintf(stderr, "mailctl: %s\n", why->text);
	return code;
}

int
mailctl_usage(const char *text)
{
	fprintf(stderr, "usage: mailctl %s\n", text);
	return 64;
}

const char *
mailctl_conf_argument(const struct mailctl *mailctl)
{
	const char *path = mailctl->settings->path;

	if (path[0] == '\0' ||
	    strcmp(path, SYSCONFDIR "/merpati/mail.conf") == 0)
		return NULL;
	return path;
}
