/* SPDX-License-Identifier: ISC */
/*
 * mailq: the queue tool. As root it becomes _mpqueue before it reads a
 * queue file.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include "common/io.h"
#include "common/jail.h"
#include "common/log.h"
#include "common/program.h"
#include "common/settings.h"
#include "common/spooldir.h"

#include "queue/mailq.h"

#define EX_NOTHING 1
#define OUTPUT_MAX (16 * 1024 * 1024)
#define COPY_SIZE  65536

const struct program program_table[] = {
	{ NULL, NULL },
};

struct mailq {
	int spool_fd;
	int control_fd;
	const struct mailq_command *command;
	struct mailq_selection selection;
	struct mailq_totals totals;
	struct buf out;
	uint64_t now;
	bool is_json, is_raw, headers_only, is_sure;
	size_t seen, done;
};

enum needs {
	NEEDS_NOTHING,
	NEEDS_SELECTION,
	NEEDS_IDS
};

struct mailq_command {
	const char *name;
	enum needs needs;
	mailq_item_fn *each;
	enum mailq_verb verb; /* where each is act */
	const char *past;
	const char *help;
};

static void
flush(struct mailq *mailq)
{
	io_write_all(STDOUT_FILENO, buf_slice(&mailq->out), IO_FOREVER);
	buf_clear(&mailq->out);
}

static bool
print_classic(void *context, int fd, const struct mailq_item *item)
{
	struct mailq *mailq = context;

	(void)fd;
	if (mailq->is_json)
		mailq_print_json(&mailq->out, item);
	else
		mailq_print_classic(&mailq->out, item, mailq->seen == 0);
	mailq->seen++;
	mailq_totals_add(&mailq->totals, item);
	flush(mailq);
	return true;
}

static bool
print_line(void *context, int fd, const struct mailq_item *item)
{
	struct mailq *mailq = context;

	(void)fd;
	if (mailq->is_json)
		mailq_print_json(&mailq->out, item);
	else
		mailq_print_line(
		    &mailq->out, item, mailq->now, mailq->seen == 0);
	mailq->seen++;
	flush(mailq);
	return true;
}

static bool
add_up(void *context, int fd, const struct mailq_item *item)
{
	struct mailq *mailq = context;

	(void)fd;
	mailq->seen++;
	mailq_totals_add(&mailq->totals, item);
	return true;
}

/* The body from the file; with headers_only up to the first empty line. */
static void
copy_text(struct mailq *mailq, int fd, const struct spool_message *message)
{
	uint64_t left = message->body_length;
	off_t offset = (off_t)message->body_offset;
	struct slice piece;
	char bytes[8192];
	ssize_t n;
	size_t end;

	while (left > 0) {
		n = pread(fd, bytes,
		    left < sizeof(bytes) ? (size_t)left : sizeof(bytes),
		    offset);
		if (n <= 0)
			return;
		piece = slice_make(bytes, (size_t)n);
		end = slice_find(piece, S("\r\n\r\n"));
		if (mailq->headers_only && end < piece.len) {
			piece = slice_first(piece, end + 2);
			left = (uint64_t)n;
		}
		io_write_all(STDOUT_FILENO, piece, IO_FOREVER);
		left -= (uint64_t)n;
		offset += n;
	}
}

static bool
show(void *context, int fd, const struct mailq_item *item)
{
	struct mailq *mailq = context;

	mailq->seen++;
	if (!mailq->is_raw && !mailq->headers_only) {
		mailq_print_envelope(&mailq->out, item);
		buf_add_char(&mailq->out, '\n');
		flush(mailq);
	}
	copy_text(mailq, fd, item->message);
	return true;
}

static bool
act(void *context, int fd, const struct mailq_item *item)
{
	struct mailq *mailq = context;
	struct why why = { 0 };

	(void)fd;
	mailq->seen++;
	if (mailq_act(mailq->spool_fd, mailq->control_fd, mailq->command->verb,
		item->message->id, &why)) {
		mailq->done++;
		buf_add_format(&mailq->out, "%s: %s\n", item->message->id,
		    mailq->command->past);
		flush(mailq);
	} else {
		fprintf(stderr, "mailq: %s\n", why.text);
	}
	return true;
}

