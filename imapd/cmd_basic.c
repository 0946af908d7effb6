/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "imapd/session.h"

void
cmd_capability(struct session *session, struct command *command)
{
	(void)command;
	buf_add(&session->output->buf,
	    S("* CAPABILITY " SESSION_CAPABILITIES "\r\n"));
	reply_set(session, "OK Capability completed");
}

void
cmd_noop(struct session *session, struct command *command)
{
	(void)command;
	reply_set(session, "OK Done");
}

void
cmd_check(struct session *session, struct command *command)
{
	(void)command;
	reply_set(session, "OK Check completed");
}

void
cmd_logout(struct session *session, struct command *command)
{
	(void)command;
	session_bye(session, "Goodbye");
	reply_set(session, "OK Logout completed");
}

void
cmd_id(struct session *session, struct command *command)
{
	(void)command;
	buf_add(&session->output->buf, S("* ID (\"name\" \"Merpati\")\r\n"));
	reply_set(session, "OK ID completed");
}

/* RFC 2177: the tagged reply comes with DONE (session.c). */
void
cmd_idle(struct session *session, struct command *command)
{
	buf_clear(&session->idle_tag);
	buf_add(&session->idle_tag, command->tag);
	content_clear(&session->message);
	session->mode = SESSION_IDLE;
	buf_add(&session->output->buf, S("+ idling\r\n"));
}

/* RFC 2342: one personal namespace, no others. */
void
cmd_namespace(struct session *session, struct command *command)
{
	(void)command;
	buf_add(
	    &session->output->buf, S("* NAMESPACE ((\"\" \"/\")) NIL NIL\r\n"));
	reply_set(session, "OK Namespace completed");
}
