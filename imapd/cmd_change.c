/* SPDX-License-Identifier: ISC */
#include "config.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "common/alloc.h"
#include "common/log.h"

#include "imapd/session.h"

#define COPY_PIECE 65536

void
cmd_expunge(struct session *session, struct command *command)
{
	struct selection selection = { 0 };
	struct why why = { 0 };
	bool ok = true;

	if (command->is_uid && !selection_begin(&selection, session, command))
		return;
	for (size_t i = 0; ok && i < session->shown_count; i++) {
		struct mail *mail = folder_mail(session->folder, i);

		if ((mail->flags & MAIL_DELETED) == 0 || mail->is_expunged ||
		    (command->is_uid &&
			!sequence_set_contains(&command->set, mail->uid)))
			continue;
		ok = folder_expunge(session->folder, i, &why);
	}
	if (ok)
		reply_set(session, "OK Expunge completed");
	else
		reply_why(session, &why);
}

/* Bits of the keywords named; those for which there is no room are left
 * out: the FETCH response shows it. */
static uint32_t
keyword_bits(struct session *session, const struct flag_list *list,
    bool may_create, bool *is_saved)
{
	uint32_t bits = 0;
	int number;

	*is_saved = true;
	for (size_t i = 0; i < list->count; i++) {
		number = folder_keyword_find(
		    session->folder, list->keywords[i], may_create);
		if (number >= 0)
			bits |= (uint32_t)1 << number;
		if (number == FOLDER_KEYWORD_UNSAVED)
			*is_saved = false;
	}
	return bits;
}

static uint32_t
store_value(enum store_mode mode, uint32_t old, uint32_t given)
{
	if (mode == STORE_ADD)
		return old | given;
	return mode == STORE_REMOVE ? old & ~given : given;
}

static void
say_stored(struct session *session, size_t index, bool is_uid)
{
	struct buf *out = &session->output->buf;
	struct mail *mail = folder_mail(session->folder, index);

	mail->is_changed = false;
	buf_add_format(out, "* %zu FETCH (", index + 1);
	if (is_uid)
		buf_add_format(out, "UID %u ", mail->uid);
	session_add_flags(session, out, mail);
	buf_add(out, S(")\r\n"));
	output_settle(session->output);
}

void
cmd_store(struct session *session, struct command *command)
{
	struct selection selection;
	struct why why = { 0 };
	size_t index, lost = 0;
	uint32_t bits;
	bool is_saved;

	if (!selection_begin(&selection, session, command))
		return;
	bits = keyword_bits(
	    session, &command->flags, command->mode != STORE_REMOVE, &is_saved);
	if (!is_saved) {
		reply_set(session, "NO [UNAVAILABLE] A keyword is not saved");
		return;
	}
	if (bits >> session->shown_keywords != 0)
		session_say_flags(session);
	while (selection_next(&selection, session, &index)) {
		struct mail *mail = folder_mail(session->folder, index);

		if (!mail->is_expunged &&
		    folder_set_flags(session->folder, index,
			store_value(
			    command->mode, mail->flags, command->flags.flags),
			store_value(command->mode, mail->keywords, bits),
			&why)) {
			if (!command->is_silent)
				say_stored(session, index, command->is_uid);
			continue;
		}
		if (!mail->is_expunged) {
			reply_why(session, &why);
			return;
		}
		lost++;
	}
	reply_set(session,
	    lost == 0 ? "OK Store completed"
		      : "NO [EXPUNGEISSUED] Some messages were expunged");
}

/* What COPY made so far, for COPYUID and for taking it back. */
struct copied {
	uint32_t uidvalidity;
	uint32_t *from, *to;
	size_t *index;
	size_t count;
};

static bool
copy_bytes(int fd, struct appender *appender, struct why *why)
{
	char *bytes = alloc_zero(1, COPY_PIECE);
	bool ok = true;
	ssize_t n;

	while (ok && (n = read(fd, bytes, COPY_PIECE)) != 0) {
		if (n < 0 && errno == EINTR)
			continue;
		ok = n > 0 ? appender_write(
				 appender, slice_make(bytes, (size_t)n), why)
			   : why_errno(why, "cannot read the message");
	}
	alloc_release(bytes);
	return ok;
}

static size_t
mail_keyword_names(struct session *session, const struct mail *mail,
    struct slice names[MAILBOX_KEYWORDS_MAX])
{
	size_t count = 0;
	const char *name;

	for (size_t i = 0; i < MAILBOX_KEYWORDS_MAX; i++) {
		if ((mail->keywords & (uint32_t)1 << i) == 0)
			continue;
		name = folder_keyword(session->folder, i);
		if (name != NULL)
			names[count++] = slice_of(name);
	}
	return count;
}