static const struct mailq_command commands[] = {
	{ "list", NEEDS_NOTHING, print_line, 0, NULL,
	    "[--json] [SEL]       one line per recipient" },
	{ "show", NEEDS_IDS, show, 0, NULL,
	    "ID [--headers|--raw] the envelope and the message" },
	{ "retry", NEEDS_NOTHING, act, MAILQ_RETRY, "to be tried now",
	    "[SEL]               try now" },
	{ "hold", NEEDS_SELECTION, act, MAILQ_HOLD, "held",
	    "SEL                  keep, do not try" },
	{ "release", NEEDS_SELECTION, act, MAILQ_RELEASE, "released",
	    "SEL               try again" },
	{ "delete", NEEDS_SELECTION, act, MAILQ_DELETE,
	    "deleted, no bounce is sent",
	    "SEL [--yes]        remove silently" },
	{ "bounce", NEEDS_SELECTION, act, MAILQ_BOUNCE,
	    "returned to its sender",
	    "SEL                give up, tell the sender" },
	{ "summary", NEEDS_NOTHING, add_up, 0, NULL,
	    "                  how much there is" },
};

static const struct mailq_command listing = { "", NEEDS_NOTHING, print_classic,
	0, NULL, "" };

#define COMMANDS (sizeof(commands) / sizeof(commands[0]))

static int
usage(FILE *out)
{
	fprintf(out, "usage: mailq [-c file] [--json]\n");
	for (size_t i = 0; i < COMMANDS; i++)
		fprintf(out, "       mailq %s %s\n", commands[i].name,
		    commands[i].help);
	fprintf(out, "SEL: ids, from=PATTERN, to=PATTERN, domain=PATTERN, "
		     "all\n");
	return out == stdout ? EX_OK : EX_USAGE;
}

/* A verb may be cut as long as it is clear. */
static const struct mailq_command *
find_command(const char *word)
{
	const struct mailq_command *found = NULL;

	for (size_t i = 0; i < COMMANDS; i++) {
		if (strncmp(commands[i].name, word, strlen(word)) != 0)
			continue;
		if (found != NULL)
			return NULL;
		found = &commands[i];
	}
	return strcmp(word, "flush") == 0 ? &commands[2] : found;
}

/* Words that are options are taken out of the list. */
static bool
take_options(struct mailq *mailq, char *words[])
{
	const struct {
		const char *name;
		bool *field;
	} rows[] = { { "--json", &mailq->is_json }, { "-j", &mailq->is_json },
		{ "--raw", &mailq->is_raw },
		{ "--headers", &mailq->headers_only },
		{ "--yes", &mailq->is_sure }, { "-y", &mailq->is_sure } };
	size_t kept = 0, i;

	for (char **word = words; *word != NULL; word++) {
		for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
			if (strcmp(*word, rows[i].name) == 0)
				break;
		if (i < sizeof(rows) / sizeof(rows[0]))
			*rows[i].field = true;
		else if ((*word)[0] == '-')
			return false;
		else
			words[kept++] = *word;
	}
	words[kept] = NULL;
	return true;
}

static bool
parse_words(struct mailq *mailq, char *words[], struct why *why)
{
	mailq->command = &listing;
	if (!take_options(mailq, words))
		return why_set(why, "no such option");
	if (words[0] != NULL) {
		mailq->command = find_command(words[0]);
		if (mailq->command == NULL)
			return why_set(why, "%.60s is no command", words[0]);
		words++;
	}
	if (!mailq_selection_parse(&mailq->selection, words, why))
		return false;
	if (mailq->command->needs == NEEDS_SELECTION &&
	    mailq_selection_is_empty(&mailq->selection))
		return why_set(why,
		    "%s which? (ids, from=, to=, domain= or "
		    "all)",
		    mailq->command->name);
	if (mailq->command->needs == NEEDS_IDS &&
	    mailq->selection.id_count == 0)
		return why_set(why, "%s needs an id", mailq->command->name);
	return true;
}

