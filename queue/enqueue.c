/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "queue/enqueue.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "common/alloc.h"
#include "common/idna.h"
#include "common/limits.h"
#include "common/log.h"
#include "common/spoolfile.h"

#include "queue/enqueue_options.h"
#include "queue/enqueue_policy.h"
#include "queue/enqueue_sender.h"
#include "queue/enqueue_state.h"

enum {
	SCRATCH_CEILING = 32 << 20,
	HELD_MAX = LIMIT_HEADER + LIMIT_PIPE_CHUNK,
	FIRST_ROOM = 4,
	EXPANDED_MAX = 10000
};

struct enqueue *
enqueue_new(
    const struct settings *settings, const struct enqueue_tables *tables)
{
	struct enqueue *e = alloc_zero(1, sizeof(*e));

	e->settings = settings;
	e->tables = *tables;
	e->arena = arena_new("transaction", ENQUEUE_ARENA);
	e->scratch = arena_new("recipient", SCRATCH_CEILING);
	buf_init(&e->held, HELD_MAX);
	e->trigger_fd = -1;
	enqueue_verify_init(e);
	enqueue_edit_init(e);
	return e;
}

void
enqueue_set_verify(struct enqueue *e, int fd)
{
	enqueue_verify_end_session(e);
	e->verify.fd = fd;
}

/* Forget the transaction; a writer that is open removes its file. */
void
enqueue_reset(struct enqueue *e)
{
	spool_writer_close(&e->writer);
	enqueue_verify_abort(e);
	enqueue_edit_reset(e);
	arena_reset(e->arena);
	buf_clear(&e->held);
	memset(&e->envelope, 0, sizeof(e->envelope));
	memset(&e->scan, 0, sizeof(e->scan));
	memset(&e->failure, 0, sizeof(e->failure));
	e->recipient_room = 0;
	e->accepted = 0;
	e->message_id[0] = '\0';
	e->committed[0] = e->notice[0] = '\0';
	e->is_over = false;
	e->phase = PHASE_IDLE;
}

void
enqueue_forget(struct enqueue *enqueue)
{
	enqueue_reset(enqueue);
	enqueue_verify_end_session(enqueue);
	memset(&enqueue->gate, 0, sizeof(enqueue->gate));
	memset(&enqueue->facts, 0, sizeof(enqueue->facts));
}

void
enqueue_free(struct enqueue **enqueue)
{
	struct enqueue *e = *enqueue;

	if (e == NULL)
		return;
	enqueue_reset(e);
	if (e->trigger_fd >= 0)
		close(e->trigger_fd);
	arena_free(&e->arena);
	arena_free(&e->scratch);
	buf_free(&e->held);
	enqueue_verify_free(e);
	enqueue_edit_free(e);
	alloc_release(e);
	*enqueue = NULL;
}

/* Another id is another connection, or drop file. */
static void
forget_client(struct enqueue *e)
{
	memset(&e->gate, 0, sizeof(e->gate));
	enqueue_verify_forget(e);
}

bool
enqueue_set_facts(struct enqueue *e, const struct inject_facts *facts)
{
	if (facts->magic != INJECT_FACTS_MAGIC)
		return false;
	if (memcmp(e->facts.id, facts->id, sizeof(e->facts.id)) != 0 ||
	    memcmp(&e->facts.peer, &facts->peer, sizeof(facts->peer)) != 0)
		forget_client(e);
	e->facts = *facts;
	e->facts.login[sizeof(e->facts.login) - 1] = '\0';
	e->facts.id[sizeof(e->facts.id) - 1] = '\0';
	e->facts.client_name[sizeof(e->facts.client_name) - 1] = '\0';
	if (e->facts.forward.given != 0 && !claim_is_sane(&e->facts.forward))
		return false;
	e->facts.tls_version[sizeof(e->facts.tls_version) - 1] = '\0';
	e->facts.tls_cipher[sizeof(e->facts.tls_cipher) - 1] = '\0';
	return true;
}

bool
enqueue_is_local(const struct enqueue *e)
{
	return e->facts.listener == INJECT_LOCAL;
}

const char *
enqueue_client_name(const struct enqueue *e)
{
	if (enqueue_is_local(e))
		return "local";
	if (e->facts.client_name[0] != '\0')
		return e->facts.client_name;
	if (e->verify.client[0] != '\0')
		return e->verify.client;
	return netaddr_is_loopback(&e->facts.peer) ? "localhost" : "unknown";
}

/* Every refusal has an id, so that the log answers for it. */
void
enqueue_log_refusal(const struct enqueue *e, const char *stage,
    struct slice about, const struct inject_reply *reply)
{
	char peer[NETADDR_TEXT_SIZE];

