/* SPDX-License-Identifier: ISC */
#include "config.h"

#include <string.h>
#include <time.h>
#include <unistd.h>

#include "common/header.h"
#include "common/log.h"
#include "common/mailbox/mbox.h"
#include "common/spoolfile.h"

#include "deliver/deliver.h"

#define HEADER_START 8192

static bool
write_mbox(void *context, struct slice bytes, struct why *why)
{
	return mbox_write(context, bytes, why);
}

/* Is what was found a whole copy? A torn one at the end of the file is taken
 * away. Mail readers add fields to a message, so a longer one is whole. */
static bool
is_whole(const struct delivery *delivery, struct mbox *mbox,
    const struct mbox_found *found)
{
	struct mbox compare;

	mbox_compare_begin(&compare, mbox, found->message);
	(void)delivery_copy(delivery, write_mbox, &compare, NULL);
	mbox_compare_end(&compare);
	if (compare.differs)
		return !found->has_zeros && found->end >= compare.size;
	if (!compare.is_torn)
		return true;
	log_warning("%s: its copy in the mbox was torn, delivered again",
	    delivery->job->id);
	if (found->is_last)
		mbox_cut(mbox, found->start);
	return false;
}

/* After an unclean stop: our Received field with this id, and Delivered-To
 * of this recipient, in one header near the end of the file. */
static bool
was_delivered(const struct delivery *delivery, struct mbox *mbox)
{
	struct slice needles[2];
	struct mbox_found at;
	struct buf id, to;
	bool found;

	if ((delivery->job->flags & JOB_RETRY) == 0)
		return false;
	buf_init(&id, 64);
	buf_init(&to, 1024);
	buf_add_format(&id, " id %s", delivery->job->id);
	buf_add(&to, S("Delivered-To: "));
	buf_add(&to, delivery->recipient->address);
	buf_add_char(&to, '\n');
	needles[0] = buf_slice(&id);
	needles[1] = buf_slice(&to);
	found = mbox_find(mbox, needles, 2, &at);
	buf_free(&id);
	buf_free(&to);
	if (found || at.end > at.message)
		found = is_whole(delivery, mbox, &at) && found;
	mbox_drop_zeros(mbox);
	return found;
}

/* "id" of a Received field with " by HOSTNAME " in it. */
static bool
id_of_field(struct slice body, const char *hostname, char id[SPOOL_ID_SIZE])
{
	struct slice word, before = S("");
	bool is_ours = false;

	while (slice_token(&body, S(" \t\r\n;"), &word)) {
		if (slice_eq(before, S("by")))
			is_ours = slice_eq_nocase(word, slice_of(hostname));
		else if (is_ours && slice_eq(before, S("id")) &&
			 spool_id_is_valid(word))
			return slice_to_array(word, id, SPOOL_ID_SIZE);
		before = word;
	}
	return false;
}

/* The id by which this host had the last message in its queue. */
static bool
id_of_last(
    const struct delivery *delivery, struct mbox *mbox, char id[SPOOL_ID_SIZE])
{
	const char *hostname = delivery->agent->settings->hostname;
	struct header_field field;
	struct mbox_found last;
	char start[HEADER_START];
	ssize_t n;

	(void)mbox_find(mbox, NULL, 0, &last);
	n = pread(mbox->fd, start, sizeof(start), last.message);
	return last.end > last.message && n > 0 &&
	       header_find(
		   slice_make(start, (size_t)n), S("Received"), &field) &&
	       id_of_field(field.body, hostname, id);
}

/* A power cut may have torn the last message: its own delivery, which is to
 * come again then, has to find it last (JOB_CAREFUL). */
static bool
must_wait(struct delivery *delivery, struct mbox *mbox, struct why *why)
{
	char id[SPOOL_ID_SIZE];

	if ((delivery->job->flags & JOB_CAREFUL) == 0 ||
	    !id_of_last(delivery, mbox, id) ||
	    strcmp(id, delivery->job->id) == 0)
		return false;
	delivery->verdict.flags |= VERDICT_BEHIND;
	why_set(why, "%s", id);
	return true;
}

bool
delivery_to_mbox(struct delivery *delivery, const char *path, struct why *why)
{
	struct mbox mbox;
	bool ok;

	if (!mbox_open(&mbox, path, why))
		return false;
	ok = was_delivered(delivery, &mbox);
	if (!ok && !must_wait(delivery, &mbox, why)) {
		ok =
		    mbox_begin(&mbox, delivery->job->sender, time(NULL), why) &&
		    delivery_copy(delivery, write_mbox, &mbox, why) &&
		    mbox_end(&mbox, why);
		if (!ok)
			mbox_undo(&mbox);
	}
	mbox_close(&mbox);
	return ok;
}
