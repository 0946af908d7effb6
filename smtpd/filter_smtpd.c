/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "smtpd/filter_smtpd.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "common/alloc.h"
#include "common/inject.h"
#include "common/io.h"
#include "common/limits.h"

#include "smtpd/filter_helper.h"

enum {
	OUTPUT_MAX = LIMIT_HEADER + 8 * LIMIT_FILTER_LINE,
	READ_SIZE = 16384,
	ARENA_CEILING = 262144
};

static bool
open_smtpd(struct filter *filter, struct why *why)
{
	struct smtpd_link *link = alloc_zero(1, sizeof(*link));

	(void)why;
	filter->state = link;
	link->stream = -1;
	link->arena = arena_new("rewrites", ARENA_CEILING);
	buf_init(&link->input, LIMIT_FILTER_LINE + READ_SIZE);
	buf_init(&link->output, OUTPUT_MAX);
	return true;
}

void
smtpd_link_hang_up(struct smtpd_link *link)
{
	if (link->stream >= 0)
		close(link->stream);
	link->stream = -1;
	link->has_said_hello = link->has_begun = link->owes_answer = false;
	link->events = link->phases = 0;
	buf_clear(&link->input);
	buf_clear(&link->output);
	link->consumed = 0;
}

static bool
write_some(struct smtpd_link *link, struct why *why)
{
	ssize_t n = write(link->stream, link->output.ptr, link->output.len);

	if (n < 0 && errno != EAGAIN && errno != EINTR)
		return why_errno(why, "cannot be spoken to");
	if (n > 0)
		buf_consume(&link->output, (size_t)n);
	return true;
}

static bool
read_some(struct smtpd_link *link, struct why *why)
{
	char *room = buf_reserve(&link->input, READ_SIZE);
	ssize_t n;

	if (room == NULL)
		return why_set(why, "says a line that is too long");
	n = read(link->stream, room, READ_SIZE);
	if (n > 0)
		buf_commit(&link->input, (size_t)n);
	return n > 0 || (n < 0 && (errno == EAGAIN || errno == EINTR)) ||
	       why_set(why, "no answer: it has ended");
}

bool
smtpd_link_transfer(struct smtpd_link *link, int64_t deadline, struct why *why)
{
	struct pollfd fd = { .fd = link->stream, .events = POLLIN };
	int64_t left = deadline - io_now();

	if (left <= 0)
		return why_set(why, "no answer: timed out");
	if (link->output.len > 0)
		fd.events |= POLLOUT;
	if (poll(&fd, 1, left > INT32_MAX ? INT32_MAX : (int)left) < 0)
		return errno == EINTR || why_errno(why, "poll");
	if ((fd.revents & POLLOUT) != 0 && !write_some(link, why))
		return false;
	return (fd.revents & ~POLLOUT) == 0 || read_some(link, why);
}

bool
smtpd_link_line(struct smtpd_link *link, struct filter_line *line,
    bool *is_there, struct why *why)
{
	struct slice rest, text;

	*is_there = false;
	rest = slice_from(buf_slice(&link->input), link->consumed);
	if (!slice_cut(rest, '\n', &text, &rest)) {
		buf_consume(&link->input, link->consumed);
		link->consumed = 0;
		return true;
	}
	link->consumed += text.len + 1;
	filter_line_read(text, line);
	*is_there = true;
	if (line->kind >= FILTER_LINE_PROCEED &&
	    (line->session != link->session || line->token != link->token))
		line->kind = FILTER_LINE_BAD;
	return line->kind != FILTER_LINE_BAD ||
	       why_set(why, "says what is no part of the protocol");
}

struct filter_stamp
smtpd_link_stamp(const struct smtpd_link *link)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (struct filter_stamp){ .seconds = (uint64_t)now.tv_sec,
		.microseconds = (uint32_t)(now.tv_nsec / 1000),
		.session = link->session };
}

bool
smtpd_link_wants(const struct smtpd_link *link, enum filter_phase phase)
{
	return (link->phases & 1U << phase) != 0;
}

static bool
handshake(struct filter *filter, struct why *why)
{
	struct smtpd_link *link = filter->state;
	int64_t deadline = filter_deadline(filter, filter->spec->command);
	struct filter_line line = { .kind = FILTER_LINE_IGNORED };
	bool is_there;

	filter_line_config(&link->output,
	    slice_of(filter->filters->settings->hostname),
	    TIMEOUT_SMTP_COMMAND);
	while (line.kind != FILTER_LINE_READY) {
		if (!smtpd_link_line(link, &line, &is_there, why) ||
		    (!is_there && !smtpd_link_transfer(link, deadline, why)))
			return why_context(why, "handshake");
		if (!is_there)
			continue;
		if (line.kind == FILTER_LINE_REPORT)
			link->events |= 1U << line.number;
		else if (line.kind == FILTER_LINE_FILTER)
			link->phases |= 1U << line.number;
		else if (line.kind > FILTER_LINE_READY)
			return why_set(why, "handshake: answers unasked");
	}
	return true;
}