	log_info("%s: reject: %s from %s[%s]: %u %s <%.*s>: %s; from=<%.*s> "
		 "helo=<%.*s>",
	    e->facts.id[0] == '\0' ? "NOQUEUE" : e->facts.id, stage,
	    enqueue_client_name(e), netaddr_format(&e->facts.peer, peer),
	    reply->code, reply->status, SLICE_FMT(about), reply->text,
	    SLICE_FMT(e->envelope.sender), SLICE_FMT(e->envelope.helo));
}

/* Disk full is 452 4.3.1, all else 451 4.3.0: the client tries again. */
void
enqueue_reply_of_error(struct inject_reply *reply, const struct why *why)
{
	bool is_full =
	    why->error == ENOSPC || why->error == EDQUOT || why->error == EFBIG;

	log_error("cannot queue: %s", why->text);
	if (is_full)
		answer_set(reply, 452, "4.3.1",
		    "the mail queue is full, try again later");
	else
		answer_set(reply, 451, "4.3.0",
		    "the mail queue has a problem, try again later");
}

static struct slice
qualify(struct enqueue *e, const struct address *address)
{
	struct address whole = *address;
	struct slice text;
	struct buf buf;

	if (whole.domain.len == 0)
		whole.domain = slice_of(e->settings->origin);
	buf_init(&buf, 4 * LIMIT_SMTP_PATH);
	address_format(&buf, &whole);
	text = arena_slice(e->arena, buf_slice(&buf));
	buf_free(&buf);
	return text;
}

bool
enqueue_set_sender(
    struct enqueue *e, struct slice path, struct inject_reply *reply)
{
	struct address address;

	e->envelope.sender = arena_slice(e->arena, slice_of(""));
	if (path.len == 0)
		return true;
	if (!address_parse(path, e->arena, &address) ||
	    address.local.len == 0) {
		answer_set(reply, 553, "5.1.7",
		    "sender address is malformed: use user@domain");
		return false;
	}
	if (address.domain.len == 0 &&
	    !policy_is_trusted(e->settings, &e->facts) &&
	    !slice_eq_nocase(address.local, S("postmaster"))) {
		answer_set(reply, 553, "5.1.7",
		    "sender address needs a domain: user@domain");
		return false;
	}
	e->envelope.sender = qualify(e, &address);
	if (!slice_is_ascii(e->envelope.sender))
		e->envelope.options.flags |= MAIL_UTF8;
	return true;
}

static bool
check_size(const struct enqueue *e, uint64_t size, struct inject_reply *reply)
{
	struct why why = { 0 };
	uint64_t limit = e->settings->message_size_limit;
	uint64_t reserve = e->settings->queue_minimum_free;

	if (limit > 0 && size > limit) {
		answer_set(reply, 552, "5.3.4",
		    "message is larger than %llu bytes, the limit here",
		    (unsigned long long)limit);
		return false;
	}
	if (!spool_has_room(e->tables.spool_fd, reserve + size, &why)) {
		enqueue_reply_of_error(reply, &why);
		return false;
	}
	return true;
}

static struct slice
peer_text(struct enqueue *e)
{
	char address[NETADDR_TEXT_SIZE], text[NETADDR_TEXT_SIZE + 32];
	const struct netaddr *peer = &e->facts.peer;

	if (e->facts.forward.given != 0)
		peer = &e->facts.forward.peer;
	if (enqueue_is_local(e))
		snprintf(
		    text, sizeof(text), "uid %lu", (unsigned long)e->facts.uid);
	else
		snprintf(
		    text, sizeof(text), "[%s]", netaddr_format(peer, address));
	return arena_slice(e->arena, slice_of(text));
}

/* HELO as an envelope may keep it: printable and short. */
static struct slice
clean_helo(struct enqueue *e, struct slice helo)
{
	char *copy;

	helo = slice_first(helo, LIMIT_SMTP_DOMAIN);
	copy = arena_dup(e->arena, helo);
	for (size_t i = 0; copy != NULL && i < helo.len; i++)
		if (!ascii_is_print(copy[i]))
			copy[i] = '?';
	return slice_make(copy, copy == NULL ? 0 : helo.len);
}

/* Filters want to know the id as early as MAIL. A drop file has one id for
 * ever: a second injection of it after a crash finds the first. */
static void
choose_id(struct enqueue *e)
{
	e->id[0] = '\0';
	if (enqueue_is_local(e) && spool_id_is_valid(slice_of(e->facts.id)))
		memcpy(e->id, e->facts.id, sizeof(e->id));
	else if (e->verify.fd >= 0)
		spool_id_make(e->id);
}

