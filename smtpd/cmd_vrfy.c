/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "smtpd/cmd.h"

#include <stdio.h>

#include "common/limits.h"

#include "smtpd/extension.h"
#include "smtpd/parameter.h"

/* RFC 5321 section 3.5: an address or a user name, brackets or none. */
static void
ask_about(struct session *session, const struct argument *argument,
    enum effect effect)
{
	static const struct address_syntax syntax = { .may_be_local = true,
		.may_be_utf8 = true };
	const uint32_t flags = session->options.mail.flags;
	struct slice text = argument->text;
	struct address address;
	struct why why = { .text = "" };
	bool ok;

	buf_clear(&session->forward_path);
	if (!address_parse_path(
		&text, syntax, session->arena, &address, &why)) {
		reply_error(session, (struct reply){ 501, "5.1.3", why.text });
		return;
	}
	address_format(&session->forward_path, &address);
	/* SMTPUTF8 is this command's here, not the transaction's. */
	ok = mail_take_parameters(session, vrfy_parameters, text) &&
	     mail_may_have_utf8(session, buf_slice(&session->forward_path));
	session->options.mail.flags = flags;
	if (ok)
		session_ask(session, effect);
}

void
cmd_vrfy(struct session *session, const struct argument *argument)
{
	ask_about(session, argument, EFFECT_VRFY);
}

void
vrfy_answered(struct session *session, const struct inject_reply *reply)
{
	(void)reply_relay(session, reply, buf_slice(&session->forward_path));
}

/* Who reads a list is for own hosts to know. To others it is 252: RFC 5321
 * section 7.3 wants a code that says neither yes nor no. */
const struct reply *
check_expn(const struct session *session)
{
	static const struct reply no = { 252, "2.0.0",
		"Not told here: send the message and see" };

	return extension_is_submission(session) ||
		       !extension_is_trusted(session)
		   ? &no
		   : NULL;
}

void
cmd_expn(struct session *session, const struct argument *argument)
{
	ask_about(session, argument, EFFECT_EXPN);
}

/* A line for each; the last one ends the reply. */
void
expn_answered(struct session *session, const struct inject_reply *reply)
{
	struct slice rest = buf_slice(&session->members), line;
	char text[2 * LIMIT_SMTP_PATH];
	struct reply one = { reply->code, reply->status, text };

	if (reply->code != 250 || rest.len == 0) {
		(void)reply_relay(
		    session, reply, buf_slice(&session->forward_path));
		return;
	}
	session->done[session->verb]++;
	while (rest.len > 0) {
		slice_cut(rest, '\n', &line, &rest);
		snprintf(text, sizeof(text), "%.*s", SLICE_FMT(line));
		reply_add_more(session, one);
	}
	reply_end(session);
}
