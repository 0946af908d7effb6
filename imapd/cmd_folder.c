/* SPDX-License-Identifier: ISC */
#include "config.h"

#include <string.h>

#include "common/log.h"
#include "common/mime/nstring.h"

#include "imapd/session.h"

static void
say_selected(struct session *session)
{
	struct folder *folder = session->folder;
	struct buf *out = &session->output->buf;
	size_t count = folder_count(folder), unseen = 0;

	session_say_flags(session);
	session->shown_count = count;
	session->shown_recent = folder_recent_count(folder);
	buf_add_format(out, "* %zu EXISTS\r\n* %zu RECENT\r\n", count,
	    session->shown_recent);
	while (unseen < count &&
	       (folder_mail(folder, unseen)->flags & MAIL_SEEN) != 0)
		unseen++;
	if (unseen < count)
		buf_add_format(
		    out, "* OK [UNSEEN %zu] First unseen\r\n", unseen + 1);
	buf_add_format(out, "* OK [UIDVALIDITY %u] UIDs valid\r\n",
	    folder_uidvalidity(folder));
	buf_add_format(out, "* OK [UIDNEXT %u] Predicted next UID\r\n",
	    folder_uidnext(folder));
}

/* A failed SELECT leaves nothing selected (RFC 3501 section 6.3.1). */
static void
select_folder(
    struct session *session, struct command *command, bool is_read_only)
{
	struct slice name;
	struct why why = { 0 };

	session_unselect(session);
	if (!session_folder_name(session, command->name, &name))
		return;
	session->folder =
	    folder_open(session->mailbox, name, is_read_only, &why);
	if (session->folder == NULL) {
		reply_why(session, &why);
		return;
	}
	session->is_read_only = is_read_only;
	say_selected(session);
	reply_set(session, "OK [%s] %s completed",
	    is_read_only ? "READ-ONLY" : "READ-WRITE",
	    is_read_only ? "Examine" : "Select");
}

void
cmd_select(struct session *session, struct command *command)
{
	select_folder(session, command, false);
}

void
cmd_examine(struct session *session, struct command *command)
{
	select_folder(session, command, true);
}

void
cmd_create(struct session *session, struct command *command)
{
	struct slice name;
	struct why why = { 0 };

	if (!session_folder_name(session, command->name, &name))
		return;
	if (mailbox_create(session->mailbox, name, &why))
		reply_set(session, "OK Create completed");
	else
		reply_why(session, &why);
}

void
cmd_delete(struct session *session, struct command *command)
{
	struct slice name;
	struct why why = { 0 };

	if (!session_folder_name(session, command->name, &name))
		return;
	if (mailbox_delete(session->mailbox, name, &why))
		reply_set(session, "OK Delete completed");
	else
		reply_why(session, &why);
}

void
cmd_rename(struct session *session, struct command *command)
{
	struct slice from, to;
	struct why why = { 0 };

	if (!session_folder_name(session, command->name, &from) ||
	    !session_folder_name(session, command->other, &to))
		return;
	if (mailbox_rename(session->mailbox, from, to, &why))
		reply_set(session, "OK Rename completed");
	else
		reply_why(session, &why);
}

static void
subscribe(struct session *session, struct command *command, bool on)
{
	struct slice name;
	struct why why = { 0 };

	if (!session_folder_name(session, command->name, &name))
		return;
	if (mailbox_subscribe(session->mailbox, name, on, &why))
		reply_set(session, "OK %s completed",
		    on ? "Subscribe" : "Unsubscribe");
	else
		reply_why(session, &why);
}

void
cmd_subscribe(struct session *session, struct command *command)
{
	subscribe(session, command, true);
}

void
cmd_unsubscribe(struct session *session, struct command *command)
{
	subscribe(session, command, false);
}

void
cmd_status(struct session *session, struct command *command)
{
	struct folder_status status = { 0 };
	struct buf *out = &session->output->buf;
	struct why why = { 0 };
	struct slice name;
	const char *space = "";

	if (!session_folder_name(session, command->name, &name))
		return;
	if (!mailbox_status(session->mailbox, name, &status, &why)) {
		reply_why(session, &why);
		return;
	}
	const struct {
		const char *name;
		unsigned int item;
		uint32_t value;
	} items[] = {
		{ "MESSAGES", STATUS_MESSAGES, status.messages },
		{ "RECENT", STATUS_RECENT, status.recent },
		{ "UIDNEXT", STATUS_UIDNEXT, status.uidnext },
		{ "UIDVALIDITY", STATUS_UIDVALIDITY, status.uidvalidity },
		{ "UNSEEN", STATUS_UNSEEN, status.unseen },
	};

	buf_add(out, S("* STATUS "));
	imap_add_string(out, slice_eq(name, S("INBOX")) ? name : command->name);
	buf_add(out, S(" ("));
	for (size_t i = 0; i < sizeof(items) / sizeof(items[0]); i++) {
		if ((command->status & items[i].item) == 0)
			continue;
		buf_add_format(
		    out, "%s%s %u", space, items[i].name, items[i].value);
		space = " ";
	}
	buf_add(out, S(")\r\n"));
	reply_set(session, "OK Status completed");
}

/* Expunges without saying so; in EXAMINE nothing (section 6.4.2). */
void
cmd_close(struct session *session, struct command *command)
{
	struct why why = { 0 };

	(void)command;
	for (size_t i = 0;
	     !session->is_read_only && i < folder_count(session->folder); i++) {
		struct mail *mail = folder_mail(session->folder, i);

		if ((mail->flags & MAIL_DELETED) != 0 && !mail->is_expunged &&
		    !folder_expunge(session->folder, i, &why))
			log_warning("close: %s", why.text);
	}
	session_unselect(session);
	reply_set(session, "OK Close completed");
}

void
cmd_unselect(struct session *session, struct command *command)
{
	(void)command;
	session_unselect(session);
	reply_set(session, "OK Unselect completed");
}
