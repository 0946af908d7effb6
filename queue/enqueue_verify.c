/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "queue/enqueue_verify.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/filter_spec.h"
#include "common/io.h"
#include "common/log.h"

#include "queue/enqueue_policy.h"
#include "queue/enqueue_state.h"

enum {
	FIELDS_MAX = 16384, /* of fields put in front of one message */
	NAME_MAX = 76,
	VALUE_MAX = 998
};

void
enqueue_verify_init(struct enqueue *e)
{
	e->verify.fd = -1;
	buf_init(&e->verify.fields, FIELDS_MAX);
}

void
enqueue_verify_forget(struct enqueue *e)
{
	e->verify.is_connected = false;
	e->verify.client[0] = '\0';
	memset(&e->verify.refusal, 0, sizeof(e->verify.refusal));
}

void
enqueue_verify_end_session(struct enqueue *e)
{
	enqueue_verify_forget(e);
	if (e->verify.fd >= 0)
		close(e->verify.fd);
	e->verify.fd = -1;
	e->verify.is_lost = false;
}

void
enqueue_verify_free(struct enqueue *e)
{
	enqueue_verify_end_session(e);
	buf_free(&e->verify.fields);
}

/* A filter that may be left out says so itself (default=accept). */
static bool
is_required(const struct enqueue *e)
{
	return e->settings->verify_required ||
	       filter_is_needed(e->settings, e->facts.listener);
}

static void
lose(struct enqueue *e, const char *why)
{
	log_error("%s: verify %s: %s", e->facts.id, why,
	    is_required(e) ? "mail is put off" : "mail goes on without it");
	close(e->verify.fd);
	e->verify.fd = -1;
	e->verify.is_lost = true;
}

static bool
is_there(const struct enqueue *e, struct inject_reply *reply, bool *result)
{
	*result = true;
	if (e->facts.is_report != 0)
		return false;
	if (e->verify.fd >= 0)
		return true;
	if (!e->verify.is_lost || !is_required(e))
		return false;
	answer_set(reply, 451, "4.3.0",
	    "the checks of this host are not available, try again later");
	*result = false;
	return false;
}

/* A field that is known before the message: whole, short, one line. */
static bool
take_field(struct enqueue *e, const struct verify_change *change)
{
	if (change->kind != EDIT_HEADER_INSERT || change->index != 0 ||
	    change->name.len == 0 || change->name.len > NAME_MAX ||
	    change->value.len > VALUE_MAX)
		return false;
	for (size_t i = 0; i < change->name.len; i++)
		if (!ascii_is_print(change->name.ptr[i]) ||
		    change->name.ptr[i] == ' ' || change->name.ptr[i] == ':')
			return false;
	for (size_t i = 0; i < change->value.len; i++)
		if (!ascii_is_print(change->value.ptr[i]))
			return false;
	/* Too many of them: the rest is left out, the mail goes on. */
	(void)buf_add_format(&e->verify.fields, "%.*s: %.*s\r\n",
	    SLICE_FMT(change->name), SLICE_FMT(change->value));
	return true;
}

static bool
receive(struct enqueue *e, struct message *message, struct verify_reply *reply)
{
	int64_t deadline = io_deadline(TIMEOUT_VERIFY);
	struct verify_change change;

	for (;;) {
		if (message_receive(message, e->verify.fd, deadline) != IO_OK) {
			lose(e, "does not answer");
			return false;
		}
		if (verify_reply_get(message, reply))
			return true;
		message->position = PIPEMSG_HEADER_SIZE;
		message->failed = false;
		if (!verify_change_get(message, &change) ||
		    !(e->edit.is_open ? enqueue_edit_take(e, &change)
				      : take_field(e, &change))) {
			lose(e, "broke the protocol");
			return false;
		}
	}
}

/* False: it is gone. */
static bool
ask(struct enqueue *e, const struct verify_question *question,
    struct verify_reply *reply)
{
	struct message message;
	bool ok = true;

	memset(reply, 0, sizeof(*reply));
	message_init(&message);
	verify_question_put(&message, question);
	if (message_send(&message, e->verify.fd, io_deadline(TIMEOUT_VERIFY)) !=
	    IO_OK) {
		lose(e, "does not listen");
		ok = false;
	} else if (question->type != VERIFY_CHUNK &&
		   question->type != VERIFY_ABORT) {
		ok = receive(e, &message, reply);
	}
	message_free(&message);
	return ok;
}

void
enqueue_verify_hold(struct enqueue *e, const char *reason)
{
	if (e->verify.hold[0] == '\0')
		snprintf(e->verify.hold, sizeof(e->verify.hold), "%.250s",
		    reason[0] == '\0' ? "held" : reason);
}

/* True: go on. CLOSE is 421 whatever code came with it. */
static bool
apply(struct enqueue *e, const struct verify_reply *from,
    struct inject_reply *reply)
{
	switch (from->action) {
	case VERIFY_HOLD:
		enqueue_verify_hold(e, from->text);
		e->verify.has_to_tell |= from->code == VERIFY_TELL;
		return true;
	case VERIFY_DROP:
		e->verify.is_dropped = true;
		return true;
	case VERIFY_REFUSE:
		answer_set(reply, from->code, from->status, "%s", from->text);
		return false;
	case VERIFY_CLOSE:
		answer_set(reply, 421,
		    from->code == 421 ? from->status : "4.7.0", "%s",
		    from->text);
		return false;
	case VERIFY_PASS:
	case VERIFY_ACTIONS:
		break;
	}
	return true;
}

