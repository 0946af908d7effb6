/* SPDX-License-Identifier: ISC */
/*
 * mailq: the queue tool. As root it becomes _mpqueue before it reads a
 * queue file.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include "common/alloc.h"
#include "common/io.h"
#include "common/jail.h"
#include "common/log.h"
#include "common/program.h"
#include "common/settings.h"
#include "common/spooldir.h"

#include "queue/check.h"
#include "queue/mailq.h"
#include "queue/mailq_group.h"
#include "queue/mailq_trace.h"
#include "queue/mailq_words.h"
#include "queue/moves.h"
#include "queue/transfer.h"

#define EX_NOTHING 1
#define OUTPUT_MAX (16 * 1024 * 1024)
#define FLUSH_SIZE 65536

const struct program program_table[] = {
	{ NULL, NULL },
};

struct mailq {
	int spool_fd;
	int control_fd;
	struct mailq_words words;
	struct mailq_totals totals;
	struct buf out;
	uint64_t now;
	struct trace *trace;
	struct mailq_groups *groups; /* OPTION_BY_REASON */
	size_t seen, done;
	size_t outcomes[TRANSFER_OUTCOMES];
	struct moves moves; /* ACTION_MOVE, ACTION_SHOW */
	bool has_failed;
};

static bool
has_option(const struct mailq *mailq, enum mailq_options option)
{
	return (mailq->words.options & option) != 0;
}

static void
flush(struct mailq *mailq)
{
	io_write_all(STDOUT_FILENO, buf_slice(&mailq->out), IO_FOREVER);
	buf_clear(&mailq->out);
}

/* One write for many lines. */
static void
flush_much(struct mailq *mailq)
{
	if (mailq->out.len >= FLUSH_SIZE)
		flush(mailq);
}

static bool
print_classic(void *context, int fd, const struct mailq_item *item)
{
	struct mailq *mailq = context;

	(void)fd;
	if (has_option(mailq, OPTION_JSON))
		mailq_print_json(&mailq->out, item);
	else
		mailq_print_classic(&mailq->out, item, mailq->seen == 0);
	mailq->seen++;
	mailq_totals_add(&mailq->totals, item);
	flush_much(mailq);
	return true;
}