static bool
copy_one(struct session *session, struct slice name, size_t index,
    struct copied *copied, struct why *why)
{
	struct slice keywords[MAILBOX_KEYWORDS_MAX];
	struct mail *mail = folder_mail(session->folder, index);
	struct append_facts facts = { .flags = mail->flags,
		.keyword_names = keywords };
	struct appender *appender;
	bool ok;
	int fd;

	facts.keyword_count = mail_keyword_names(session, mail, keywords);
	fd =
	    folder_mail_open(session->folder, index, &facts.internal_date, why);
	if (fd < 0)
		return false;
	appender = appender_open(session->mailbox, name, why);
	ok = appender != NULL && copy_bytes(fd, appender, why) &&
	     appender_commit(appender, &facts, &copied->uidvalidity,
		 &copied->to[copied->count], why);
	copied->from[copied->count] = mail->uid;
	copied->index[copied->count] = index;
	if (ok)
		copied->count++;
	appender_close(&appender);
	close(fd);
	return ok;
}

/* RFC 3501 section 6.4.7: all or nothing. */
static void
copy_undo(
    struct session *session, struct slice name, const struct copied *copied)
{
	struct why why = { 0 };
	struct folder *folder =
	    copied->count == 0
		? NULL
		: folder_open(session->mailbox, name, false, &why);
	size_t index;

	if (folder == NULL)
		return;
	for (size_t i = 0; i < copied->count; i++) {
		index = folder_find_uid(folder, copied->to[i]);
		if (index < folder_count(folder) &&
		    folder_mail(folder, index)->uid == copied->to[i])
			(void)folder_expunge(folder, index, &why);
	}
	folder_close(&folder);
}

static void
add_uid_set(struct buf *out, const uint32_t *uids, size_t count)
{
	size_t first = 0;

	for (size_t i = 1; i <= count; i++) {
		if (i < count && uids[i] == uids[i - 1] + 1)
			continue;
		buf_add_format(out, "%s%u", first == 0 ? "" : ",", uids[first]);
		if (i - 1 > first)
			buf_add_format(out, ":%u", uids[i - 1]);
		first = i;
	}
}

/* Lists are as long as the folder at most; the arena bounds them. */
static bool
copied_init(struct copied *copied, struct session *session)
{
	size_t room = session->shown_count + 1;

	memset(copied, 0, sizeof(*copied));
	copied->from = arena_alloc(session->arena, room * sizeof(uint32_t));
	copied->to = arena_alloc(session->arena, room * sizeof(uint32_t));
	copied->index = arena_alloc(session->arena, room * sizeof(size_t));
	if (copied->from == NULL || copied->to == NULL ||
	    copied->index == NULL) {
		reply_set(session, "NO [LIMIT] Too many messages at once");
		return false;
	}
	return true;
}

static bool
copy_messages(
    struct session *session, struct command *command, struct copied *copied)
{
	struct selection selection;
	struct why why = { 0 };
	struct slice name;
	size_t index;
	bool ok = true;

	if (!selection_begin(&selection, session, command) ||
	    !copied_init(copied, session) ||
	    !session_folder_name(session, command->name, &name))
		return false;
	if (!mailbox_exists(session->mailbox, name)) {
		reply_set(session, "NO [TRYCREATE] There is no such mailbox");
		return false;
	}
	while (ok && selection_next(&selection, session, &index))
		ok = copy_one(session, name, index, copied, &why);
	if (!ok) {
		copy_undo(session, name, copied);
		reply_why(session, &why);
	}
	return ok;
}

static void
add_copyuid(struct buf *out, const struct copied *copied)
{
	buf_add_format(out, "OK [COPYUID %u ", copied->uidvalidity);
	add_uid_set(out, copied->from, copied->count);
	buf_add_char(out, ' ');
	add_uid_set(out, copied->to, copied->count);
	buf_add_string(out, "] ");
}

void
cmd_copy(struct session *session, struct command *command)
{
	struct copied copied;

	if (!copy_messages(session, command, &copied))
		return;
	buf_clear(&session->reply);
	if (copied.count > 0)
		add_copyuid(&session->reply, &copied);
	else
		buf_add(&session->reply, S("OK "));
	buf_add(&session->reply, S("Copy completed"));
	if (session->reply.failed)
		reply_set(session, "OK Copy completed");
}

/* RFC 6851 section 4.3: COPYUID comes before the expunges. */
void
cmd_move(struct session *session, struct command *command)
{
	struct buf *out = &session->output->buf;
	struct why why = { 0 };
	struct copied copied;
	bool ok = true;

	if (!copy_messages(session, command, &copied))
		return;
	if (copied.count > 0) {
		buf_add(out, S("* "));
		add_copyuid(out, &copied);
		buf_add(out, S("Copied\r\n"));
	}
	for (size_t i = 0; i < copied.count; i++)
		ok = folder_expunge(session->folder, copied.index[i], &why) &&
		     ok;
	if (ok)
		reply_set(session, "OK Move completed");
	else
		reply_why(session, &why);
}
