/* SPDX-License-Identifier: ISC */
#include "config.h"

#include <stdio.h>

#include "common/limits.h"

#include "smtpd/cmd.h"
#include "smtpd/parameter.h"

bool
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

/* RFC 6531 section 3.5. The reply is for an address of this transaction. */
bool
mail_may_have_utf8(struct session *session, struct slice address)
{
	static const struct reply no = { 553, "5.6.7",
		"The address has characters outside ASCII: send SMTPUTF8 with "
		"MAIL (or VRFY)" };

	if (session->options.mail.flags & MAIL_UTF8 || slice_is_ascii(address))
		return true;
	reply_reject(session, no);
	return false;
}

/* RFC 1870 section 6.1: a message that is too large ends here. */
static bool
mail_may_have_size(struct session *session)
{
	uint64_t limit = session->connection->settings->message_size_limit;
	char text[80];

	if (limit == 0 || session->options.size <= limit)
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
	    !mail_may_have_utf8(session, buf_slice(&session->reverse_path)) ||
	    !mail_may_have_size(session)) {
		session_reset_transaction(session);
		return;
	}
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

void
cmd_rcpt(struct session *session, const struct argument *argument)
{
	/* RFC 5321 section 4.5.3.1.10. Not an error: the client may send
	 * what was taken so far, and the rest in another message. */
	static const struct reply many = { 452, "4.5.3",
		"Too many recipients, send the message to the rest again" };

	buf_clear(&session->forward_path);
	options_clear_rcpt(&session->options);
	address_format(&session->forward_path, &argument->path);
	if (!mail_take_parameters(
		session, rcpt_parameters, argument->parameters) ||
	    !mail_may_have_utf8(session, buf_slice(&session->forward_path)))
		return;
	if (session->recipients >= session_recipient_limit(session)) {
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
