/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "queue/enqueue_state.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "common/alloc.h"
#include "common/limits.h"
#include "common/log.h"

#include "queue/enqueue_notice.h"
#include "queue/enqueue_policy.h"
#include "queue/enqueue_sender.h"
#include "queue/enqueue_trace.h"
#include "queue/reason.h"

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
	if (e->id[0] != '\0')
		(void)spool_writer_set_id(e->writer, e->id);
	if (!enqueue_verify_data(e, spool_writer_id(e->writer), reply)) {
		spool_writer_close(&e->writer);
		enqueue_log_refusal(e, "DATA", S(""), reply);
		return ENQUEUE_REPLY;
	}
	e->phase = PHASE_DATA;
	answer_set(reply, 354, "", "go on");
	return ENQUEUE_REPLY;
}

bool
enqueue_has_8bit(struct slice bytes)
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

/* What the message says of itself goes into the envelope. */
static void
note_content(struct enqueue *e, const struct header_facts *facts, time_t now)
{
	struct spool_message *m = &e->envelope;

	m->created = (uint64_t)now;
	if (enqueue_has_8bit(buf_slice(&e->held)))
		m->flags |= SPOOL_8BIT;
	/* RFC 8689 section 4.1: the parameter of MAIL is the stronger one. */
	if (facts->is_tls_optional && (m->options.flags & MAIL_REQUIRETLS) == 0)
		m->options.flags |= MAIL_TLS_OPTIONAL;
}

static struct trace
make_trace(const struct enqueue *e)
{
	const char *client = e->facts.client_name[0] != '\0'
				 ? e->facts.client_name
				 : e->verify.client;
	struct trace trace = { .settings = e->settings,
		.facts = &e->facts,
		.helo = e->envelope.helo,
		.client = slice_of(client),
		.is_esmtp = e->is_esmtp,
		.is_utf8 = (e->envelope.options.flags & MAIL_UTF8) != 0,
		.id = spool_writer_id(e->writer),
		.sender = e->envelope.sender,
		.now = time(NULL) };

	if (e->accepted == 1)
		trace.recipient = e->first;
	return trace;
}

void
enqueue_trace_missing(
    struct enqueue *e, const struct header_facts *facts, struct buf *out)
{
	const struct trace trace = make_trace(e);

	trace_format_missing(&trace, facts, out);
}

/* Envelope, trace fields, header, the empty line that may be missing, and
 * what was held of the body. */
static bool
write_start(
    struct enqueue *e, const struct header_facts *facts, struct why *why)
{
	const struct trace trace = make_trace(e);
	struct slice held = buf_slice(&e->held);
	struct slice header = slice_first(held, e->scan.length);
	struct buf fields;
	bool ok;

	note_content(e, facts, trace.now);
	if (!facts->has_message_id && trace_is_submission(&e->facts))
		snprintf(e->message_id, sizeof(e->message_id), "<%s@%.200s>",
		    trace.id, e->settings->hostname);
	buf_init(&fields, LIMIT_PIPE_CHUNK + LIMIT_HEADER);
	(void)trace_format(&trace, facts, &fields);
	buf_add(&fields, buf_slice(&e->verify.fields));
	sender_add_header(e, header, &fields);
	ok = !fields.failed || why_set(why, "trace fields too long");
	ok = ok && spool_writer_envelope(e->writer, &e->envelope, why) &&
	     spool_writer_body(e->writer, buf_slice(&fields), why);
	if (ok && e->scan.lacks_separator)
		ok = spool_writer_body(e->writer, S("\r\n"), why);
	ok = ok && spool_writer_body(
		       e->writer, slice_from(held, e->scan.length), why);
	buf_free(&fields);
	return ok;
}

void
enqueue_start_body(struct enqueue *e)
{
	struct slice header = slice_first(buf_slice(&e->held), e->scan.length);
	struct header_facts facts;
	struct inject_reply reply;
	struct why why = { 0 };

	header_facts_read(header, &facts);
	memcpy(e->message_id, facts.message_id, sizeof(e->message_id));
	/* What filters made of it is theirs, and was checked before them. */
	if (!check_header(e, &facts, &reply) ||
	    (!e->edit.is_active && !sender_check_header(e, header, &reply)))
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
		enqueue_start_body(e);
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
	size = e->held.len + spool_writer_body_length(e->writer) +
	       e->edit.body.length + bytes.len;
	/* What is put in front is not the sender's. */
	if (limit > 0 && size > limit + LIMIT_PIPE_CHUNK) {
		answer_set(&reply, 552, "5.3.4",
		    "message is larger than %llu bytes, the limit here",
		    (unsigned long long)limit);
		fail(e, &reply);
	} else if (e->edit.is_active) {
		if (!enqueue_edit_add(e, bytes, &reply))
			fail(e, &reply);
	} else if (is_held(e))
		hold(e, bytes);
	else if (!spool_writer_body(e->writer, bytes, &why))
		fail_with(e, &why);
	return ENQUEUE_SILENT;
}

/* "localhost[127.0.0.1]"; "local uid 1000". */
static void
format_client(const struct enqueue *e, char *text, size_t size)
{
	const struct inject_facts *facts = &e->facts;
	char address[NETADDR_TEXT_SIZE];

	if (enqueue_is_local(e))
		snprintf(
		    text, size, "local uid %lu", (unsigned long)facts->uid);
	else
		snprintf(text, size, "%s[%s]", enqueue_client_name(e),
		    netaddr_format(&facts->peer, address));
}

