/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "pop3d/source.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/alloc.h"
#include "common/fault.h"
#include "common/mailbox/mailbox.h"
#include "common/mailbox/nametable.h"

#include "pop3d/source_mbox.h"

struct source {
	struct mailbox *mailbox; /* NULL: an mbox */
	struct folder *folder;
	struct source_mbox *mbox;
	struct pop3_message *messages;
	size_t count;
	int fd; /* of the message being read */
};

static bool
uidl_is_valid(const char *uidl)
{
	size_t length = 0;

	for (; uidl[length] != '\0'; length++)
		if (uidl[length] < 0x21 || uidl[length] > 0x7e)
			return false;
	return length > 0 && length <= 70;
}

/* Clients give up on two messages with one UIDL. */
static void
set_uidls(struct source *source)
{
	struct nametable seen = { 0 };

	for (size_t i = 0; i < source->count; i++) {
		const struct mail *mail = folder_mail(source->folder, i);
		struct pop3_message *message = &source->messages[i];

		if (mail->uidl != NULL && uidl_is_valid(mail->uidl) &&
		    nametable_get(&seen, slice_of(mail->uidl)) == NULL)
			snprintf(message->uidl, sizeof(message->uidl), "%s",
			    mail->uidl);
		else
			snprintf(message->uidl, sizeof(message->uidl),
			    "%08x%08x", mail->uid,
			    folder_uidvalidity(source->folder));
		nametable_set(&seen, slice_of(message->uidl), message);
	}
	nametable_clear(&seen);
}

static bool
measure(struct source *source, struct why *why)
{
	size_t kept = 0;

	/* One that vanishes right now was never there. */
	for (size_t i = 0; i < folder_count(source->folder);) {
		if (folder_measure(source->folder, i, why))
			i++;
		else if (folder_mail(source->folder, i)->is_expunged)
			folder_forget(source->folder, i);
		else
			return false;
	}
	source->count = folder_count(source->folder);
	source->messages =
	    alloc_zero(source->count + 1, sizeof(*source->messages));
	for (; kept < source->count; kept++)
		source->messages[kept].size =
		    folder_mail(source->folder, kept)->wire_size;
	return true;
}

static bool
open_maildir(struct source *source, const struct user *user, struct why *why)
{
	source->mailbox = mailbox_open(user, why);
	if (source->mailbox == NULL)
		return false;
	source->folder = folder_open(source->mailbox, S("INBOX"), false, why);
	if (source->folder == NULL || !measure(source, why))
		return false;
	set_uidls(source);
	return true;
}

static bool
open_mbox(struct source *source, const struct user *user, struct why *why)
{
	source->mbox = source_mbox_open(user->mail, why);
	if (source->mbox == NULL)
		return false;
	source->messages = source_mbox_messages(source->mbox, &source->count);
	return true;
}

struct source *
source_open(const struct user *user, struct why *why)
{
	struct source *source = alloc_zero(1, sizeof(*source));
	size_t length = strlen(user->mail);
	bool ok;

	source->fd = -1;
	if (length > 0 && user->mail[length - 1] == '/')
		ok = open_maildir(source, user, why);
	else
		ok = open_mbox(source, user, why);
	if (!ok)
		source_close(&source);
	return source;
}

void
source_close(struct source **source)
{
	struct source *old = *source;

	if (old == NULL)
		return;
	source_end(old);
	if (old->mbox == NULL)
		alloc_release(old->messages);
	source_mbox_close(&old->mbox);
	folder_close(&old->folder);
	mailbox_close(&old->mailbox);
	alloc_release(old);
	*source = NULL;
}

struct pop3_message *
source_messages(struct source *source, size_t *count)
{
	*count = source->count;
	return source->messages;
}

bool
source_begin(struct source *source, size_t index, struct why *why)
{
	if (source->mbox != NULL)
		return source_mbox_begin(source->mbox, index);
	source->fd = folder_mail_open(source->folder, index, NULL, why);
	return source->fd >= 0;
}

bool
source_read(struct source *source, char *bytes, size_t size, size_t *got,
    struct why *why)
{
	ssize_t n;

	if (source->mbox != NULL) {
		*got = source_mbox_read(source->mbox, bytes, size);
		return true;
	}
	do
		n = read(source->fd, bytes, size);
	while (n < 0 && errno == EINTR);
	*got = n > 0 ? (size_t)n : 0;
	return n >= 0 || why_errno(why, "cannot read the message");
}

void
source_end(struct source *source)
{
	if (source->fd >= 0)
		close(source->fd);
	source->fd = -1;
}

size_t
source_remove(struct source *source, struct why *why)
{
	size_t failed = 0;

	if (source->mbox != NULL)
		return source_mbox_remove(source->mbox, why);
	for (size_t i = 0; i < source->count; i++) {
		if (!source->messages[i].is_deleted)
			continue;
		if (!folder_expunge(source->folder, i, why))
			failed++;
		fault_point("V1");
	}
	return failed;
}
