/* SPDX-License-Identifier: ISC */
#include "config.h"

#include <time.h>

#include "common/log.h"
#include "common/mailbox/mbox.h"

#include "deliver/deliver.h"

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

bool
delivery_to_mbox(struct delivery *delivery, const char *path, struct why *why)
{
	struct mbox mbox;
	bool ok;

	if (!mbox_open(&mbox, path, why))
		return false;
	ok = was_delivered(delivery, &mbox);
	if (!ok) {
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
