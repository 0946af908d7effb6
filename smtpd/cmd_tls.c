/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "smtpd/cmd.h"

const struct reply *
check_starttls(const struct session *session)
{
	static const struct reply is_on = { 503, "5.5.1",
		"The connection is encrypted already" };

	return session->connection->is_tls ? &is_on : NULL;
}

/*
 * RFC 3207: what the client sent behind STARTTLS is gone with this session,
 * as is everything it said before; a new session begins inside TLS.
 */
void
cmd_starttls(struct session *session, const struct argument *argument)
{
	(void)argument;
	session->done[session->verb]++;
	reply_add(
	    session, (struct reply){ 220, "2.0.0", "Ready to start TLS" });
	session_push(session, EFFECT_STARTTLS);
	session_close(session);
}
