/* SPDX-License-Identifier: ISC */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "common/alloc.h"
#include "common/limits.h"

#include "smtpd/filter_smtpd.h"

enum {
	OUTPUT_FILL = 65536,
	SOURCE_MAX = LIMIT_HEADER + 2 * LIMIT_FILTER_LINE
};

/* The message on its way to the filter, and back. */
struct course {
	struct filter *filter;
	struct buf source; /* not sent yet: header, then body */
	uint64_t at;       /* next byte of the body */
	bool is_read;      /* all of the body is in source */
	bool is_sent, is_back;
	struct spill printed;
};

/* One line as a request, its dot stuffed. */
static void
put_line(struct smtpd_link *link, struct slice line, const char *prefix)
{
	const struct filter_stamp now = smtpd_link_stamp(link);
	struct slice fields[2] = { S(""), { NULL, 0 } };
	struct buf text;

	buf_init(&text, LIMIT_FILTER_LINE);
	buf_add_string(&text, prefix);
	buf_add(&text, line);
	link->output.failed |= text.failed;
	if (text.len > 0)
		fields[0] = buf_slice(&text);
	filter_line_request(
	    &link->output, &now, PHASE_DATA_LINE, link->token, fields);
	buf_free(&text);
}

static bool
load(struct course *c, struct why *why)
{
	char *room = alloc_zero(SPILL_PIECE, 1);
	struct slice bytes;
	bool ok = filter_message_body(
	    &c->filter->filters->message, c->at, room, &bytes);

	c->at += bytes.len;
	c->is_read = bytes.len == 0;
	ok = ok && buf_add(&c->source, bytes);
	alloc_release(room);
	return ok || why_set(why, "a line is too long for a filter");
}

/* Whole lines; the last one may lack its end. */
static void
put_lines(struct course *c)
{
	struct smtpd_link *link = c->filter->state;
	struct slice rest = buf_slice(&c->source), line;
	size_t used = 0;

	while (link->output.len < OUTPUT_FILL && rest.len > 0) {
		if (!slice_cut(rest, '\n', &line, &rest) && !c->is_read)
			break;
		used = c->source.len - rest.len;
		if (line.len > 0 && line.ptr[line.len - 1] == '\r')
			line.len--;
		put_line(link, line, slice_starts(line, S(".")) ? "." : "");
	}
	buf_consume(&c->source, used);
}

/* Until there is enough to be written. */
static bool
fill(struct course *c, struct why *why)
{
	struct smtpd_link *link = c->filter->state;

	put_lines(c);
	if (link->output.failed)
		return why_set(why, "a line is too long for a filter");
	if (link->output.len >= OUTPUT_FILL)
		return true;
	if (!c->is_read)
		return load(c, why);
	if (c->source.len == 0) {
		put_line(link, S(""), ".");
		c->is_sent = true;
	}
	return true;
}

static bool
take(struct course *c, const struct filter_line *line, struct why *why)
{
	uint64_t limit = c->filter->filters->settings->message_size_limit;
	struct slice text = line->value;

	if (line->kind != FILTER_LINE_DATA)
		return line->kind < FILTER_LINE_PROCEED ||
		       why_set(why, "answers in the middle of the data");
	if (slice_eq(text, S("."))) {
		c->is_back = true;
		return true;
	}
	if (slice_starts(text, S(".")))
		text = slice_from(text, 1);
	if (limit > 0 && c->printed.length + text.len > limit + LIMIT_HEADER)
		return why_set(why, "says more than a message may have");
	return spill_add(&c->printed, text, why) &&
	       spill_add(&c->printed, S("\r\n"), why);
}

