/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "pop3d/source_mbox.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/alloc.h"
#include "common/buf.h"
#include "common/crc32c.h"
#include "common/fault.h"
#include "common/fsutil.h"
#include "common/mailbox/mbox.h"
#include "common/mailbox/nametable.h"

struct source_mbox {
	char *path;
	struct buf text;
	struct pop3_message *messages;
	struct slice *bodies; /* header and body of each */
	size_t *starts;       /* of its From_ line in text; one more: end */
	size_t count, room;
	struct slice reading;
};

static uint64_t
wire_size(struct slice message)
{
	uint64_t size = message.len;

	for (size_t i = 0; i < message.len; i++)
		if (message.ptr[i] == '\n' &&
		    (i == 0 || message.ptr[i - 1] != '\r'))
			size++;
	return size;
}

static void
make_uidl(struct source_mbox *mbox, struct nametable *seen, size_t index)
{
	struct pop3_message *message = &mbox->messages[index];
	struct slice body = mbox->bodies[index];
	uint32_t first = crc32c(0, body.ptr, body.len);
	uint32_t second = crc32c(first ^ 0x5a5a5a5aU, body.ptr, body.len);

	for (unsigned int equal = 0;; equal++) {
		snprintf(message->uidl, sizeof(message->uidl), "%08x%08x%s%.0u",
		    first, second, equal > 0 ? "." : "", equal);
		if (nametable_get(seen, slice_of(message->uidl)) == NULL)
			break;
	}
	nametable_set(seen, slice_of(message->uidl), message);
}

static void
add_message(struct source_mbox *mbox, size_t start, struct slice body)
{
	if (mbox->count + 1 >= mbox->room) {
		mbox->room = mbox->room == 0 ? 64 : mbox->room * 2;
		mbox->bodies = alloc_resize(
		    mbox->bodies, mbox->room, sizeof(*mbox->bodies));
		mbox->starts = alloc_resize(
		    mbox->starts, mbox->room, sizeof(*mbox->starts));
	}
	mbox->bodies[mbox->count] = body;
	mbox->starts[mbox->count] = start;
	mbox->count++;
}

static void
index_messages(struct source_mbox *mbox)
{
	struct slice all = buf_slice(&mbox->text), rest = all;
	struct slice from_line, body;
	struct nametable seen = { 0 };

	while (mbox_next(&rest, &from_line, &body))
		add_message(mbox, (size_t)(from_line.ptr - all.ptr), body);
	mbox->messages = alloc_zero(mbox->count + 1, sizeof(*mbox->messages));
	for (size_t i = 0; i < mbox->count; i++) {
		mbox->messages[i].size = wire_size(mbox->bodies[i]);
		make_uidl(mbox, &seen, i);
	}
	if (mbox->count > 0)
		mbox->starts[mbox->count] = all.len;
	nametable_clear(&seen);
}

static bool
read_whole(struct source_mbox *source, struct why *why)
{
	struct mbox mbox;
	bool ok;

	if (access(source->path, F_OK) != 0 && errno == ENOENT)
		return true;
	if (!mbox_open(&mbox, source->path, why))
		return false;
	ok = fs_read_fd(mbox.fd, &source->text, why);
	mbox_close(&mbox);
	return ok;
}

struct source_mbox *
source_mbox_open(const char *path, struct why *why)
{
	struct source_mbox *mbox = alloc_zero(1, sizeof(*mbox));

	mbox->path = alloc_string(path);
	buf_init(&mbox->text, SOURCE_MBOX_SIZE);
	if (read_whole(mbox, why))
		index_messages(mbox);
	else
		source_mbox_close(&mbox);
	return mbox;
}

void
source_mbox_close(struct source_mbox **mbox)
{
	if (*mbox == NULL)
		return;
	alloc_release((*mbox)->path);
	alloc_release((*mbox)->messages);
	alloc_release((*mbox)->bodies);
	alloc_release((*mbox)->starts);
	buf_free(&(*mbox)->text);
	alloc_release(*mbox);
	*mbox = NULL;
}

struct pop3_message *
source_mbox_messages(struct source_mbox *mbox, size_t *count)
{
	*count = mbox->count;
	return mbox->messages;
}

bool
source_mbox_begin(struct source_mbox *mbox, size_t index)
{
	mbox->reading = mbox->bodies[index];
	return true;
}

size_t
source_mbox_read(struct source_mbox *mbox, char *bytes, size_t size)
{
	size_t n = mbox->reading.len < size ? mbox->reading.len : size;

	memcpy(bytes, mbox->reading.ptr, n);
	mbox->reading = slice_from(mbox->reading, n);
	return n;
}

/* What the file shall hold from the first removed message on. */
static bool
collect_kept(const struct source_mbox *source, size_t first,
    struct slice arrived, struct buf *kept)
{
	for (size_t i = first; i < source->count; i++)
		if (!source->messages[i].is_deleted)
			buf_add(kept,
			    slice_make(source->text.ptr + source->starts[i],
				source->starts[i + 1] - source->starts[i]));
	return buf_add(kept, arrived);
}

static bool
rewrite(struct mbox *mbox, size_t start, struct slice kept, struct why *why)
{
	int flags = fcntl(mbox->fd, F_GETFL);

	/* With O_APPEND Linux ignores the offset of pwrite. */
	if (flags < 0 || fcntl(mbox->fd, F_SETFL, flags & ~O_APPEND) != 0)
		return why_errno(why, "cannot write the mbox");
	if (!fs_write_at(mbox->fd, kept, (off_t)start, why))
		return false;
	if (ftruncate(mbox->fd, (off_t)(start + kept.len)) != 0 ||
	    fsync(mbox->fd) != 0)
		return why_errno(why, "cannot shorten the mbox");
	fault_point("V2");
	return true;
}

static bool
remove_from(struct source_mbox *source, size_t first, struct why *why)
{
	struct slice snapshot = buf_slice(&source->text), arrived;
	struct buf now, kept;
	struct mbox mbox;
	bool ok;

	if (!mbox_open(&mbox, source->path, why))
		return false;
	buf_init(&now, SOURCE_MBOX_SIZE);
	buf_init(&kept, SOURCE_MBOX_SIZE);
	ok = fs_read_fd(mbox.fd, &now, why);
	if (ok && !slice_starts(buf_slice(&now), snapshot))
		ok = why_set(why, "the mbox was changed by another program");
	arrived = slice_from(buf_slice(&now), snapshot.len);
	ok = ok && collect_kept(source, first, arrived, &kept) &&
	     rewrite(&mbox, source->starts[first], buf_slice(&kept), why);
	buf_free(&kept);
	buf_free(&now);
	mbox_close(&mbox);
	return ok;
}

size_t
source_mbox_remove(struct source_mbox *source, struct why *why)
{
	size_t first = source->count, marked = 0;

	for (size_t i = source->count; i > 0; i--) {
		if (!source->messages[i - 1].is_deleted)
			continue;
		first = i - 1;
		marked++;
	}
	if (marked == 0 || remove_from(source, first, why))
		return 0;
	return marked;
}