static bool
ask_and_apply(struct enqueue *e, const struct verify_question *question,
    struct inject_reply *reply)
{
	struct verify_reply answer;
	bool result;

	if (!is_there(e, reply, &result))
		return result;
	if (ask(e, question, &answer))
		return apply(e, &answer, reply);
	(void)is_there(e, reply, &result);
	return result;
}

/* Once: who is it? */
static void
connect_client(struct enqueue *e)
{
	struct verify_question question = { .type = VERIFY_CONNECT,
		.facts = e->facts };
	struct verify_reply answer;

	if (e->verify.is_connected || e->verify.fd < 0 ||
	    e->facts.is_report != 0)
		return;
	e->verify.is_connected = true;
	if (!ask(e, &question, &answer))
		return;
	if (answer.action == VERIFY_PASS)
		snprintf(e->verify.client, sizeof(e->verify.client), "%.255s",
		    answer.text);
	else
		(void)apply(e, &answer, &e->verify.refusal);
}

bool
enqueue_verify_mail(struct enqueue *e, struct slice sender, uint64_t size,
    struct inject_reply *reply)
{
	struct verify_question question = { .type = VERIFY_MAIL,
		.helo = e->envelope.helo,
		.is_esmtp = e->is_esmtp,
		.sender = sender,
		.login = slice_of(e->facts.login),
		.size = size,
		.flags = e->envelope.options.flags,
		.id = slice_of(e->id) };

	connect_client(e);
	e->verify.is_asked = e->verify.fd >= 0 && e->facts.is_report == 0;
	return ask_and_apply(e, &question, reply);
}

bool
enqueue_verify_client(const struct enqueue *e, struct inject_reply *reply)
{
	if (e->verify.refusal.code == 0)
		return true;
	*reply = e->verify.refusal;
	return false;
}

bool
enqueue_verify_rcpt(
    struct enqueue *e, struct slice recipient, struct inject_reply *reply)
{
	struct verify_question question = { .type = VERIFY_RCPT,
		.recipient = recipient,
		.is_local = policy_is_here(e->settings, recipient),
		.is_exempt = e->gate.is_exempt };

	return ask_and_apply(e, &question, reply);
}

bool
enqueue_verify_data(
    struct enqueue *e, const char *id, struct inject_reply *reply)
{
	struct verify_question question = { .type = VERIFY_DATA,
		.id = slice_of(id) };
	struct verify_reply answer;
	bool result;

	e->verify.wants_message = false;
	e->edit.is_active = false;
	if (!is_there(e, reply, &result))
		return result;
	if (ask(e, &question, &answer)) {
		e->verify.wants_message =
		    answer.action == VERIFY_PASS && answer.code == 354;
		e->edit.is_active = e->verify.wants_message;
		return apply(e, &answer, reply);
	}
	(void)is_there(e, reply, &result);
	return result;
}

void
enqueue_verify_chunk(struct enqueue *e, struct slice bytes)
{
	struct verify_question question = { .type = VERIFY_CHUNK,
		.bytes = bytes };
	struct verify_reply none;

	if (e->verify.fd >= 0 && e->verify.wants_message && bytes.len > 0)
		(void)ask(e, &question, &none);
}

bool
enqueue_verify_end(struct enqueue *e, struct inject_reply *reply)
{
	struct verify_question question = { .type = VERIFY_END };

	e->verify.is_asked = false;
	return ask_and_apply(e, &question, reply);
}

void
enqueue_verify_abort(struct enqueue *e)
{
	struct verify_question question = { .type = VERIFY_ABORT };
	struct verify_reply none;

	if (e->verify.is_asked && e->verify.fd >= 0)
		(void)ask(e, &question, &none);
	e->verify.is_asked = false;
	e->verify.wants_message = false;
	e->verify.is_dropped = false;
	e->verify.has_to_tell = false;
	e->verify.hold[0] = '\0';
	buf_clear(&e->verify.fields);
}

enum enqueue_step
enqueue_on_greet(
    struct enqueue *e, struct message *message, struct inject_reply *reply)
{
	struct verify_question question = { .type = VERIFY_GREET };
	struct verify_reply answer = { .action = VERIFY_PASS };
	uint8_t early = EARLY_COUNT;

	message_get_u8(message, &early);
	if (!message_end(message) || early >= EARLY_COUNT)
		return ENQUEUE_BROKEN;
	question.early = (enum verify_early)early;
	connect_client(e);
	answer_set(reply, 220, "", "0");
	if (e->verify.fd < 0 || !ask(e, &question, &answer))
		return ENQUEUE_REPLY;
	if (early == EARLY_ASK && answer.action == VERIFY_PASS)
		answer_set(reply, 220, "", "%lu", (unsigned long)answer.code);
	else if (answer.action == VERIFY_CLOSE)
		(void)apply(e, &answer, reply);
	else if (e->verify.refusal.code == 0)
		(void)apply(e, &answer, &e->verify.refusal);
	if (reply->code >= 400)
		enqueue_log_refusal(e, "CONNECT", S(""), reply);
	return ENQUEUE_REPLY;
}