static bool
print_line(void *context, int fd, const struct mailq_item *item)
{
	struct mailq *mailq = context;

	(void)fd;
	if (has_option(mailq, OPTION_BY_REASON))
		mailq_groups_add(mailq->groups, item);
	else if (has_option(mailq, OPTION_JSON))
		mailq_print_json(&mailq->out, item);
	else
		mailq_print_line(
		    &mailq->out, item, mailq->now, mailq->seen == 0);
	mailq->seen++;
	flush_much(mailq);
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
		if (has_option(mailq, OPTION_HEADERS) && end < piece.len) {
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
	if (!has_option(mailq, OPTION_RAW) &&
	    !has_option(mailq, OPTION_HEADERS)) {
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
	const struct mailq_change change = {
		.verb = (enum mailq_verb)mailq->words.command->verb,
		.until = mailq->words.until
	};
	struct why why = { 0 };

	(void)fd;
	mailq->seen++;
	if (mailq_act(mailq->spool_fd, mailq->control_fd, &change,
		item->message->id, &why)) {
		mailq->done++;
		buf_add_format(&mailq->out, "%s: %s\n", item->message->id,
		    mailq->words.command->past);
		flush(mailq);
	} else {
		fprintf(stderr, "mailq: %s\n", why.text);
	}
	return true;
}

/* In the end: what is not held may be sent by both hosts. */
static bool export(void *context, int fd, const struct mailq_item *item)
{
	struct mailq *mailq = context;
	const char *id = item->message->id;
	struct why why = { 0 };

	if (!transfer_put(stdout, mailq->spool_fd, fd, id, &why)) {
		fprintf(stderr, "mailq: %s: %s\n", id, why.text);
		mailq->has_failed = true;
		return false;
	}
	mailq->seen++;
	if ((item->message->schedule.flags & SCHEDULE_HOLD) == 0)
		fprintf(stderr,
		    "mailq: %s: not held, so this host may deliver it too\n",
		    id);
	return true;
}

static bool
move(void *context, int fd, const struct mailq_item *item)
{
	struct mailq *mailq = context;

	(void)fd;
	mailq->seen++;
	if (moves_set(&mailq->moves, item->message->id, mailq->words.nexthop))
		return true;
	fprintf(stderr, "mailq: at most %d messages are moved at a time\n",
	    MOVES_MAX);
	mailq->has_failed = true;
	return false;
}

static mailq_item_fn *const each_of[ACTIONS] = {
	[ACTION_CLASSIC] = print_classic,
	[ACTION_LIST] = print_line,
	[ACTION_SHOW] = show,
	[ACTION_CHANGE] = act,
	[ACTION_SUMMARY] = add_up,
	[ACTION_EXPORT] = export,
	[ACTION_MOVE] = move,
};

/* A person at a terminal is asked before all of it goes. */
static bool
is_sure(const struct mailq *mailq)
{
	char answer[8] = "";

	if (mailq->words.command->action != ACTION_CHANGE ||
	    mailq->words.command->verb != MAILQ_DELETE ||
	    has_option(mailq, OPTION_YES) ||
	    mailq->words.selection.id_count > 0 || isatty(STDIN_FILENO) == 0)
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

static bool
trace_record(void *context, const struct journal_record *record)
{
	struct mailq *mailq = context;
	bool goes_on = trace_add(mailq->trace, record, &mailq->out);

	flush_much(mailq);
	return goes_on;
}

static bool
print_waiting(void *context, int fd, const struct mailq_item *item)
{
	struct mailq *mailq = context;

	(void)fd;
	buf_add_string(&mailq->out, "It is in the queue:\n");
	mailq_print_line(&mailq->out, item, mailq->now, true);
	return true;
}

/* The journal, and what is still in the queue of it. */
static int
run_trace(struct mailq *mailq, const char *subject)
{
	struct why why = { 0 };
	size_t shown;

	mailq->trace = alloc_zero(1, sizeof(*mailq->trace));
	if (!trace_begin(mailq->trace, slice_of(subject))) {
		fprintf(
		    stderr, "mailq: %.60s is no id and no address\n", subject);
		return EX_USAGE;
	}
	if (!journal_read(mailq->spool_fd, trace_record, mailq, &why)) {
		fprintf(stderr, "mailq: %s\n", why.text);
		return EX_TEMPFAIL;
	}
	shown = mailq->trace->line_count;
	if (mailq->trace->address.len == 0 && !mailq->trace->is_gone) {
		mailq->words.selection.id_count = 1;
		memcpy(mailq->words.selection.ids[0], mailq->trace->ids[0],
		    SPOOL_ID_SIZE);
		mailq_walk(mailq->spool_fd, mailq->control_fd >= 0,
		    &mailq->words.selection, print_waiting, mailq);
	}
	shown += mailq->out.len;
	flush(mailq);
	if (shown > 0)
		return EX_OK;
	fprintf(stderr,
	    "mailq: nothing is known of %.60s; what was refused "
	    "is in the log alone\n",
	    subject);
	return EX_NOTHING;
}

static void
print_finding(void *context, const struct check_finding *finding)
{
	struct mailq *mailq = context;

	buf_add_format(&mailq->out, "%s: %s%s%s%s%s", finding->path,
	    check_kind_name(finding->kind),
	    finding->text[0] != '\0' ? ": " : "", finding->text,
	    finding->about[0] != '\0' ? "; " : "", finding->about);
	if (finding->mending[0] != '\0')
		buf_add_format(&mailq->out, "; %s%s",
		    finding->is_mended ? "" : "NOT mended: ", finding->mending);
	buf_add_char(&mailq->out, '\n');
	flush(mailq);
}

static int
run_check(struct mailq *mailq)
{
	const struct check_request request = { .spool_fd = mailq->spool_fd,
		.is_repairing = has_option(mailq, OPTION_REPAIR),
		.each = print_finding,
		.context = mailq };
	struct check_totals totals;
	struct why why = { 0 };

	if (!check_queue(&request, &totals, &why)) {
		fprintf(stderr, "mailq: %s\n", why.text);
		return EX_TEMPFAIL;
	}
	buf_add_format(&mailq->out,
	    "%zu messages are whole, %zu findings, %zu mended, %zu set "
	    "aside in bad/\n",
	    totals.messages, check_open(&totals) + totals.mended, totals.mended,
	    totals.counts[CHECK_BAD]);
	flush(mailq);
	return check_open(&totals) == 0 ? EX_OK : EX_NOTHING;
}

static void
print_outcome(void *context, const char *id, enum transfer_outcome outcome,
    const char *why)
{
	static const char *const texts[TRANSFER_OUTCOMES] = { "taken",
		"taken, and held", "it came before", "NOT taken: " };
	struct mailq *mailq = context;

	mailq->outcomes[outcome]++;
	buf_add_format(&mailq->out, "%s: %s%s\n", id, texts[outcome], why);
	flush(mailq);
}

static int
run_import(struct mailq *mailq, const struct settings *settings)
{
	const struct transfer transfer = { .spool_fd = mailq->spool_fd,
		.journal_life = settings->journal_life,
		.minimum_free = settings->queue_minimum_free,
		.each = print_outcome,
		.context = mailq };
	struct why why = { 0 };
	bool ok = transfer_import(&transfer, stdin, &why);

	if (!ok)
		fprintf(stderr,
		    "mailq: %s; what was taken stays, and the same "
		    "may be given again\n",
		    why.text);
	if (mailq->outcomes[TRANSFER_TAKEN_HELD] > 0)
		fprintf(stderr, "mailq: to send what is held: "
				"mailq release ID...\n");
	return ok && mailq->outcomes[TRANSFER_REFUSED] == 0 ? EX_OK
							    : EX_NOTHING;
}

static void
print_end(struct mailq *mailq)
{
	switch (mailq->words.command->action) {
	case ACTION_CLASSIC:
		if (!has_option(mailq, OPTION_JSON))
			mailq_print_classic_end(&mailq->out, &mailq->totals);
		break;
	case ACTION_LIST:
		if (has_option(mailq, OPTION_BY_REASON))
			mailq_groups_print(
			    &mailq->out, mailq->groups, mailq->now);
		break;
	case ACTION_EXPORT:
		if (!mailq->has_failed)
			mailq->has_failed =
			    !transfer_end(stdout, mailq->seen, NULL);
		return;
	case ACTION_SUMMARY:
		mailq_print_summary(&mailq->out, &mailq->totals, mailq->now);
		break;
	default:
		break;
	}
	flush(mailq);
}

static int
finish(struct mailq *mailq)
{
	const struct mailq_selection *selection = &mailq->words.selection;
	enum mailq_action action = mailq->words.command->action;

	print_end(mailq);
	if (mailq->has_failed)
		return EX_NOTHING;
	if ((action == ACTION_CHANGE || action == ACTION_MOVE) &&
	    mailq->done < mailq->seen)
		return EX_NOTHING;
	if (mailq->seen > 0 || mailq_selection_is_empty(selection) ||
	    selection->is_all)
		return EX_OK;
	if (action == ACTION_SHOW) {
		printf("It is no longer in the queue.\n");
		fflush(stdout);
		return run_trace(mailq, selection->ids[0]);
	}
	fprintf(stderr, "mailq: nothing matches\n");
	return EX_NOTHING;
}

/* The list is read and written under a lock; then they are tried. */
static int
run_move(struct mailq *mailq, const struct settings *settings)
{
	char path[PATH_MAX];
	struct why why = { 0 };
	bool ok;

	snprintf(
	    path, sizeof(path), "%s/%s", settings->queue_directory, MOVES_FILE);
	ok = flock(mailq->spool_fd, LOCK_EX) == 0 &&
	     moves_load(&mailq->moves, path, &why) &&
	     mailq_walk(mailq->spool_fd, mailq->control_fd >= 0,
		 &mailq->words.selection, move, mailq) &&
	     moves_save(&mailq->moves, mailq->spool_fd, &why);
	moves_clear(&mailq->moves);
	if (!ok) {
		fprintf(stderr, "mailq: %s\n", why.text);
		return EX_NOTHING;
	}
	if (mailq->seen == 0 || mailq->has_failed)
		return finish(mailq);
	mailq->seen = 0;
	mailq_walk(mailq->spool_fd, mailq->control_fd >= 0,
	    &mailq->words.selection, act, mailq);
	return finish(mailq);
}

static int
run_pause(struct mailq *mailq)
{
	struct pauses *pauses = alloc_zero(1, sizeof(*pauses));
	struct why why = { 0 };
	bool ok;

	if (mailq->words.command->action == ACTION_PAUSES) {
		ok = pauses_load(mailq->spool_fd, pauses, &why);
		mailq_print_pauses(&mailq->out, pauses);
	} else {
		ok = mailq_pause(mailq->spool_fd, mailq->control_fd,
		    (enum mailq_pause_verb)mailq->words.command->verb,
		    &mailq->words.pause, &why);
		buf_add_format(&mailq->out, "%s: %s\n", mailq->words.pause.name,
		    mailq->words.command->past);
	}
	alloc_release(pauses);
	if (ok)
		flush(mailq);
	else
		fprintf(stderr, "mailq: %s\n", why.text);
	return ok ? EX_OK : EX_NOTHING;
}

static int
run(struct mailq *mailq, const struct settings *settings)
{
	enum mailq_action action = mailq->words.command->action;
	struct why why = { 0 };

	if (!is_sure(mailq))
		return EX_NOTHING;
	if (!open_queue(mailq, settings, &why)) {
		fprintf(stderr, "mailq: cannot read the queue: %s\n", why.text);
		return EX_TEMPFAIL;
	}
	buf_init(&mailq->out, OUTPUT_MAX);
	mailq->now = (uint64_t)time(NULL);
	if (action == ACTION_TRACE)
		return run_trace(mailq, mailq->words.subject);
	if (action == ACTION_PAUSE || action == ACTION_PAUSES)
		return run_pause(mailq);
	if (action == ACTION_CHECK)
		return run_check(mailq);
	if (action == ACTION_IMPORT)
		return run_import(mailq, settings);
	if (action == ACTION_MOVE)
		return run_move(mailq, settings);
	if (action == ACTION_EXPORT && !transfer_begin(stdout, &why))
		return EX_TEMPFAIL;
	mailq->groups = mailq_groups_new();
	if (!mailq_walk(mailq->spool_fd, mailq->control_fd >= 0,
		&mailq->words.selection, each_of[action], mailq))
		return EX_TEMPFAIL;
	return finish(mailq);
}

static int
print_usage(FILE *out, int status)
{
	mailq_words_usage(out);
	return status;
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
		return print_usage(stdout, EX_OK);
	if (first < argc && strcmp(argv[first], "--version") == 0) {
		printf("mailq %s\n", PACKAGE_STRING);
		return EX_OK;
	}
	if (!mailq_words_parse(&mailq.words, argv + first, time(NULL), &why)) {
		fprintf(stderr, "mailq: %s\n", why.text);
		return print_usage(stderr, EX_USAGE);
	}
	settings = settings_load(path, "mailq", &errors);
	log_open("mailq", "-", LOG_LEVEL_ERROR);
	status = errors.count > 0 ? complain(&errors) : run(&mailq, settings);
	settings_errors_free(&errors);
	settings_free(&settings);
	mailq_groups_free(&mailq.groups);
	alloc_release(mailq.trace);
	buf_free(&mailq.out);
	return status;
}