/* A person at a terminal is asked before all of it goes. */
static bool
is_sure(const struct mailq *mailq)
{
	char answer[8] = "";

	if (mailq->command->each != act ||
	    mailq->command->verb != MAILQ_DELETE || mailq->is_sure ||
	    mailq->selection.id_count > 0 || isatty(STDIN_FILENO) == 0)
		return true;
	fprintf(stderr, "Delete all that matches? No bounce is sent. [y/N] ");
	return fgets(answer, sizeof(answer), stdin) != NULL &&
	       (answer[0] == 'y' || answer[0] == 'Y');
}

/* ENXIO: nobody reads it, so no qmgr is running. */
static bool
open_queue(
    struct mailq *mailq, const struct settings *settings, struct why *why)
{
	const char *paths[] = { settings->queue_directory, NULL };
	const char *read_paths[] = { "/etc/localtime", "/usr/share/zoneinfo",
		NULL };
	struct jail_request request = { .paths = paths,
		.read_paths = read_paths };

	mailq->spool_fd = spool_open(settings, why);
	if (mailq->spool_fd < 0)
		return false;
	mailq->control_fd = openat(
	    mailq->spool_fd, "control", O_WRONLY | O_NONBLOCK | O_CLOEXEC);
	if (mailq->control_fd < 0 && errno != ENXIO)
		return why_errno(why, "%s/control", settings->queue_directory);
	request.keep_count =
	    (mailq->control_fd > mailq->spool_fd ? mailq->control_fd
						 : mailq->spool_fd) +
	    1;
	tzset();
	return jail_enter(jail_find("mailq"), settings, &request, why);
}

static int
finish(struct mailq *mailq)
{
	if (mailq->command == &listing && !mailq->is_json)
		mailq_print_classic_end(&mailq->out, &mailq->totals);
	if (mailq->command->each == add_up)
		mailq_print_summary(&mailq->out, &mailq->totals, mailq->now);
	flush(mailq);
	if (mailq->command->each == act && mailq->done < mailq->seen)
		return EX_NOTHING;
	if (mailq->seen == 0 && !mailq_selection_is_empty(&mailq->selection) &&
	    !mailq->selection.is_all) {
		fprintf(stderr, "mailq: nothing matches\n");
		return EX_NOTHING;
	}
	return EX_OK;
}

static int
run(struct mailq *mailq, const struct settings *settings)
{
	struct why why = { 0 };

	if (!is_sure(mailq))
		return EX_NOTHING;
	if (!open_queue(mailq, settings, &why)) {
		fprintf(stderr, "mailq: cannot read the queue: %s\n", why.text);
		return EX_TEMPFAIL;
	}
	buf_init(&mailq->out, OUTPUT_MAX);
	mailq->now = (uint64_t)time(NULL);
	if (!mailq_walk(mailq->spool_fd, mailq->control_fd >= 0,
		&mailq->selection, mailq->command->each, mailq))
		return EX_TEMPFAIL;
	return finish(mailq);
}

static int
complain(const struct settings_errors *errors)
{
	for (size_t i = 0; i < errors->count; i++)
		fprintf(stderr, "mailq: %s\n", errors->texts[i]);
	return EX_TEMPFAIL;
}

int
main(int argc, char *argv[])
{
	static struct mailq mailq = { .control_fd = -1 };
	const char *path = NULL;
	struct settings_errors errors;
	struct settings *settings;
	struct why why = { 0 };
	int first = 1, status;

	if (argc > 2 && strcmp(argv[1], "-c") == 0) {
		path = argv[2];
		first = 3;
	}
	if (first < argc && strcmp(argv[first], "--help") == 0)
		return usage(stdout);
	if (first < argc && strcmp(argv[first], "--version") == 0) {
		printf("mailq %s\n", PACKAGE_STRING);
		return EX_OK;
	}
	if (!parse_words(&mailq, argv + first, &why)) {
		fprintf(stderr, "mailq: %s\n", why.text);
		return usage(stderr);
	}
	settings = settings_load(path, "mailq", &errors);
	log_open("mailq", "-", LOG_LEVEL_ERROR);
	status = errors.count > 0 ? complain(&errors) : run(&mailq, settings);
	settings_errors_free(&errors);
	settings_free(&settings);
	return status;
}
