/* SPDX-License-Identifier: ISC */
#include "config.h"

#include <stdio.h>

#include "common/limits.h"

#include "smtpd/cmd.h"
#include "smtpd/parameter.h"

static bool
mail_take_parameters(
    struct session *session, const struct parameter *table, struct slice text)
{
	struct why why = { .text = "" };
	unsigned int code;

	if (parameter_parse(session, table, text, &code, &why))
		return true;
	reply_reject(session, (struct reply){ code, "5.5.4", why.text });
	return false;
}

/* RFC 1870 section 6.1: a message that is too large ends here. */
static bool
mail_may_have_size(struct session *session)
{
	uint64_t limit = session->connection->settings->message_size_limit;
	char text[80];

	if (limit == 0 || session->declared_size <= limit)
		return true;
	snprintf(text, sizeof(text),
	    "The message is too large, the limit is %llu bytes",
	    (unsigned long long)limit);
	reply_reject(session, (struct reply){ 552, "5.3.4", text });
	return false;
}

void
cmd_mail(struct session *session, const struct argument *argument)
{
	static const struct reply many = { 421, "4.7.0",
		"Too many messages in one connection, connect again" };

	session_reset_transaction(session);
	address_format(&session->reverse_path, &argument->path);
	if (session->transactions >= LIMIT_SMTP_TRANSACTIONS) {
		reply_goodbye(session, many);
		return;
	}
	if (!mail_take_parameters(
		session, mail_parameters, argument->parameters) ||
	    !mail_may_have_size(session))
		return;
	session->transactions++;
	session_ask(session, EFFECT_MAIL);
}

void
mail_answered(struct session *session, const struct inject_reply *reply)
{
	if (reply_relay(session, reply, buf_slice(&session->reverse_path)))
		session->phase = PHASE_MAIL;
	else
		session_reset_transaction(session);
}

static size_t
rcpt_limit(const struct session *session)
{
	uint64_t limit = session->connection->settings->max_recipients;

	return limit > 0 && limit < LIMIT_SMTP_RECIPIENTS
		   ? (size_t)limit
		   : LIMIT_SMTP_RECIPIENTS;
}

void
cmd_rcpt(struct session *session, const struct argument *argument)
{
	/* RFC 5321 section 4.5.3.1.10. Not an error: the client may send
	 * what was taken so far, and the rest in another message. */
	static const struct reply many = { 452, "4.5.3",
		"Too many recipients, send the message to the rest again" };

	buf_clear(&session->forward_path);
	address_format(&session->forward_path, &argument->path);
	if (!mail_take_parameters(
		session, rcpt_parameters, argument->parameters))
		return;
	if (session->recipients >= rcpt_limit(session)) {
		reply_add(session, many);
		return;
	}
	session_ask(session, EFFECT_RCPT);
}

void
rcpt_answered(struct session *session, const struct inject_reply *reply)
{
	if (!reply_relay(session, reply, buf_slice(&session->forward_path)))
		return;
	session->recipients++;
	session->phase = PHASE_RCPT;
}

/* RFC 5321 section 3.5: an address or a user name, brackets or none. */
void
cmd_vrfy(struct session *session, const struct argument *argument)
{
	static const struct address_syntax syntax = { .may_be_local = true };
	struct slice text = argument->text;
	struct address address;
	struct why why = { .text = "" };

	buf_clear(&session->forward_path);
	if (!address_parse_path(
		&text, syntax, session->arena, &address, &why)) {
		reply_error(session, (struct reply){ 501, "5.1.3", why.text });
		return;
	}
	address_format(&session->forward_path, &address);
	session_ask(session, EFFECT_VRFY);
}

void
vrfy_answered(struct session *session, const struct inject_reply *reply)
{
	(void)reply_relay(session, reply, buf_slice(&session->forward_path));
}
