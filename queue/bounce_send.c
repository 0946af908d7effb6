/* SPDX-License-Identifier: ISC */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "common/address.h"
#include "common/alloc.h"
#include "common/header.h"
#include "common/limits.h"
#include "common/log.h"
#include "common/resolve.h"

#include "queue/active.h"
#include "queue/bounce.h"
#include "queue/notify.h"

/* The mark in the envelope (HELO) of a report on a report. */
#define DOUBLE_BOUNCE "double-bounce"
/* For 65,536 recipients and the addresses the report goes to. */
#define REPORT_ARENA (64 * 1024 * 1024)
#define COPY_BLOCK   8192

/* Everything a report needs while it is made; freed at its end. */
struct report {
	struct manager *manager;
	struct active *active;
	struct arena *arena;
	struct bounce bounce;
	struct slice header; /* of the original */
	struct spool_message envelope;
	char id[SPOOL_ID_SIZE];
};

/* Is this recipient in a report of that kind? */
static bool
is_reported(const struct report *report, size_t index)
{
	const struct spool_message *message = &report->active->message;
	const struct spool_recipient *recipient = &message->recipients[index];
	const struct outcome *outcome = &report->active->outcomes[index];

	switch (report->bounce.kind) {
	case BOUNCE_FAILED:
		return outcome->state == OUTCOME_FAILED &&
		       notify_wants_failure(recipient);
	case BOUNCE_DELAYED:
		if (outcome->state != OUTCOME_LATER)
			return false;
		return notify_wants_delay(recipient) ||
		       (notify_is_late(message, MAIL_BY_NOTIFY,
			    (uint64_t)report->bounce.now) &&
			   (recipient->options.notify & NOTIFY_NEVER) == 0);
	case BOUNCE_SUCCESS:
		return outcome->state == OUTCOME_DONE && outcome->notice != 0;
	case BOUNCE_EXPANDED:
		return notify_wants_expansion(message, index);
	case BOUNCE_KINDS:
		break;
	}
	return false;
}

/* RFC 3464 section 2.3.3. */
static const char *
action_of(enum bounce_kind kind, const struct outcome *outcome)
{
	static const char *const actions[BOUNCE_KINDS] = { "failed", "delayed",
		"delivered", "expanded" };

	if (kind == BOUNCE_SUCCESS && outcome->notice == RECIPIENT_RELAYED)
		return "relayed";
	return actions[kind];
}

static void
fill_recipient(
    const struct report *report, size_t index, struct bounce_recipient *out)
{
	const struct spool_recipient *recipient =
	    &report->active->message.recipients[index];
	const struct outcome *outcome = &report->active->outcomes[index];
	enum bounce_kind kind = report->bounce.kind;

	out->address = recipient->address;
	out->original = recipient->original;
	out->orcpt = recipient->options.original;
	out->action = action_of(kind, outcome);
	out->reason = outcome->reason;
	out->retry_until = (int64_t)(notify_start(&report->active->message) +
				     outcome->policy.lifetime);
	if (kind == BOUNCE_EXPANDED) {
		out->address = recipient->original;
		out->reason = (struct reason){ .code = S("2.0.0"),
			.text = S("alias expanded") };
	}
	if (out->reason.text.len == 0)
		out->reason.text = S("reason not recorded");
	if (out->reason.code.len == 0)
		out->reason.code =
		    kind == BOUNCE_SUCCESS ? S("2.0.0") : S("5.0.0");
}

static bool
collect_recipients(struct report *report)
{
	size_t count = report->active->message.recipient_count, n = 0;
	struct bounce_recipient *recipients =
	    arena_alloc(report->arena, (count + 1) * sizeof(*recipients));

	if (recipients == NULL)
		return false;
	for (size_t i = 0; i < count; i++) {
		if (!is_reported(report, i))
			continue;
		fill_recipient(report, i, &recipients[n]);
		if (recipients[n].retry_until > report->bounce.retry_until)
			report->bounce.retry_until = recipients[n].retry_until;
		n++;
	}
	report->bounce.recipients = recipients;
	report->bounce.recipient_count = n;
	return true;
}

static bool
fill_envelope(struct report *report, const struct resolution *resolution)
{
	struct spool_recipient *recipients =
	    arena_alloc(report->arena, resolution->count * sizeof(*recipients));

	if (recipients == NULL)
		return false;
	for (size_t i = 0; i < resolution->count; i++) {
		recipients[i].status = RECIPIENT_TODO;
		recipients[i].kind = (char)resolution->targets[i].kind;
		recipients[i].address = resolution->targets[i].address;
		recipients[i].original = report->bounce.to;
		recipients[i].argument = resolution->targets[i].argument;
		recipients[i].extension = resolution->targets[i].extension;
		recipients[i].user = resolution->targets[i].user;
	}
	report->envelope.recipients = recipients;
	report->envelope.recipient_count = resolution->count;
	return true;
}

