/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "queue/enqueue_state.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "common/limits.h"
#include "common/log.h"

#include "queue/enqueue_policy.h"
#include "queue/enqueue_trace.h"

static void
fail(struct enqueue *e, const struct inject_reply *reply)
{
	if (e->failure.code != 0)
		return;
	e->failure = *reply;
	enqueue_log_refusal(e, "DATA", slice_of(""), reply);
}

static void
fail_with(struct enqueue *e, const struct why *why)
{
	struct inject_reply reply;

	enqueue_reply_of_error(&reply, why);
	fail(e, &reply);
}

enum enqueue_step
enqueue_on_data(
    struct enqueue *e, struct message *message, struct inject_reply *reply)
{
	struct why why = { 0 };

	if (!message_end(message) || e->phase != PHASE_MAIL)
		return ENQUEUE_BROKEN;
	if (e->envelope.recipient_count == 0) {
		answer_set(reply, 554, "5.5.1", "no recipient was accepted");
		return ENQUEUE_REPLY;
	}
	e->writer = spool_writer_open(e->tables.spool_fd, &why);
	if (e->writer == NULL) {
		enqueue_reply_of_error(reply, &why);
		return ENQUEUE_REPLY;
	}
	if (!e->settings->strict_sync)
		spool_writer_relax(e->writer);
	/* A drop file has one id for ever: a second injection of it after a
	 * crash finds the first. */
	if (enqueue_is_local(e) && e->facts.id[0] != '\0')
		(void)spool_writer_set_id(e->writer, e->facts.id);
	e->phase = PHASE_DATA;
	answer_set(reply, 354, "", "go on");
	return ENQUEUE_REPLY;
}

static bool
has_8bit(struct slice bytes)
{
	for (size_t i = 0; i < bytes.len; i++)
		if ((unsigned char)bytes.ptr[i] > 127)
			return true;
	return false;
}

static bool
check_header(const struct enqueue *e, const struct header_facts *facts,
    struct inject_reply *reply)
{
	if (e->scan.length > LIMIT_HEADER) {
		answer_set(reply, 552, "5.3.4",
		    "message header is larger than %d bytes", LIMIT_HEADER);
		return false;
	}
	if (facts->hops > LIMIT_HOPS) {
		answer_set(reply, 554, "5.4.6",
		    "mail loop: more than %d Received fields", LIMIT_HOPS);
		return false;
	}
	if (facts->fields > LIMIT_HEADER_FIELDS) {
		answer_set(reply, 552, "5.3.4",
		    "too many header fields (the limit is %d)",
		    LIMIT_HEADER_FIELDS);
		return false;
	}
	return true;
}

/* Envelope, trace fields, header, the empty line that may be missing, and
 * what was held of the body. */
static bool
write_start(
    struct enqueue *e, const struct header_facts *facts, struct why *why)
{
	struct trace trace = { .settings = e->settings,
		.facts = &e->facts,
		.helo = e->envelope.helo,
		.is_esmtp = e->is_esmtp,
		.id = spool_writer_id(e->writer),
		.sender = e->envelope.sender,
		.now = time(NULL) };
	struct slice held = buf_slice(&e->held);
	struct slice header = slice_first(held, e->scan.length);
	struct buf fields;
	bool ok;

	if (e->accepted == 1)
		trace.recipient = e->first;
	e->envelope.created = (uint64_t)trace.now;
	if (has_8bit(held))
		e->envelope.flags |= SPOOL_8BIT;
	if (!facts->has_message_id && trace_is_submission(&e->facts))
		snprintf(e->message_id, sizeof(e->message_id), "<%s@%.200s>",
		    trace.id, e->settings->hostname);
	buf_init(&fields, LIMIT_PIPE_CHUNK);
	ok = trace_format(&trace, facts, &fields) ||
	     why_set(why, "trace fields too long");
	ok = ok && spool_writer_envelope(e->writer, &e->envelope, why) &&
	     spool_writer_body(e->writer, buf_slice(&fields), why) &&
	     spool_writer_body(e->writer, header, why);
	if (ok && e->scan.lacks_separator)
		ok = spool_writer_body(e->writer, S("\r\n"), why);
	ok = ok && spool_writer_body(
		       e->writer, slice_from(held, e->scan.length), why);
	buf_free(&fields);
	return ok;
}

static void
start_body(struct enqueue *e)
{
	struct header_facts facts;
	struct inject_reply reply;
	struct why why = { 0 };

	header_facts_read(
	    slice_first(buf_slice(&e->held), e->scan.length), &facts);
	memcpy(e->message_id, facts.message_id, sizeof(e->message_id));
	if (!check_header(e, &facts, &reply))
		fail(e, &reply);
	else if (!write_start(e, &facts, &why))
		fail_with(e, &why);
	buf_free(&e->held);
}

/* Hold the header, and of a small message all, so that the envelope knows
 * whether there are bytes over 127. */
