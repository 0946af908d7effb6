/* SPDX-License-Identifier: ISC */
#include "config.h"

#include <string.h>

#include "common/limits.h"

#include "smtpd/cmd.h"

/* Characters with a meaning in Received: and in log lines. */
static char
helo_neutral(char c)
{
	static const char specials[] = "<>()\\\";,@";

	if (!ascii_is_print(c) ||
	    memchr(specials, c, sizeof(specials) - 1) != NULL)
		return '?';
	return c;
}

/*
 * The first word names the client. It is kept for the trace, not believed,
 * so anything that fits is taken (RFC 5321 section 4.1.4 forbids refusing a
 * name that does not match the address).
 */
static bool
hello(struct session *session, struct slice name, bool is_esmtp)
{
	static const struct reply too_long = { 501, "5.5.2",
		"The host name is too long" };
	struct slice word = name;

	slice_token(&name, S(" \t"), &word);
	if (word.len > LIMIT_SMTP_DOMAIN) {
		reply_error(session, too_long);
		return false;
	}
	if (session->phase & PHASE_TRANSACTION)
		session_push(session, EFFECT_ABORT);
	forward_forget(session);
	buf_clear(&session->helo);
	for (size_t i = 0; i < word.len; i++)
		buf_add_char(&session->helo, helo_neutral(word.ptr[i]));
	session->is_esmtp = is_esmtp;
	session->phase = PHASE_READY;
	session_reset_transaction(session);
	session->done[session->verb]++;
	return true;
}

/* RFC 2033 section 4.1: LHLO takes the place of HELO and EHLO. */
const struct reply *
check_smtp(const struct session *session)
{
	static const struct reply lmtp = { 500, "5.5.1",
		"This is LMTP: send LHLO" };

	return session_is_lmtp(session) ? &lmtp : NULL;
}

const struct reply *
check_lmtp(const struct session *session)
{
	static const struct reply smtp = { 500, "5.5.1",
		"This is SMTP: send HELO or EHLO" };

	return session_is_lmtp(session) ? NULL : &smtp;
}

void
cmd_helo(struct session *session, const struct argument *argument)
{
	if (hello(session, argument->text, false))
		reply_add(
		    session, (struct reply){ 250, "",
				 session->connection->settings->hostname });
}

void
cmd_ehlo(struct session *session, const struct argument *argument)
{
	if (!hello(session, argument->text, true))
		return;
	reply_add_more(session,
	    (struct reply){ 250, "", session->connection->settings->hostname });
	command_announce(session);
	reply_end(session);
}

void
cmd_smtp_noop(struct session *session, const struct argument *argument)
{
	(void)argument;
	session->done[session->verb]++;
	reply_add(session, (struct reply){ 250, "2.0.0", "Ok" });
}

void
cmd_rset(struct session *session, const struct argument *argument)
{
	(void)argument;
	if (session->phase & PHASE_TRANSACTION)
		session_push(session, EFFECT_ABORT);
	forward_forget(session);
	session_reset_transaction(session);
	session->done[session->verb]++;
	reply_add(session, (struct reply){ 250, "2.0.0", "Ok" });
}

void
cmd_help(struct session *session, const struct argument *argument)
{
	session->done[session->verb]++;
	command_help(session, argument->text);
}

void
cmd_quit(struct session *session, const struct argument *argument)
{
	(void)argument;
	session->done[session->verb]++;
	reply_add(session, (struct reply){ 221, "2.0.0", "Bye" });
	session_close(session);
}