/* Whom the address stands for; RESULT_NEVER: nobody. */
static enum result
address_to(struct report *report, struct slice text)
{
	const struct settings *settings = report->manager->settings;
	struct resolver *resolver = resolver_new(settings);
	struct resolution resolution = { 0 };
	struct address address;
	struct why why = { 0 };
	enum result result = RESULT_NEVER;

	report->bounce.to = text;
	if (address_parse(text, report->arena, &address)) {
		if (address.domain.len == 0)
			address.domain = slice_of(settings->origin);
		result = resolver_resolve(
		    resolver, &address, report->arena, &resolution, &why);
	}
	if (result == RESULT_OK && resolution.count == 0)
		result = RESULT_NEVER;
	if (result == RESULT_OK && !fill_envelope(report, &resolution))
		result = RESULT_LATER;
	resolver_free(&resolver);
	return result;
}

/*
 * The sender, or "notify" when there is none or it is nobody's; a report
 * that cannot even go there ends here.
 */
static enum result
address_report(struct report *report)
{
	const struct spool_message *message = &report->active->message;
	enum result result = RESULT_NEVER;

	if (message->sender.len > 0)
		result = address_to(report, message->sender);
	if (result != RESULT_NEVER || report->bounce.kind != BOUNCE_FAILED ||
	    slice_eq(message->helo, S(DOUBLE_BOUNCE)))
		return result;
	report->envelope.helo = S(DOUBLE_BOUNCE);
	return address_to(report, slice_of(report->manager->settings->notify));
}

/* RET (RFC 3461 section 4.3, 6.2); RFC 8689 section 4.3 shows no more of a
 * message that required TLS, and binary is no part of an 8-bit report. */
static bool
is_returned_whole(const struct report *report)
{
	const struct spool_message *message = &report->active->message;
	uint32_t flags = message->options.flags;

	if (report->bounce.kind != BOUNCE_FAILED ||
	    (flags & (MAIL_RET_HEADERS | MAIL_REQUIRETLS | MAIL_BINARY)) != 0)
		return false;
	return message->body_length <= ((flags & MAIL_RET_FULL) != 0
					       ? LIMIT_REPORT_ORIGINAL
					       : BOUNCE_ORIGINAL_MAX);
}

static struct slice
header_of(struct slice message)
{
	struct header_iterator iterator;
	struct header_field field;

	header_begin(&iterator, message);
	while (header_next(&iterator, &field))
		continue;
	return slice_first(message, iterator.body_offset);
}

/* In the language of its sender; "notify" wrote no message. */
static const struct bounce_text *
choose_text(const struct report *report)
{
	const struct manager *manager = report->manager;
	bool is_for_sender = report->active->message.sender.len > 0 &&
			     report->envelope.helo.len == 0;

	return bounce_texts_choose(manager->bounce_texts, report->bounce.kind,
	    &manager->settings->bounce_languages,
	    is_for_sender ? report->header : S(""));
}

static bool
read_header(struct report *report)
{
	const struct spool_message *message = &report->active->message;
	size_t size = message->body_length < LIMIT_HEADER
			  ? (size_t)message->body_length
			  : LIMIT_HEADER;
	char *bytes = arena_alloc(report->arena, size + 1);
	ssize_t n;

	if (bytes == NULL || !active_open(report->manager, report->active))
		return false;
	report->bounce.is_whole = is_returned_whole(report);
	n = pread(report->active->fd, bytes, size, (off_t)message->body_offset);
	if (n < 0)
		return false;
	report->header = header_of(slice_make(bytes, (size_t)n));
	report->bounce.text = choose_text(report);
	return true;
}

/*
 * When this attempt was due, from the file alone: a report that is made again
 * after a crash has the first one's id and time, so in a Maildir it has the
 * first one's name.
 */
static uint64_t
attempt_time(const struct spool_message *message, uint64_t now)
{
	uint64_t due = message->schedule.next > message->created
			   ? message->schedule.next
			   : message->created;

	return due < now ? due : now;
}

static void
fill_bounce(struct report *report, enum bounce_kind kind)
{
	const struct settings *settings = report->manager->settings;
	const struct spool_message *message = &report->active->message;
	struct bounce *bounce = &report->bounce;

	bounce_derive_id(
	    message->id, kind, report->active->entry->attempts, report->id);
	bounce->kind = kind;
	bounce->hostname = settings->hostname;
	bounce->id = report->id;
	bounce->original_id = message->id;
	bounce->sender = message->sender;
	bounce->envelope_id = message->options.envelope_id;
	bounce->now = time(NULL);
	bounce->arrived = (int64_t)message->created;
	bounce->deliver_by = (int64_t)message->options.deliver_by;
	bounce->is_8bit = (message->flags & SPOOL_8BIT) != 0;
	bounce->is_global = (message->options.flags & MAIL_UTF8) != 0;
	report->envelope.created = attempt_time(message, (uint64_t)bounce->now);
}