static void
hold(struct enqueue *e, struct slice bytes)
{
	struct inject_reply reply;

	if (!buf_add(&e->held, bytes)) {
		answer_set(&reply, 552, "5.3.4",
		    "message header is larger than %d bytes", LIMIT_HEADER);
		fail(e, &reply);
		return;
	}
	(void)header_scan_feed(&e->scan, buf_slice(&e->held), false);
	if (!e->scan.is_done && e->held.len > LIMIT_HEADER) {
		answer_set(&reply, 552, "5.3.4",
		    "message header is larger than %d bytes", LIMIT_HEADER);
		fail(e, &reply);
	}
	if (e->scan.is_done && e->held.len >= LIMIT_PIPE_CHUNK)
		start_body(e);
}

static bool
is_held(const struct enqueue *e)
{
	return spool_writer_body_length(e->writer) == 0;
}

enum enqueue_step
enqueue_on_chunk(struct enqueue *e, struct message *message)
{
	uint64_t limit = e->settings->message_size_limit;
	struct inject_reply reply;
	struct why why = { 0 };
	struct slice bytes;
	uint64_t size;

	message_get_slice(message, &bytes);
	if (!message_end(message) || e->phase != PHASE_DATA)
		return ENQUEUE_BROKEN;
	if (e->failure.code != 0)
		return ENQUEUE_SILENT;
	size = e->held.len + spool_writer_body_length(e->writer) + bytes.len;
	/* What is put in front is not the sender's. */
	if (limit > 0 && size > limit + LIMIT_PIPE_CHUNK) {
		answer_set(&reply, 552, "5.3.4",
		    "message is larger than %llu bytes, the limit here",
		    (unsigned long long)limit);
		fail(e, &reply);
	} else if (is_held(e))
		hold(e, bytes);
	else if (!spool_writer_body(e->writer, bytes, &why))
		fail_with(e, &why);
	return ENQUEUE_SILENT;
}

static void
log_commit(const struct enqueue *e)
{
	struct trace trace = { .facts = &e->facts, .is_esmtp = e->is_esmtp };
	const struct spool_message *m = &e->envelope;
	const char *name = enqueue_is_local(e)                   ? "local "
			   : netaddr_is_loopback(&e->facts.peer) ? "localhost"
								 : "unknown";

	log_info("%s: client=%s%.*s, from=<%.*s>, size=%llu, nrcpt=%zu, "
		 "proto=%s, helo=<%.*s>, message-id=%s%s%.*s",
	    e->committed, name, SLICE_FMT(m->peer), SLICE_FMT(m->sender),
	    (unsigned long long)spool_writer_body_length(e->writer),
	    m->recipient_count, trace_protocol(&trace), SLICE_FMT(m->helo),
	    e->message_id, m->login.len > 0 ? ", sasl_username=" : "",
	    SLICE_FMT(m->login));
}

/* The id is taken: by this very drop file, before a crash? */
static bool
was_committed(const struct enqueue *e)
{
	char path[SPOOL_PATH_SIZE];
	struct spool_message message;
	struct arena *arena = arena_new("earlier", ENQUEUE_ARENA);
	bool is_same;
	int fd;

	spool_path(e->facts.id, path);
	fd = openat(e->tables.spool_fd, path,
	    O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	is_same =
	    fd >= 0 &&
	    spool_read(fd, e->facts.id, arena, &message, NULL) == RESULT_OK &&
	    slice_eq(message.helo, e->envelope.helo) &&
	    slice_eq(message.sender, e->envelope.sender);
	if (fd >= 0)
		close(fd);
	arena_free(&arena);
	return is_same;
}

static void
commit(struct enqueue *e, struct inject_reply *reply)
{
	struct why why = { 0 };

	if (spool_writer_commit(e->writer, NULL, e->committed, &why)) {
		log_commit(e);
		answer_set(
		    reply, 250, "2.0.0", "Ok: queued as %s", e->committed);
		return;
	}
	e->committed[0] = '\0';
	if (enqueue_is_local(e) && why.error == EEXIST && was_committed(e)) {
		log_info("%s: was queued before", e->facts.id);
		answer_set(
		    reply, 250, "2.0.0", "Ok: queued as %s", e->facts.id);
		return;
	}
	enqueue_reply_of_error(reply, &why);
	enqueue_log_refusal(e, "END", slice_of(""), reply);
}

enum enqueue_step
enqueue_on_end(
    struct enqueue *e, struct message *message, struct inject_reply *reply)
{
	if (!message_end(message) || e->phase != PHASE_DATA)
		return ENQUEUE_BROKEN;
	if (e->failure.code == 0 && is_held(e)) {
		(void)header_scan_feed(&e->scan, buf_slice(&e->held), true);
		start_body(e);
	}
	e->is_over = true;
	if (e->failure.code != 0)
		*reply = e->failure;
	else
		commit(e, reply);
	/* Away before the reply: who is told "not queued" sends again. */
	if (e->committed[0] == '\0')
		spool_writer_close(&e->writer);
	return ENQUEUE_REPLY;
}
