/* SPDX-License-Identifier: ISC */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "common/address.h"
#include "common/alloc.h"
#include "common/log.h"
#include "common/resolve.h"

#include "queue/active.h"
#include "queue/bounce.h"

/* The mark in the envelope (HELO) of a report on a report. */
#define DOUBLE_BOUNCE   "double-bounce"
#define BOUNCE_SIZE_MAX (16 * 1024 * 1024)

/* Everything a report needs while it is made; freed at its end. */
struct report {
	struct manager *manager;
	struct active *active;
	struct arena *arena;
	struct bounce bounce;
	struct spool_message envelope;
	char id[SPOOL_ID_SIZE];
};

static bool
collect_recipients(struct report *report)
{
	struct active *active = report->active;
	const struct spool_message *message = &active->message;
	char wanted = report->bounce.kind == BOUNCE_FAILED ? OUTCOME_FAILED
							   : OUTCOME_LATER;
	struct bounce_recipient *recipients = arena_alloc(
	    report->arena, message->recipient_count * sizeof(*recipients));
	size_t n = 0;

	if (recipients == NULL)
		return false;
	for (size_t i = 0; i < message->recipient_count; i++) {
		if (active->outcomes[i].state != wanted)
			continue;
		recipients[n].address = message->recipients[i].address;
		recipients[n].original = message->recipients[i].original;
		recipients[n].reason = active->outcomes[i].reason;
		if (recipients[n].reason.text.len == 0)
			recipients[n].reason.text = S("reason not recorded");
		if (recipients[n].reason.code.len == 0)
			recipients[n].reason.code = S("5.0.0");
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
	if (result != RESULT_NEVER || slice_eq(message->helo, S(DOUBLE_BOUNCE)))
		return result;
	report->envelope.helo = S(DOUBLE_BOUNCE);
	return address_to(report, slice_of(report->manager->settings->notify));
}

static bool
read_original(struct report *report)
{
	const struct spool_message *message = &report->active->message;
	size_t size = message->body_length < BOUNCE_ORIGINAL_MAX
			  ? (size_t)message->body_length
			  : BOUNCE_ORIGINAL_MAX;
	char *bytes = arena_alloc(report->arena, size + 1);
	ssize_t n;

	if (bytes == NULL || !active_open(report->manager, report->active))
		return false;
	n = pread(report->active->fd, bytes, size, (off_t)message->body_offset);
	if (n < 0)
		return false;
	report->bounce.message = slice_make(bytes, (size_t)n);
	report->bounce.is_cut = message->body_length > BOUNCE_ORIGINAL_MAX;
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
	bounce->now = time(NULL);
	bounce->arrived = (int64_t)message->created;
	bounce->retry_until =
	    (int64_t)(message->created + settings->maximal_queue_lifetime);
	bounce->is_8bit = (message->flags & SPOOL_8BIT) != 0;
	report->envelope.flags = SPOOL_BOUNCE | (message->flags & SPOOL_8BIT);
	report->envelope.created = attempt_time(message, (uint64_t)bounce->now);
}

static bool
write_report(struct report *report, struct why *why)
{
	struct spool_writer *writer =
	    spool_writer_open(report->manager->spool_fd, why);
	struct buf text;
	char id[SPOOL_ID_SIZE];
	bool ok;

	if (writer == NULL)
		return false;
	buf_init(&text, BOUNCE_SIZE_MAX);
	ok = bounce_format(&text, &report->bounce);
	if (!ok)
		why_set(why, "the report is too large");
	ok = ok && spool_writer_envelope(writer, &report->envelope, why) &&
	     spool_writer_body(writer, buf_slice(&text), why) &&
	     spool_writer_commit(writer, report->id, id, why);
	spool_writer_close(&writer);
	buf_free(&text);
	return ok;
}

static bool
submit_report(struct report *report)
{
	const char *original = report->bounce.original_id;
	struct why why = { 0 };

	if (!collect_recipients(report) || !read_original(report)) {
		log_error("%s: cannot read the message to report", original);
		return false;
	}
	if (!write_report(report, &why) && why.error != EEXIST) {
		log_error(
		    "%s: cannot write the report: %s", original, why.text);
		return false;
	}
	log_info("%s: sender %s notification: %s", original,
	    report->bounce.kind == BOUNCE_FAILED ? "non-delivery" : "delay",
	    report->id);
	manager_add(report->manager, report->id,
	    (report->active->entry->flags & ENTRY_RETRY) != 0);
	return true;
}

bool
bounce_send(
    struct manager *manager, struct active *active, enum bounce_kind kind)
{
	struct report report = { .manager = manager, .active = active };
	enum result result;
	bool ok = true;

	report.arena = arena_new("bounce", BOUNCE_SIZE_MAX);
	fill_bounce(&report, kind);
	result = address_report(&report);
	if (result == RESULT_NEVER)
		log_warning("%s: nobody to report to; its failure is only "
			    "in this log",
		    report.bounce.original_id);
	else if (result == RESULT_LATER)
		ok = false;
	else
		ok = submit_report(&report);
	arena_free(&report.arena);
	return ok;
}