static bool
run(struct course *c, struct why *why)
{
	struct filter *filter = c->filter;
	struct smtpd_link *link = filter->state;
	int64_t deadline = filter_deadline(filter, filter->spec->message);
	struct filter_line line;
	bool is_there;

	link->token++;
	link->owes_answer = true;
	while (!c->is_back) {
		if (!c->is_sent && link->output.len < OUTPUT_FILL &&
		    !fill(c, why))
			return false;
		do {
			if (!smtpd_link_line(link, &line, &is_there, why) ||
			    (is_there && !take(c, &line, why)))
				return false;
		} while (is_there && !c->is_back);
		if (!c->is_back && !smtpd_link_transfer(link, deadline, why))
			return false;
	}
	link->owes_answer = false;
	return filter_message_replace(
	    &filter->filters->message, &c->printed, why);
}

/* Through the filter and back. */
static bool
exchange_message(struct filter *filter, struct why *why)
{
	struct filter_message *message = &filter->filters->message;
	struct course c = { .filter = filter };
	bool ok;

	if (!smtpd_link_wants(filter->state, PHASE_DATA_LINE))
		return true;
	buf_init(&c.source, SOURCE_MAX);
	spill_init(
	    &c.printed, message->draft.directory_fd, message->draft.directory);
	ok = header_list_write(&message->headers, &c.source) &&
	     buf_add_string(&c.source, "\r\n");
	ok = ok ? run(&c, why) : why_set(why, "header is too large");
	spill_free(&c.printed);
	buf_free(&c.source);
	return ok || why_context(why, "data");
}

static struct slice
without_brackets(struct slice path)
{
	if (path.len >= 2 && path.ptr[0] == '<')
		path = slice_first(
		    slice_from(path, 1), slice_index(path, '>') - 1);
	return path;
}

static bool
tell_rewrites(struct filter *filter, struct why *why)
{
	struct filter_message *message = &filter->filters->message;
	const struct smtpd_link *link = filter->state;
	const struct filter_rewrite *rewrite;
	struct verify_change gone = { .kind = EDIT_RCPT_DELETE }, fresh;

	for (size_t i = 0; i < link->rewrite_count; i++) {
		rewrite = &link->rewrites[i];
		gone.value = rewrite->from;
		fresh = (struct verify_change){ .kind = EDIT_RCPT_ADD,
			.value = without_brackets(rewrite->to) };
		if (rewrite->from.len == 0)
			fresh.kind = EDIT_SENDER;
		else if (!filter_message_edit(message, &gone, why))
			return false;
		if (!filter_message_edit(message, &fresh, why))
			return false;
	}
	return true;
}

static void
tell_commit(struct filter *filter)
{
	const struct filter_message *message = &filter->filters->message;
	struct smtpd_link *link = filter->state;
	char size[24];
	struct slice told[] = { slice_of(link->message), S(""), { NULL, 0 } };

	snprintf(size, sizeof(size), "%llu",
	    (unsigned long long)(message->headers.bytes +
				 filter_message_body_length(message)));
	told[1] = slice_of(size);
	smtpd_say_report(link, EVENT_TX_COMMIT, told);
	told[1] = (struct slice){ NULL, 0 };
	smtpd_say_report(link, EVENT_TX_RESET, told);
	link->has_begun = false;
}

bool
smtpd_data(struct filter *filter, struct verify_reply *reply, struct why *why)
{
	const struct verify_change junk = { .kind = EDIT_HEADER_INSERT,
		.name = S("X-Spam"),
		.value = S(" yes") };
	const struct slice nothing[] = { S(""), { NULL, 0 } };
	const struct smtpd_request commit = { PHASE_COMMIT, nothing, S("") };
	struct smtpd_link *link = filter->state;

	if (!exchange_message(filter, why) ||
	    !smtpd_link_request(filter, &commit, reply, why))
		return false;
	if (reply->action != VERIFY_PASS) {
		smtpd_say_rollback(link);
		return true;
	}
	tell_commit(filter);
	return tell_rewrites(filter, why) &&
	       (!link->is_junk ||
		   filter_message_edit(&filter->filters->message, &junk, why));
}
