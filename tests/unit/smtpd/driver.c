/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "tests/unit/smtpd/driver.h"

#include <stdio.h>
#include <string.h>

static const struct listener driver_listeners[] = {
	{ "smtp", LISTENER_SMTP, "smtpd", 25, false },
	{ "submission", LISTENER_SUBMISSION, "smtpd", 587, false },
	{ "submissions", LISTENER_SUBMISSIONS, "smtpd", 465, true },
	{ "lmtp", LISTENER_LMTP, "smtpd", 24, false },
	{ "friend", LISTENER_SMTP, "smtpd", 25, false },
};

void
driver_init(struct driver *driver, const char *listener, bool is_tls)
{
	static char hostname[] = "mx.example.org";

	memset(driver, 0, sizeof(*driver));
	driver->settings.hostname = hostname;
	driver->settings.message_size_limit = 100000;
	driver->settings.max_recipients = 1000;
	driver->settings.maximal_hold_time = 86400;
	driver->connection.settings = &driver->settings;
	for (size_t i = 0; i < 5; i++)
		if (strcmp(driver_listeners[i].name, listener) == 0)
			driver->connection.listener = &driver_listeners[i];
	driver->connection.is_tls = is_tls;
	driver->connection.mechanisms = AUTH_PLAIN | AUTH_LOGIN | AUTH_SCRAM;
	netaddr_parse(S("192.0.2.7"), &driver->connection.peer);
	driver->friends.base = driver->connection.peer;
	driver->friends.bits = 32;
	if (strcmp(listener, "lmtp") == 0 || strcmp(listener, "friend") == 0)
		driver->settings.mynetworks =
		    (struct network_list){ 1, &driver->friends };
	snprintf(driver->connection.id, sizeof(driver->connection.id),
	    "CONNECTION000");
	buf_init(&driver->transcript, 1 << 24);
	buf_init(&driver->effects, 1 << 24);
	buf_init(&driver->replies, 1 << 24);
	buf_init(&driver->message, 1 << 24);
	buf_init(&driver->accepted, 1 << 24);
	smtp_session_init(&driver->session, &driver->connection);
	driver->session.now = DRIVER_NOW;
}

void
driver_clear(struct driver *driver)
{
	smtp_session_clear(&driver->session);
	buf_free(&driver->transcript);
	buf_free(&driver->effects);
	buf_free(&driver->replies);
	buf_free(&driver->message);
	buf_free(&driver->accepted);
}

static void
driver_note(struct driver *driver, const char *what, struct slice s)
{
	if (driver->is_quiet)
		return;
	buf_add_format(&driver->transcript, "[%s %.*s]\n", what, SLICE_FMT(s));
	buf_add_format(&driver->effects, "[%s %.*s]\n", what, SLICE_FMT(s));
}

static void
driver_flush(struct driver *driver)
{
	struct buf *replies = &driver->session.replies;

	if (replies->len > driver->most_replies)
		driver->most_replies = replies->len;
	buf_add(&driver->transcript, buf_slice(replies));
	buf_add(&driver->replies, buf_slice(replies));
	buf_clear(replies);
}

/* The refusals by address; 250 for the rest. */
static struct inject_reply
driver_judge(struct slice address)
{
	struct inject_reply yes = { 250, "2.1.5", "Ok" };
	struct inject_reply no = { 550, "5.1.1", "no such user" };
	struct inject_reply later = { 451, "4.3.0", "try later" };

	if (slice_starts(address, S("no")))
		return no;
	return slice_starts(address, S("later")) ? later : yes;
}

/* What MAIL and RCPT asked for, where it is not the default. */
static void
driver_note_mail(struct driver *driver, const struct options *options)
{
	const struct mail_options *mail = &options->mail;
	char text[256];

	BUG_UNLESS(mail_options_are_valid(mail));
	if (options->size == 0 && mail->flags == 0 && mail->priority == 0 &&
	    mail->hold_until == 0 && mail->envelope_id.len == 0)
		return;
	snprintf(text, sizeof(text), "%llu %x %d %llu %llu <%.*s>",
	    (unsigned long long)options->size, mail->flags, mail->priority,
	    (unsigned long long)mail->hold_until,
	    (unsigned long long)mail->deliver_by, SLICE_FMT(mail->envelope_id));
	driver_note(driver, "OPTIONS", slice_of(text));
}