static bool
start(struct filter *filter, struct why *why)
{
	struct smtpd_link *link = filter->state;
	struct filter_process process;
	struct timespec now;

	if (link->stream >= 0)
		return true;
	if (!filter_helper_run(
		filter->filters->helper, filter->number, &process, why))
		return false;
	if (process.errors >= 0)
		close(process.errors);
	link->stream = process.stream;
	clock_gettime(CLOCK_REALTIME, &now);
	link->session = (uint64_t)now.tv_sec << 32 |
			((uint64_t)now.tv_nsec ^ (uint64_t)getpid() << 8);
	link->owes_answer = true;
	if (!handshake(filter, why))
		return false;
	link->owes_answer = false;
	return true;
}

/* What a result means for the client; rewrite is the caller's. */
static void
to_reply(struct smtpd_link *link, const struct filter_line *line,
    struct verify_reply *reply)
{
	if (line->kind == FILTER_LINE_JUNK)
		link->is_junk = true;
	if (line->kind == FILTER_LINE_REJECT)
		verify_refuse(reply, line->code, line->status, "%.*s",
		    SLICE_FMT(slice_first(line->value, 400)));
	if (line->kind == FILTER_LINE_DISCONNECT) {
		verify_refuse(reply, line->code, line->status, "%.*s",
		    SLICE_FMT(slice_first(line->value, 400)));
		reply->action = VERIFY_CLOSE;
	}
}

static bool
keep_rewrite(struct smtpd_link *link, struct slice from, struct slice to,
    struct why *why)
{
	struct filter_rewrite *rewrite;

	if (link->rewrite_count == FILTER_REWRITES_MAX)
		return why_set(why, "rewrites too many addresses");
	rewrite = &link->rewrites[link->rewrite_count++];
	rewrite->from = arena_slice(link->arena, from);
	rewrite->to = arena_slice(link->arena, slice_trim(to));
	return (rewrite->from.ptr != NULL && rewrite->to.ptr != NULL) ||
	       why_set(why, "rewrites to what is too long");
}

/* The answer to the request that is out. */
static bool
hear(struct filter *filter, struct filter_line *line, struct why *why)
{
	struct smtpd_link *link = filter->state;
	int64_t deadline = filter_deadline(filter, filter->spec->command);
	bool is_there;

	for (;;) {
		if (!smtpd_link_line(link, line, &is_there, why))
			return false;
		if (is_there && line->kind == FILTER_LINE_DATA)
			return why_set(why, "answers with a line of data");
		if (is_there && line->kind >= FILTER_LINE_PROCEED)
			return true;
		if (!is_there && !smtpd_link_transfer(link, deadline, why))
			return false;
	}
}

bool
smtpd_link_request(struct filter *filter, const struct smtpd_request *request,
    struct verify_reply *reply, struct why *why)
{
	struct smtpd_link *link = filter->state;
	const struct filter_stamp now = smtpd_link_stamp(link);
	struct filter_line line;

	if (!smtpd_link_wants(link, request->phase))
		return true;
	filter_line_request(&link->output, &now, request->phase, ++link->token,
	    request->fields);
	if (link->output.failed)
		return why_set(why, "does not read what it is told");
	link->owes_answer = true;
	if (!hear(filter, &line, why))
		return false;
	link->owes_answer = false;
	to_reply(link, &line, reply);
	if (line.kind != FILTER_LINE_REWRITE)
		return true;
	if (request->phase != PHASE_MAIL_FROM &&
	    request->phase != PHASE_RCPT_TO)
		return why_set(why, "rewrites what is no address");
	return keep_rewrite(link, request->rewrites, line.value, why);
}

static bool
ask_smtpd(struct filter *filter, enum filter_stage stage,
    struct verify_reply *reply, struct why *why)
{
	struct smtpd_link *link = filter->state;

	if (stage == FILTER_AT_MAIL && !start(filter, why))
		return false;
	if (link->stream < 0)
		return true;
	if (stage == FILTER_AT_END)
		return smtpd_data(filter, reply, why);
	return smtpd_say(filter, stage, reply, why);
}

/* One that owes an answer is started anew. */
static void
abort_smtpd(struct filter *filter)
{
	struct smtpd_link *link = filter->state;

	if (link == NULL)
		return;
	smtpd_say_rollback(link);
	if (link->owes_answer)
		smtpd_link_hang_up(link);
}

static void
close_smtpd(struct filter *filter)
{
	struct smtpd_link *link = filter->state;

	if (link == NULL)
		return;
	smtpd_say_rollback(link);
	smtpd_say_report(link, EVENT_LINK_DISCONNECT, NULL);
	while (link->stream >= 0 && link->output.len > 0 &&
	       smtpd_link_transfer(link, io_deadline(1), NULL))
		continue;
	smtpd_link_hang_up(link);
	buf_free(&link->input);
	buf_free(&link->output);
	arena_free(&link->arena);
	alloc_release(link);
	filter->state = NULL;
}

const struct filter_functions filter_smtpd_functions = {
	.open = open_smtpd,
	.ask = ask_smtpd,
	.abort = abort_smtpd,
	.close = close_smtpd,
};
