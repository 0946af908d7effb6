/* SPDX-License-Identifier: ISC */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include "common/answers.h"
#include "common/bounce_texts.h"
#include "common/buf.h"
#include "common/destination_policy.h"
#include "common/fsutil.h"
#include "common/mailctl/mailctl.h"
#include "common/settings_table.h"
#include "common/table.h"

#define VALUE_MAX 65536

static bool
parse_answers(struct slice text, struct why *why)
{
	struct answers *answers = answers_parse(text, why);
	bool ok = answers != NULL;

	answers_free(&answers);
	return ok;
}

static bool
parse_bounce_texts(struct slice text, struct why *why)
{
	struct bounce_texts *texts = bounce_texts_new();
	bool ok = bounce_texts_add(texts, text, why);

	bounce_texts_free(&texts);
	return ok;
}

/* Files of their own, of which qmgr takes ours when they are not there. */
static bool
check_file(const char *path, size_t max,
    bool parse(struct slice text, struct why *why))
{
	struct why why = { 0 };
	struct buf text;
	bool ok;

	buf_init(&text, max);
	ok = fs_read_file(AT_FDCWD, path, &text, &why)
		 ? parse(buf_slice(&text), &why)
		 : why.error == ENOENT;
	buf_free(&text);
	if (!ok)
		printf("%s: %s\n", path, why.text);
	return ok;
}

/* A language that nothing is said in. */
static bool
check_languages(const struct settings *settings)
{
	struct bounce_texts *texts = bounce_texts_new();
	struct buf text;
	bool ok = true;

	buf_init(&text, BOUNCE_TEXTS_FILE_MAX);
	if (fs_read_file(AT_FDCWD, settings->bounce_texts, &text, NULL))
		bounce_texts_add(texts, buf_slice(&text), NULL);
	buf_free(&text);
	for (size_t i = 0; i < settings->bounce_languages.count; i++)
		if (bounce_texts_find(texts, BOUNCE_FAILED,
			slice_of(settings->bounce_languages.items[i])) ==
		    NULL) {
			printf("bounce_languages: no text in \"%s\"; write "
			       "one in %s\n",
			    settings->bounce_languages.items[i],
			    settings->bounce_texts);
			ok = false;
		}
	bounce_texts_free(&texts);
	return ok;
}

struct destinations {
	const struct settings *settings;
	bool is_broken;
};

static bool
check_destination(
    void *context, struct slice key, struct slice value, size_t line)
{
	struct destinations *destinations = context;
	const struct settings *settings = destinations->settings;
	struct destination_policy policy;
	struct why why = { 0 };

	if (destination_policy_parse(settings, value, &policy, &why))
		return true;
	printf("%s:%zu: %.*s: %s\n", settings->destination_map, line,
	    SLICE_FMT(key), why.text);
	destinations->is_broken = true;
	return true;
}

static bool
check_destinations(const struct settings *settings)
{
	struct destinations destinations = { settings, false };
	struct why why = { 0 };
	struct table *table =
	    table_open(settings->destination_map, TABLE_KEY_VALUE, NULL, &why);

	if (table == NULL || table_each(table, check_destination, &destinations,
				 &why) != RESULT_OK) {
		printf("%s: %s\n", settings->destination_map, why.text);
		destinations.is_broken = true;
	}
	table_close(&table);
	return !destinations.is_broken;
}

static int
print_text(size_t max, void fill(struct buf *out))
{
	struct buf text;

	buf_init(&text, max);
	fill(&text);
	printf("%s", buf_string(&text));
	buf_free(&text);
	return EX_OK;
}

int
verb_config_answers(struct mailctl *mailctl)
{
	(void)mailctl;
	return print_text(ANSWERS_FILE_MAX, answers_default_text);
}

int
verb_config_bounces(struct mailctl *mailctl)
{
	(void)mailctl;
	return print_text(BOUNCE_TEXTS_FILE_MAX, bounce_texts_default_text);
}

int
verb_config_check(struct mailctl *mailctl)
{
	const struct settings *settings = mailctl->settings;
	const char *path = settings->path;
	bool ok = check_file(
	    settings->remote_answers, ANSWERS_FILE_MAX, parse_answers);

	ok = check_file(settings->bounce_texts, BOUNCE_TEXTS_FILE_MAX,
		 parse_bounce_texts) &&
	     ok;
	ok = check_languages(settings) && ok;
	ok = check_destinations(settings) && ok;

	for (size_t i = 0; i < mailctl->errors.count; i++)
		printf("%s\n", mailctl->errors.texts[i]);
	if (mailctl->errors.count > 0 || !ok)
		return EXIT_NONE;
	if (path[0] == '\0')
		printf("no mail.conf: local mail only; see: mailctl init\n");
	else
		printf("%s: no errors\n", path);
	return EX_OK;
}

/* The rows named in argv, or all: calls each. */
typedef void
row_fn(const struct mailctl *mailctl, const struct settings_row *row);

