/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "common/log.h"

#include "imapd/session.h"

static const struct {
	const char *name;
	uint32_t flag;
} flag_names[] = {
	{ "\\Answered", MAIL_ANSWERED },
	{ "\\Flagged", MAIL_FLAGGED },
	{ "\\Deleted", MAIL_DELETED },
	{ "\\Seen", MAIL_SEEN },
	{ "\\Draft", MAIL_DRAFT },
	{ "\\Recent", MAIL_RECENT },
};

#define FLAG_NAMES (sizeof(flag_names) / sizeof(flag_names[0]))

void
session_add_flags(
    struct session *session, struct buf *out, const struct mail *mail)
{
	const char *space = "", *name;

	buf_add(out, S("FLAGS ("));
	for (size_t i = 0; i < FLAG_NAMES; i++) {
		if ((mail->flags & flag_names[i].flag) == 0)
			continue;
		buf_add_format(out, "%s%s", space, flag_names[i].name);
		space = " ";
	}
	for (size_t i = 0; i < MAILBOX_KEYWORDS_MAX; i++) {
		if ((mail->keywords & (uint32_t)1 << i) == 0)
			continue;
		name = folder_keyword(session->folder, i);
		if (name == NULL)
			continue;
		buf_add_format(out, "%s%s", space, name);
		space = " ";
	}
	buf_add_char(out, ')');
}

static size_t
count_keywords(const struct session *session)
{
	size_t n = 0;

	while (n < MAILBOX_KEYWORDS_MAX &&
	       folder_keyword(session->folder, n) != NULL)
		n++;
	return n;
}

static void
add_known_flags(struct session *session, struct buf *out)
{
	buf_add(out, S("\\Answered \\Flagged \\Deleted \\Seen \\Draft"));
	for (size_t i = 0; i < session->shown_keywords; i++)
		buf_add_format(out, " %s", folder_keyword(session->folder, i));
}

void
session_say_flags(struct session *session)
{
	struct buf *out = &session->output->buf;

	session->shown_keywords = count_keywords(session);
	buf_add(out, S("* FLAGS ("));
	add_known_flags(session, out);
	buf_add(out, S(")\r\n* OK [PERMANENTFLAGS ("));
	if (!session->is_read_only) {
		add_known_flags(session, out);
		if (session->shown_keywords < MAILBOX_KEYWORDS_MAX)
			buf_add(out, S(" \\*"));
	}
	buf_add_format(out, ")] %s\r\n",
	    session->is_read_only ? "No flags can be kept"
				  : "Flags that are kept");
}

static void
report_expunged(struct session *session)
{
	size_t index = 0;

	while (index < folder_count(session->folder)) {
		if (!folder_mail(session->folder, index)->is_expunged) {
			index++;
			continue;
		}
		folder_forget(session->folder, index);
		if (index < session->shown_count) {
			session->shown_count--;
			buf_add_format(&session->output->buf,
			    "* %zu EXPUNGE\r\n", index + 1);
			output_settle(session->output);
		}
	}
}

static void
report_changed(struct session *session, bool has_uid)
{
	struct buf *out = &session->output->buf;

	for (size_t i = 0; i < session->shown_count; i++) {
		struct mail *mail = folder_mail(session->folder, i);

		if (!mail->is_changed || mail->is_expunged)
			continue;
		mail->is_changed = false;
		buf_add_format(out, "* %zu FETCH (", i + 1);
		if (has_uid)
			buf_add_format(out, "UID %u ", mail->uid);
		session_add_flags(session, out, mail);
		buf_add(out, S(")\r\n"));
		output_settle(session->output);
	}
}

static void
report_counts(struct session *session)
{
	struct buf *out = &session->output->buf;
	size_t count = folder_count(session->folder);
	size_t recent = folder_recent_count(session->folder);

	if (count > session->shown_count)
		buf_add_format(out, "* %zu EXISTS\r\n", count);
	if (count > session->shown_count || recent > session->shown_recent)
		buf_add_format(out, "* %zu RECENT\r\n", recent);
	session->shown_count = count;
	session->shown_recent = recent;
}

void
session_report(struct session *session, bool may_expunge, bool has_uid)
{
	struct why why = { 0 };
	bool changed;

	if (!folder_refresh(session->folder, &changed, &why)) {
		log_error("refresh: %s", why.text);
		session_bye(session, "The mailbox is gone or was made again");
		return;
	}
	if (count_keywords(session) != session->shown_keywords)
		session_say_flags(session);
	if (may_expunge)
		report_expunged(session);
	report_changed(session, has_uid);
	report_counts(session);
}

bool
selection_begin(struct selection *selection, struct session *session,
    struct command *command)
{
	size_t count = session->shown_count;
	struct sequence_set *set = &command->set;
	uint32_t largest = (uint32_t)count;

	if (command->is_uid && count > 0)
		largest = folder_mail(session->folder, count - 1)->uid;
	sequence_set_resolve(set, largest);
	*selection = (struct selection){ set, 0, command->is_uid };
	if (!command->is_uid && count > 0 &&
	    set->ranges[set->count - 1].last > count) {
		reply_set(session,
		    "BAD There is no message of that number, the last is %zu",
		    count);
		return false;
	}
	return true;
}

bool
selection_next(
    struct selection *selection, struct session *session, size_t *index)
{
	const struct mail *mail;
	uint32_t number;

	while (selection->next < session->shown_count) {
		*index = selection->next++;
		mail = folder_mail(session->folder, *index);
		number = selection->is_uid ? mail->uid : (uint32_t)(*index + 1);
		if (sequence_set_contains(selection->set, number))
			return true;
	}
	return false;
}
