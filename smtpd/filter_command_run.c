/* SPDX-License-Identifier: ISC */
#include "config.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/alloc.h"
#include "common/io.h"
#include "common/limits.h"

#include "smtpd/filter.h"
#include "smtpd/filter_command.h"
#include "smtpd/filter_helper.h"

enum {
	READ_SIZE = 4096,
	REASON_MAX = 200
};

/* One run of the program. */
struct run {
	struct filter *filter;
	struct filter_process process;
	int64_t deadline;
	struct buf pending; /* still to be written */
	uint64_t at;        /* next byte of the body */
	bool is_all_sent;
	struct spill printed;
	char last; /* byte of printed */
	struct buf errors;
};

static bool
load(struct run *run, struct why *why)
{
	const struct filter_message *m = &run->filter->filters->message;
	char *room = alloc_zero(SPILL_PIECE, 1);
	struct slice bytes;
	bool ok = filter_message_body(m, run->at, room, &bytes);

	buf_clear(&run->pending);
	if (ok)
		filter_command_feed(&run->pending, bytes);
	run->at += bytes.len;
	if (ok && bytes.len == 0) {
		run->is_all_sent = true;
		(void)shutdown(run->process.stream, SHUT_WR);
	}
	alloc_release(room);
	return ok || why_set(why, "cannot read the message");
}

static bool
write_more(struct run *run, struct why *why)
{
	struct slice bytes = buf_slice(&run->pending);
	ssize_t n;

	if (bytes.len == 0)
		return load(run, why);
	n = write(run->process.stream, bytes.ptr, bytes.len);
	if (n > 0)
		buf_consume(&run->pending, (size_t)n);
	else if (n < 0 && errno != EAGAIN && errno != EINTR)
		run->is_all_sent = true; /* it has seen enough */
	return true;
}

static bool
read_output(struct run *run, bool *is_open, struct why *why)
{
	const struct settings *settings = run->filter->filters->settings;
	uint64_t limit = settings->message_size_limit;
	char bytes[READ_SIZE];
	ssize_t n = read(run->process.stream, bytes, sizeof(bytes));

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return true;
	if (n <= 0) {
		*is_open = false;
		return true;
	}
	if (!run->filter->spec->is_print)
		return true;
	if (limit > 0 &&
	    run->printed.length + (uint64_t)n > limit + LIMIT_HEADER)
		return why_set(why, "prints more than a message may have");
	return filter_command_take(
	    &run->printed, &run->last, slice_make(bytes, (size_t)n), why);
}

static void
read_errors(struct run *run, bool *is_open)
{
	char bytes[LIMIT_FILTER_ERRORS];
	ssize_t n = read(run->process.errors, bytes, sizeof(bytes));
	size_t past;

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		*is_open = false;
		return;
	}
	past = run->errors.len + (size_t)n;
	past = past > LIMIT_FILTER_ERRORS ? past - LIMIT_FILTER_ERRORS : 0;
	buf_consume(
	    &run->errors, past < run->errors.len ? past : run->errors.len);
	buf_add(&run->errors, slice_make(bytes, (size_t)n));
}

static bool
wait_for_any(struct run *run, struct pollfd fds[2], struct why *why)
{
	int64_t left = run->deadline - io_now();
	int n;

	if (left <= 0)
		return why_set(why, "timed out");
	n = poll(fds, 2, left > INT32_MAX ? INT32_MAX : (int)left);
	return n >= 0 || errno == EINTR || why_errno(why, "poll");
}

/* What poll says of the two. */
static bool
serve_ready(struct run *run, const struct pollfd fds[2], bool is_open[2],
    struct why *why)
{
	if (fds[1].revents != 0)
		read_errors(run, &is_open[1]);
	if ((fds[0].revents & POLLOUT) != 0 && !run->is_all_sent &&
	    !write_more(run, why))
		return false;
	return (fds[0].revents & ~POLLOUT) == 0 ||
	       read_output(run, &is_open[0], why);
}

/* All that goes in and comes out. A background child that keeps these open
 * is waited for like the program. */