/* What is known of a message before its first recipient. */
static void
begin_envelope(
    struct enqueue *e, struct slice helo, const struct mail_options *options)
{
	e->envelope.options = *options;
	e->envelope.options.envelope_id =
	    arena_slice(e->arena, options->envelope_id);
	if ((options->flags & (MAIL_8BIT | MAIL_BINARY)) != 0)
		e->envelope.flags |= SPOOL_8BIT;
	if (enqueue_is_local(e))
		e->envelope.flags |= SPOOL_LOCAL;
	if (e->facts.login[0] != '\0')
		e->envelope.flags |= SPOOL_AUTHENTICATED;
	e->envelope.login = arena_slice(e->arena, slice_of(e->facts.login));
	e->envelope.helo = clean_helo(e, helo);
	e->envelope.peer = peer_text(e);
}

static enum enqueue_step
on_mail(struct enqueue *e, struct message *message, struct inject_reply *reply)
{
	struct mail_options options;
	struct slice path, helo;
	uint8_t is_esmtp;
	uint64_t size;

	message_get_slice(message, &path);
	message_get_slice(message, &helo);
	message_get_u8(message, &is_esmtp);
	message_get_u64(message, &size);
	if (!options_get_mail(message, &options) || !message_end(message) ||
	    e->phase != PHASE_IDLE)
		return ENQUEUE_BROKEN;
	enqueue_reset(e);
	e->is_esmtp = is_esmtp != 0;
	begin_envelope(e, helo, &options);
	choose_id(e);
	if (!policy_may_begin(e->settings, &e->facts, reply) ||
	    !options_are_allowed(e->settings, &e->facts, &options,
		(uint64_t)time(NULL), reply) ||
	    !enqueue_set_sender(e, path, reply) || !sender_may_send(e, reply) ||
	    !check_size(e, size, reply) ||
	    !enqueue_verify_mail(e, e->envelope.sender, size, reply)) {
		enqueue_log_refusal(e, "MAIL", path, reply);
		return ENQUEUE_REPLY;
	}
	e->phase = PHASE_MAIL;
	answer_set(reply, 250, "2.1.0", "Ok");
	return ENQUEUE_REPLY;
}

static bool
is_same_recipient(const struct spool_recipient *a, const struct target *b)
{
	return a->kind == (char)b->kind &&
	       slice_eq_nocase(a->address, b->address) &&
	       slice_eq(a->argument, b->argument) &&
	       slice_eq(a->extension, b->extension);
}

static bool
has_recipient(const struct enqueue *e, const struct target *target)
{
	for (size_t i = 0; i < e->envelope.recipient_count; i++)
		if (is_same_recipient(&e->envelope.recipients[i], target))
			return true;
	return false;
}

static bool
grow_recipients(struct enqueue *e)
{
	struct spool_message *m = &e->envelope;
	size_t room = e->recipient_room * 2;
	struct spool_recipient *fresh;

	if (m->recipient_count < e->recipient_room)
		return true;
	if (room == 0)
		room = FIRST_ROOM;
	fresh = m->recipient_count >= EXPANDED_MAX
		    ? NULL
		    : arena_alloc(e->arena, room * sizeof(*fresh));
	if (fresh == NULL)
		return false;
	if (m->recipient_count > 0)
		memcpy(
		    fresh, m->recipients, m->recipient_count * sizeof(*fresh));
	m->recipients = fresh;
	e->recipient_room = room;
	return true;
}

struct spool_recipient
enqueue_recipient(
    struct enqueue *e, const struct target *target, struct slice original)
{
	struct spool_recipient recipient = { .status = RECIPIENT_TODO,
		.kind = (char)target->kind,
		.original = original,
		.user = target->user };

	recipient.address = arena_slice(e->arena, target->address);
	recipient.argument = arena_slice(e->arena, target->argument);
	recipient.extension = arena_slice(e->arena, target->extension);
	return recipient;
}

static bool
add_target(struct enqueue *e, const struct target *target,
    struct slice original, const struct rcpt_options *options)
{
	struct spool_recipient *recipient;

	if (has_recipient(e, target))
		return true;
	if (!grow_recipients(e))
		return false;
	recipient = &e->envelope.recipients[e->envelope.recipient_count++];
	*recipient = enqueue_recipient(e, target, original);
	recipient->options = *options;
	return true;
}

/* internet = no holds for what aliases lead to as well. */
static bool
targets_are_reachable(const struct enqueue *e,
    const struct resolution *resolution, struct inject_reply *reply)
{
	for (size_t i = 0; i < resolution->count; i++) {
		const struct target *target = &resolution->targets[i];
		struct slice domain = slice_from(target->address,
		    slice_last_index(target->address, '@') + 1);

		if (target->kind == TARGET_REMOTE &&
		    !policy_is_reachable(
			e->settings, e->tables.routes, domain, reply))
			return false;
	}
	return true;
}

bool
enqueue_judge(struct enqueue *e, struct slice path,
    struct resolution *resolution, struct inject_reply *reply)
{
	struct address address;
	struct why why = { 0 };
	enum result result;

