/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "smtpd/cmd.h"

#include "smtpd/extension.h"

/* RFC 1985: for own hosts only, since it makes work. */
const struct reply *
check_etrn(const struct session *session)
{
	static const struct reply no = { 502, "5.5.1",
		"ETRN is not offered to this address" };

	return extension_is_trusted(session) && !session_is_lmtp(session) ? NULL
									  : &no;
}

/* A name with its subdomains ("@name") or of a queue ("#name") has no
 * meaning here. */
void
cmd_etrn(struct session *session, const struct argument *argument)
{
	static const struct reply bad = { 501, "5.5.4",
		"Syntax: ETRN domain.example.com" };
	const struct reply *log_in = check_login(session);

	if (log_in != NULL) {
		reply_reject(session, *log_in);
		return;
	}
	if (!domain_is_valid(argument->text) || argument->text.ptr[0] == '[') {
		reply_error(session, bad);
		return;
	}
	buf_clear(&session->forward_path);
	buf_add(&session->forward_path, argument->text);
	session_ask(session, EFFECT_ETRN);
}

void
etrn_answered(struct session *session, const struct inject_reply *reply)
{
	(void)reply_relay(session, reply, buf_slice(&session->forward_path));
	buf_clear(&session->forward_path);
}