static bool
talk(struct run *run, struct why *why)
{
	bool is_open[2] = { true, run->process.errors >= 0 };
	struct pollfd fds[2];

	while (is_open[0] || is_open[1]) {
		fds[0] = (struct pollfd){ is_open[0] ? run->process.stream : -1,
			run->is_all_sent ? POLLIN : POLLIN | POLLOUT, 0 };
		fds[1] = (struct pollfd){ is_open[1] ? run->process.errors : -1,
			POLLIN, 0 };
		if (!wait_for_any(run, fds, why) ||
		    !serve_ready(run, fds, is_open, why))
			return false;
	}
	return true;
}

static bool
judge(struct run *run, int status, struct verify_reply *reply, struct why *why)
{
	struct filter *filter = run->filter;
	char reason[REASON_MAX + 1];

	filter_command_reason(buf_slice(&run->errors), reason, sizeof(reason));
	switch (filter_command_verdict(filter->spec, status)) {
	case FILTER_PASSES:
		return !filter->spec->is_print ||
		       filter_message_replace(
			   &filter->filters->message, &run->printed, why);
	case FILTER_REFUSES:
		verify_refuse(reply, 550, "5.7.1", "%s", reason);
		return true;
	case FILTER_LATER:
		verify_refuse(reply, 451, "4.7.1", "%s", reason);
		return true;
	case FILTER_HOLDS:
		verify_hold(reply, "%s: %s", filter_name(filter->spec), reason);
		return true;
	case FILTER_FAILED:
		break;
	}
	if (WIFEXITED(status))
		return why_set(
		    why, "exit status %d: %s", WEXITSTATUS(status), reason);
	return why_set(why, "signal %d", WTERMSIG(status));
}

static void
run_open(struct run *run, struct filter *filter)
{
	memset(run, 0, sizeof(*run));
	run->filter = filter;
	run->deadline = filter_deadline(filter, filter->spec->message);
	run->last = '\n';
	buf_init(&run->pending, LIMIT_HEADER + SPILL_PIECE);
	buf_init(&run->errors, LIMIT_FILTER_ERRORS);
	run->printed = filter->filters->message.draft;
	spill_init(
	    &run->printed, run->printed.directory_fd, run->printed.directory);
}

static void
run_close(struct run *run)
{
	close(run->process.stream);
	if (run->process.errors >= 0)
		close(run->process.errors);
	spill_free(&run->printed);
	buf_free(&run->pending);
	buf_free(&run->errors);
}

static void
put_header(struct run *run)
{
	struct buf header;

	buf_init(&header, LIMIT_HEADER + LIMIT_HEADER_FIELDS * 2);
	header_list_write(&run->filter->filters->message.headers, &header);
	buf_add_string(&header, "\r\n");
	filter_command_feed(&run->pending, buf_slice(&header));
	buf_free(&header);
}

static bool
ask_command(struct filter *filter, enum filter_stage stage,
    struct verify_reply *reply, struct why *why)
{
	struct run run;
	int status = 0;
	bool ok, is_known;

	if (stage != FILTER_AT_END)
		return true;
	run_open(&run, filter);
	if (!filter_helper_run(
		filter->filters->helper, filter->number, &run.process, why)) {
		run.process.stream = -1;
		run_close(&run);
		return false;
	}
	put_header(&run);
	ok = talk(&run, why);
	is_known = filter_helper_wait(filter->filters->helper, filter->number,
	    ok ? run.deadline : io_now(), &status);
	if (ok && !is_known)
		ok = why_set(why, "does not end");
	ok = ok && judge(&run, status, reply, why);
	run_close(&run);
	return ok;
}

static bool
open_command(struct filter *filter, struct why *why)
{
	(void)filter;
	(void)why;
	return true;
}

static void
nothing_to_do(struct filter *filter)
{
	(void)filter;
}

const struct filter_functions filter_command_functions = {
	.open = open_command,
	.ask = ask_command,
	.abort = nothing_to_do,
	.close = nothing_to_do,
};