/* After the address is known. RFC 8689 section 4.3: what is said of a message
 * that required TLS requires it, too. */
static void
fill_options(struct report *report)
{
	const struct bounce *bounce = &report->bounce;
	struct spool_message *envelope = &report->envelope;
	uint32_t flags = report->active->message.options.flags;

	envelope->flags = SPOOL_BOUNCE;
	envelope->options.flags = flags & MAIL_REQUIRETLS;
	if (bounce_is_8bit(bounce)) {
		envelope->flags |= SPOOL_8BIT;
		envelope->options.flags |= MAIL_8BIT;
	}
	if (!slice_is_ascii(bounce->to))
		envelope->options.flags |= MAIL_UTF8;
}

struct sink {
	struct spool_writer *writer;
	struct why *why;
};

static bool
write_piece(void *context, struct slice piece)
{
	struct sink *sink = context;

	return spool_writer_body(sink->writer, piece, sink->why);
}

/* The original, or its header; with a line end in any case. */
static bool
copy_original(struct report *report, struct sink *sink)
{
	const struct spool_message *message = &report->active->message;
	char block[COPY_BLOCK];
	struct slice last = S("");
	uint64_t done = 0;
	ssize_t n;

	if (!report->bounce.is_whole) {
		last = report->header;
		if (!write_piece(sink, last))
			return false;
	}
	while (report->bounce.is_whole && done < message->body_length) {
		n = pread(report->active->fd, block,
		    message->body_length - done < sizeof(block)
			? (size_t)(message->body_length - done)
			: sizeof(block),
		    (off_t)(message->body_offset + done));
		if (n <= 0)
			return why_errno(sink->why, "read of the original");
		last = slice_make(block, (size_t)n);
		if (!write_piece(sink, last))
			return false;
		done += (uint64_t)n;
	}
	return slice_ends(last, S("\n")) || write_piece(sink, S("\r\n"));
}

static bool
write_report(struct report *report, struct why *why)
{
	struct sink sink = {
		.writer = spool_writer_open(report->manager->spool_fd, why),
		.why = why,
	};
	char id[SPOOL_ID_SIZE];
	bool ok;

	if (sink.writer == NULL)
		return false;
	fill_options(report);
	ok = spool_writer_envelope(sink.writer, &report->envelope, why) &&
	     bounce_begin(&report->bounce, write_piece, &sink) &&
	     copy_original(report, &sink) &&
	     bounce_end(&report->bounce, write_piece, &sink) &&
	     spool_writer_commit(sink.writer, report->id, id, why);
	spool_writer_close(&sink.writer);
	return ok;
}

static bool
submit_report(struct report *report)
{
	static const char *const kinds[BOUNCE_KINDS] = { "non-delivery",
		"delay", "delivery", "expansion" };
	const char *original = report->bounce.original_id;
	struct why why = { 0 };

	if (!read_header(report)) {
		log_error("%s: cannot read the message to report", original);
		return false;
	}
	if (!write_report(report, &why) && why.error != EEXIST) {
		log_error(
		    "%s: cannot write the report: %s", original, why.text);
		return false;
	}
	journal_note(report->active->journal, original,
	    "sender %s notification: %s", kinds[report->bounce.kind],
	    report->id);
	manager_add(report->manager, report->id,
	    (report->active->entry->flags & ENTRY_RETRY) != 0);
	return true;
}

static bool
find_reader_and_submit(struct report *report)
{
	enum result result = address_report(report);

	if (result == RESULT_LATER)
		return false;
	if (result == RESULT_OK)
		return submit_report(report);
	log_warning("%s: nobody to report to; %s is only in this log",
	    report->bounce.original_id,
	    report->bounce.kind == BOUNCE_FAILED ? "its failure"
						 : "what became of it");
	return true;
}

bool
bounce_send(
    struct manager *manager, struct active *active, enum bounce_kind kind)
{
	struct report report = { .manager = manager, .active = active };
	bool ok = true;

	/* Only failures of what has no sender concern anybody. */
	if (kind != BOUNCE_FAILED && active->message.sender.len == 0)
		return true;
	report.arena = arena_new("bounce", REPORT_ARENA);
	fill_bounce(&report, kind);
	if (!collect_recipients(&report))
		ok = false;
	else if (report.bounce.recipient_count > 0)
		ok = find_reader_and_submit(&report);
	arena_free(&report.arena);
	return ok;
}