	if (!address_parse(path, e->scratch, &address) ||
	    address.local.len == 0 || !idna_address(&address, e->scratch)) {
		answer_set(reply, 501, "5.1.3",
		    "recipient address is malformed: use user@domain");
		return false;
	}
	if (!policy_may_send_to(e->settings, &e->facts, &address, reply))
		return false;
	result = resolver_resolve(
	    e->tables.resolver, &address, e->scratch, resolution, &why);
	if (result == RESULT_LATER) {
		log_error("cannot resolve a recipient: %s", why.text);
		answer_set(reply, 451, "4.3.0",
		    "the user tables cannot be read now, try again later");
		return false;
	}
	if (result == RESULT_NEVER) {
		answer_set(reply, 550, why.status, "%s here", why.text);
		return false;
	}
	return targets_are_reachable(e, resolution, reply);
}

static uint64_t
recipient_limit(const struct settings *settings)
{
	if (settings->max_recipients == 0 ||
	    settings->max_recipients > LIMIT_SMTP_RECIPIENTS)
		return LIMIT_SMTP_RECIPIENTS;
	return settings->max_recipients;
}

/* All that it leads to, or none. */
static bool
add_targets(struct enqueue *e, struct slice path,
    const struct resolution *resolution, struct rcpt_options *options,
    struct inject_reply *reply)
{
	size_t before = e->envelope.recipient_count;
	struct slice original = arena_slice(e->arena, path);

	options->original = arena_slice(e->arena, options->original);
	for (size_t i = 0; i < resolution->count; i++)
		if (!add_target(
			e, &resolution->targets[i], original, options)) {
			/* All of them come again, so none goes now. */
			e->envelope.recipient_count = before;
			answer_set(reply, 452, "4.5.3",
			    "too many recipients "
			    "in all, send the rest in another message");
			return false;
		}
	if (!slice_is_ascii(original))
		e->envelope.options.flags |= MAIL_UTF8;
	if (e->accepted++ == 0)
		e->first = original;
	answer_set(reply, 250, "2.1.5", "Ok");
	return true;
}

static bool
add_recipient(struct enqueue *e, struct slice path,
    struct rcpt_options *options, struct inject_reply *reply)
{
	struct resolution resolution;

	if (e->accepted >= recipient_limit(e->settings)) {
		answer_set(reply, 452, "4.5.3",
		    "too many recipients, send the rest in another message");
		return false;
	}
	if (!enqueue_gate_enter(e, path, reply))
		return false;
	if (!enqueue_judge(e, path, &resolution, reply)) {
		enqueue_gate_refused(e, reply);
		return false;
	}
	return enqueue_verify_rcpt(e, path, reply) &&
	       add_targets(e, path, &resolution, options, reply);
}

bool
enqueue_admit(struct enqueue *e, struct slice path, struct inject_reply *reply)
{
	struct rcpt_options options = { 0 };
	struct resolution resolution;

	return enqueue_judge(e, path, &resolution, reply) &&
	       add_targets(e, path, &resolution, &options, reply);
}

static enum enqueue_step
on_rcpt(struct enqueue *e, struct message *message, struct inject_reply *reply)
{
	struct rcpt_options options;
	struct slice path;

	message_get_slice(message, &path);
	if (!options_get_rcpt(message, &options) || !message_end(message) ||
	    e->phase != PHASE_MAIL)
		return ENQUEUE_BROKEN;
	arena_reset(e->scratch);
	if (!add_recipient(e, path, &options, reply))
		enqueue_log_refusal(e, "RCPT", path, reply);
	return ENQUEUE_REPLY;
}

enum enqueue_step
enqueue_step(
    struct enqueue *e, struct message *message, struct inject_reply *reply)
{
	switch (message->type) {
	case INJECT_MAIL:
		return on_mail(e, message, reply);
	case INJECT_RCPT:
		return on_rcpt(e, message, reply);
	case INJECT_DATA:
		return enqueue_on_data(e, message, reply);
	case INJECT_CHUNK:
		return enqueue_on_chunk(e, message);
	case INJECT_END:
		return enqueue_on_end(e, message, reply);
	case INJECT_VRFY:
		return enqueue_on_vrfy(e, message, reply);
	case INJECT_EXPN:
		return enqueue_on_expn(e, message, reply);
	case INJECT_ETRN:
		return enqueue_on_etrn(e, message, reply);
	case INJECT_GREET:
		return enqueue_on_greet(e, message, reply);
	case INJECT_ABORT:
		enqueue_reset(e);
		e->facts.forward.given = 0;
		return message_end(message) ? ENQUEUE_SILENT : ENQUEUE_BROKEN;
	default:
		return ENQUEUE_BROKEN;
	}
}