static void
driver_note_rcpt(struct driver *driver, const struct rcpt_options *rcpt)
{
	char text[LIMIT_ORIGINAL_RECIPIENT + 32];

	BUG_UNLESS(rcpt_options_are_valid(rcpt));
	snprintf(text, sizeof(text), "%x <%.*s>", (unsigned int)rcpt->notify,
	    SLICE_FMT(rcpt->original));
	if (rcpt->notify != 0 || rcpt->original.len > 0)
		driver_note(driver, "OPTIONS", slice_of(text));
}

static void
driver_mail(struct driver *driver, struct inject_reply *reply)
{
	struct session *session = &driver->session;

	driver_note(driver, "MAIL", buf_slice(&session->reverse_path));
	driver_note_mail(driver, &session->options);
	*reply = driver_judge(buf_slice(&session->reverse_path));
	buf_clear(&driver->message);
}

static void
driver_address(struct driver *driver, enum effect effect)
{
	struct slice forward = buf_slice(&driver->session.forward_path);

	driver_note(driver,
	    effect == EFFECT_RCPT   ? "RCPT"
	    : effect == EFFECT_ETRN ? "ETRN"
	    : effect == EFFECT_EXPN ? "EXPN"
				    : "VRFY",
	    forward);
	if (effect == EFFECT_RCPT)
		driver_note_rcpt(driver, &driver->session.options.rcpt);
}

static void
driver_ask(struct driver *driver, enum effect effect)
{
	struct session *session = &driver->session;
	const struct inject_reply full = { 452, "4.3.1", "no space" };
	struct inject_reply reply = { 250, "2.0.0", "Ok: queued as X" };
	struct slice forward = buf_slice(&session->forward_path);

	if (effect == EFFECT_MAIL) {
		driver_mail(driver, &reply);
	} else if (effect == EFFECT_RCPT || effect == EFFECT_VRFY ||
		   effect == EFFECT_ETRN || effect == EFFECT_EXPN) {
		driver_address(driver, effect);
		reply = driver_judge(forward);
		buf_clear(&session->members);
		if (effect == EFFECT_EXPN && slice_eq(forward, S("list")))
			buf_add_string(&session->members,
			    "<a@b.c>\n<d@e.f>\na program of <g@h.i>\n");
	} else if (effect == EFFECT_DATA &&
		   slice_starts(buf_slice(&session->reverse_path), S("full"))) {
		reply = full;
	} else if (effect == EFFECT_END) {
		driver_note(driver, "END", S(""));
		buf_add(&driver->message, buf_slice(&session->chunk));
		buf_add(&driver->accepted, buf_slice(&driver->message));
		buf_add_string(&driver->accepted, "\n--\n");
	}
	session_answered(session, driver->is_enqueue_dead ? NULL : &reply);
}

/* SCRAM here is: "first" is answered with "second", that with "third", and
 * "fourth" is right. */
static enum auth_result
driver_carry(struct sasl *sasl)
{
	static const struct {
		struct slice response, challenge;
	} steps[] = {
		{ SLICE("first"), SLICE("second") },
		{ SLICE("third"), SLICE("") },
	};

	for (size_t i = 0; i < 2 && !sasl->is_cancelled; i++) {
		if (!slice_eq(buf_slice(&sasl->response), steps[i].response))
			continue;
		buf_clear(&sasl->challenge);
		buf_add(&sasl->challenge, steps[i].challenge);
		sasl->is_running = true;
		return AUTH_RESULT_CHALLENGE;
	}
	sasl->is_running = false;
	if (sasl->is_cancelled)
		return AUTH_RESULT_BAD;
	return sasl->response.len == 0 ? AUTH_RESULT_YES : AUTH_RESULT_NO;
}