/* What XFORWARD said, with Postfix's keys. */
static void
format_forward(const struct claim *forward, char *text, size_t size)
{
	char address[NETADDR_TEXT_SIZE];

	text[0] = '\0';
	if (forward->given == 0)
		return;
	snprintf(text, size,
	    ", orig_queue_id=%s, orig_client=%s[%s]:%u, "
	    "orig_proto=%s, orig_helo=<%s>",
	    forward->ident,
	    forward->name[0] == '\0' ? "unknown" : forward->name,
	    netaddr_format(&forward->peer, address), forward->peer.port,
	    forward->is_esmtp != 0 ? "ESMTP" : "SMTP", forward->helo);
}

static void
log_commit(const struct enqueue *e)
{
	char client[LIMIT_CLAIM_NAME + NETADDR_TEXT_SIZE];
	char forward[2 * LIMIT_CLAIM_NAME + 2 * NETADDR_TEXT_SIZE + 128];
	const struct spool_message *m = &e->envelope;
	struct trace trace = { .facts = &e->facts,
		.is_esmtp = e->is_esmtp,
		.is_utf8 = (m->options.flags & MAIL_UTF8) != 0 };

	format_client(e, client, sizeof(client));
	format_forward(&e->facts.forward, forward, sizeof(forward));
	log_info("%s: client=%s, from=<%.*s>, size=%llu, nrcpt=%zu, "
		 "proto=%s, helo=<%.*s>, message-id=%s%s%.*s%s",
	    e->committed, client, SLICE_FMT(m->sender),
	    (unsigned long long)spool_writer_body_length(e->writer),
	    m->recipient_count, trace_protocol(&trace), SLICE_FMT(m->helo),
	    e->message_id, m->login.len > 0 ? ", sasl_username=" : "",
	    SLICE_FMT(m->login), forward);
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

/* mailq shows it; losing it loses no mail. */
static void
tell_why_held(const struct enqueue *e)
{
	char text[sizeof(e->verify.hold) + 8];
	struct reason *reasons;

	snprintf(text, sizeof(text), "held: %s", e->verify.hold);
	reasons = alloc_zero(e->envelope.recipient_count, sizeof(*reasons));
	for (size_t i = 0; i < e->envelope.recipient_count; i++)
		reasons[i] = (struct reason){ .status = RECIPIENT_TODO,
			.code = S("4.7.0"),
			.text = slice_of(text) };
	reason_write(e->tables.spool_fd, spool_writer_id(e->writer), reasons,
	    e->envelope.recipient_count);
	alloc_release(reasons);
	log_info("%s: %s", spool_writer_id(e->writer), text);
}

/* Before it has its name, so that no qmgr sees it without. */
static bool
put_on_hold(struct enqueue *e, struct why *why)
{
	const struct spool_schedule held = { .flags = SCHEDULE_HOLD };

	if (e->verify.hold[0] == '\0')
		return true;
	return spool_writer_schedule(e->writer, &held, why);
}

/* The client hears what it would have heard. */
static void
drop(struct enqueue *e, struct inject_reply *reply)
{
	log_info("%s: discard: from=<%.*s>, nrcpt=%zu",
	    spool_writer_id(e->writer), SLICE_FMT(e->envelope.sender),
	    e->envelope.recipient_count);
	answer_set(reply, 250, "2.0.0", "Ok: queued as %s",
	    spool_writer_id(e->writer));
}

static void
commit(struct enqueue *e, struct inject_reply *reply)
{
	struct why why = { 0 };

	if (enqueue_must_convert(e) && !enqueue_convert(e, reply)) {
		enqueue_log_refusal(e, "END", slice_of(""), reply);
		return;
	}
	if (put_on_hold(e, &why) &&
	    spool_writer_commit(e->writer, NULL, e->committed, &why)) {
		log_commit(e);
		if (e->verify.hold[0] != '\0')
			tell_why_held(e);
		if (e->verify.has_to_tell)
			enqueue_notice_write(e);
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

/* Nothing follows: what was held so far goes on. */
static void
end_message(struct enqueue *e)
{
	struct inject_reply reply = { 0 };

	if (e->failure.code != 0)
		return;
	if (e->edit.is_active) {
		if (!enqueue_edit_open(e, &reply))
			fail(e, &reply);
	} else if (is_held(e)) {
		(void)header_scan_feed(&e->scan, buf_slice(&e->held), true);
		enqueue_start_body(e);
	}
}

/* False: reply is filled. */
static bool
ask_verify(struct enqueue *e, struct inject_reply *reply)
{
	bool ok = enqueue_verify_end(e, reply);

	if (ok && e->edit.is_active && !e->verify.is_dropped)
		ok = enqueue_edit_compose(e, reply) || e->verify.is_dropped;
	if (!ok)
		enqueue_log_refusal(e, "END", S(""), reply);
	return ok;
}

enum enqueue_step
enqueue_on_end(
    struct enqueue *e, struct message *message, struct inject_reply *reply)
{
	if (!message_end(message) || e->phase != PHASE_DATA)
		return ENQUEUE_BROKEN;
	end_message(e);
	e->is_over = true;
	if (e->failure.code != 0)
		*reply = e->failure;
	else if (ask_verify(e, reply)) {
		if (e->verify.is_dropped)
			drop(e, reply);
		else
			commit(e, reply);
	}
	/* Away before the reply: who is told "not queued" sends again. */
	if (e->committed[0] == '\0')
		spool_writer_close(&e->writer);
	return ENQUEUE_REPLY;
}