static int
each_named(struct mailctl *mailctl, row_fn *each)
{
	const struct settings_row *row;
	int code = EX_OK;

	if (mailctl->argc == 0)
		for (row = settings_table; row->name != NULL; row++)
			each(mailctl, row);
	for (int i = 0; i < mailctl->argc; i++) {
		struct slice name = slice_of(mailctl->argv[i]);

		row = settings_find_row(name);
		if (row != NULL) {
			each(mailctl, row);
			continue;
		}
		fprintf(stderr,
		    "mailctl: there is no setting %.*s; do you mean %s?\n",
		    SLICE_FMT(name), settings_nearest_row(name)->name);
		code = EXIT_NONE;
	}
	return code;
}

static void
show_row(const struct mailctl *mailctl, const struct settings_row *row)
{
	struct buf value;

	buf_init(&value, VALUE_MAX);
	settings_format(mailctl->settings, row, &value);
	printf("%s = %s\n", row->name, buf_string(&value));
	buf_free(&value);
}

static void
show_default(const struct mailctl *mailctl, const struct settings_row *row)
{
	(void)mailctl;
	printf("%s = %s\n", row->name, row->default_text);
}

/* Is the value as if it had been parsed from the default? */
static bool
is_default(const struct mailctl *mailctl, const struct settings_row *row)
{
	struct settings *blank;
	struct settings_errors errors;
	struct buf have, want;
	bool equal;

	buf_init(&have, VALUE_MAX);
	buf_init(&want, VALUE_MAX);
	blank = settings_load("/dev/null", NULL, &errors);
	settings_format(mailctl->settings, row, &have);
	settings_format(blank, row, &want);
	equal = slice_eq(buf_slice(&have), buf_slice(&want));
	settings_errors_free(&errors);
	settings_free(&blank);
	buf_free(&have);
	buf_free(&want);
	return equal;
}

static void
show_changed(const struct mailctl *mailctl, const struct settings_row *row)
{
	if (!is_default(mailctl, row))
		show_row(mailctl, row);
}

int
verb_config_show(struct mailctl *mailctl)
{
	bool only_changed = false, only_defaults = false;
	const struct option_row options[] = {
		{ "-n", &only_changed, NULL },
		{ "-d", &only_defaults, NULL },
		{ NULL, NULL, NULL },
	};
	struct why why;

	if (!options_take(mailctl, options, &why))
		return mailctl_fail(EX_USAGE, &why);
	for (size_t i = 0; i < mailctl->errors.count; i++)
		fprintf(stderr, "%s\n", mailctl->errors.texts[i]);
	if (only_defaults)
		return each_named(mailctl, show_default);
	return each_named(mailctl, only_changed ? show_changed : show_row);
}

static void
explain_row(const struct mailctl *mailctl, const struct settings_row *row)
{
	show_row(mailctl, row);
	printf("    %s\n", row->help);
	if (!is_default(mailctl, row) || row->default_text[0] == '\0')
		printf("    default: %s\n", row->default_text[0] == '\0'
						? "(empty)"
						: row->default_text);
	if (row->choices != NULL)
		printf("    one of: %s\n", row->choices);
	if (row->peers[0] != '\0')
		printf("    elsewhere: %s\n", row->peers);
}

/* mdoc(7) takes "\" and a leading "." or "'" as its own. */
static void
print_mdoc(const char *text)
{
	if (text[0] == '.' || text[0] == '\'')
		fputs("\\&", stdout);
	for (; *text != '\0'; text++) {
		if (*text == '\\')
			fputs("\\e", stdout);
		else
			putchar(*text);
	}
}

/* A default as in the page: places by the names configure gives them. */
static void
print_default(const char *text)
{
	static const struct {
		const char *value, *name;
	} places[] = {
		{ SYSCONFDIR "/merpati/", "$sysconfdir/merpati/" },
		{ MERPATI_LIBEXECDIR, "$libexecdir/merpati" },
		{ LOCALSTATEDIR "/", "$localstatedir/" },
	};

	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++)
		if (slice_starts(slice_of(text), slice_of(places[i].value))) {
			printf("%s", places[i].name);
			text += strlen(places[i].value);
			break;
		}
	print_mdoc(text);
}

/* Sentences of the table lack their period; one ends a line of its own. */
static void
mdoc_row(const struct mailctl *mailctl, const struct settings_row *row)
{
	(void)mailctl;
	printf(".It Ic %s", row->name);
	if (row->default_text[0] != '\0') {
		printf(" No = Cm ");
		print_default(row->default_text);
	}
	printf("\n");
	print_mdoc(row->help);
	printf(".\n");
	if (row->choices != NULL)
		printf("One of:\n.Cm %s .\n", row->choices);
	if (row->peers[0] != '\0')
		printf("Elsewhere: %s.\n", row->peers);
}

int
verb_config_explain(struct mailctl *mailctl)
{
	bool is_mdoc = false;
	const struct option_row options[] = {
		{ "--mdoc", &is_mdoc, NULL },
		{ NULL, NULL, NULL },
	};
	struct why why;

	if (!options_take(mailctl, options, &why))
		return mailctl_fail(EX_USAGE, &why);
	return each_named(mailctl, is_mdoc ? mdoc_row : explain_row);
}