static void
driver_auth(struct driver *driver)
{
	struct sasl *sasl = &driver->session.sasl;
	struct slice user = buf_slice(&sasl->user);
	enum auth_result answer = AUTH_RESULT_NO;

	driver_note(driver, "AUTH", user);
	if (sasl->password.len == 0)
		answer = driver_carry(sasl);
	else if (slice_eq(user, S("ann")) &&
		 slice_eq(buf_slice(&sasl->password), S("secret")))
		answer = AUTH_RESULT_YES;
	if (slice_eq(user, S("later")))
		answer = AUTH_RESULT_LATER;
	session_authenticated(&driver->session, answer);
}

/* What a claim gives, in the order of the struct. */
static void
driver_note_claim(struct driver *driver, const char *what)
{
	const struct claim *c = &driver->session.claim;
	char peer[NETADDR_TEXT_SIZE], local[NETADDR_TEXT_SIZE];
	char text[1200];

	BUG_UNLESS(claim_is_sane(c));
	snprintf(text, sizeof(text),
	    "%x %s:%u %s:%u %u name=%s helo=%s "
	    "login=%s ident=%s",
	    c->given, netaddr_format(&c->peer, peer), c->peer.port,
	    netaddr_format(&c->local, local), c->local.port, c->is_esmtp,
	    c->name, c->helo, c->login, c->ident);
	driver_note(driver, what, slice_of(text));
}

/* Perform one effect; false when nothing more can happen now. */
static bool
driver_perform(struct driver *driver, enum effect effect)
{
	struct session *session = &driver->session;

	switch (effect) {
	case EFFECT_READ:
	case EFFECT_CLOSE:
	case EFFECT_WRITE:
		driver_flush(driver);
		driver->is_closed = effect == EFFECT_CLOSE;
		return effect == EFFECT_WRITE;
	case EFFECT_LOG:
		driver_note(driver, "LOG", buf_slice(&session->log));
		return true;
	case EFFECT_ENQUEUE:
		session_started(session, !driver->is_enqueue_dead);
		return true;
	case EFFECT_CHUNK:
		buf_add(&driver->message, buf_slice(&session->chunk));
		return true;
	case EFFECT_ABORT:
		driver_note(driver, "ABORT", S(""));
		return true;
	case EFFECT_AUTH:
		driver_auth(driver);
		return true;
	case EFFECT_STARTTLS:
		driver_flush(driver);
		driver_note(driver, "STARTTLS", S(""));
		driver->is_closed = true;
		return false;
	case EFFECT_XFORWARD:
		driver_note_claim(driver, "XFORWARD");
		session_claimed(session, !driver->is_enqueue_dead);
		return true;
	case EFFECT_XCLIENT:
		driver_flush(driver);
		driver_note_claim(driver, "XCLIENT");
		driver->is_closed = true;
		return false;
	default:
		driver_ask(driver, effect);
		return true;
	}
}

static void
driver_run(struct driver *driver, struct slice input)
{
	while (
	    !driver->is_closed &&
	    driver_perform(driver, smtp_session_step(&driver->session, &input)))
		continue;
}

void
driver_feed(struct driver *driver, struct slice input, size_t step)
{
	if (step == 0)
		step = input.len;
	do {
		driver_run(driver, slice_first(input, step));
		input = slice_from(input, step);
	} while (input.len > 0 && !driver->is_closed);
}

void
driver_feed_random(struct driver *driver, struct slice input, unsigned int seed)
{
	size_t step;

	while (input.len > 0 && !driver->is_closed) {
		seed = seed * 1103515245 + 12345;
		step = 1 + (seed >> 16) % 97;
		driver_run(driver, slice_first(input, step));
		input = slice_from(input, step);
	}
}

void
driver_end(struct driver *driver, bool is_timeout)
{
	if (driver->is_closed)
		return;
	if (is_timeout)
		session_timed_out(&driver->session);
	else
		session_lost(&driver->session);
	driver_run(driver, S(""));
}

const char *
driver_say(struct driver *driver, const char *text)
{
	buf_clear(&driver->transcript);
	if (!driver->is_closed)
		driver_feed(driver, slice_of(text), 0);
	return buf_string(&driver->transcript);
}

void
driver_say_many(struct driver *driver, const char *const *lines)
{
	for (; *lines != NULL; lines++)
		driver_say(driver, *lines);
}
