/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "common/buf.h"

#include "imapd/search.h"
#include "imapd/session.h"

void
cmd_search(struct session *session, struct command *command)
{
	struct buf *out = &session->output->buf;
	struct search search = { .folder = session->folder,
		.message = &session->message };
	size_t count = session->shown_count;
	const struct mail *mail;

	if (command->search == NULL) {
		reply_set(session, "NO [BADCHARSET (UTF-8 US-ASCII "
				   "ISO-8859-1)] Unknown charset");
		return;
	}
	search_resolve(command->search, (uint32_t)count,
	    count == 0 ? 0 : folder_mail(session->folder, count - 1)->uid);
	buf_add(out, S("* SEARCH"));
	for (size_t i = 0; i < count; i++) {
		mail = folder_mail(session->folder, i);
		search.index = i;
		search.has_failed = mail->is_expunged;
		if (mail->is_expunged ||
		    !search_matches(&search, command->search) ||
		    search.has_failed)
			continue;
		buf_add_format(out, " %u",
		    command->is_uid ? mail->uid : (uint32_t)(i + 1));
		output_settle(session->output);
	}
	buf_add(out, S("\r\n"));
	reply_set(session, "OK Search completed");
}
