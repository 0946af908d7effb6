/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "common/mailbox/mbox.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/date.h"
#include "common/fault.h"
#include "common/fsutil.h"
#include "common/io.h"
#include "common/log.h"

#define OUT_SIZE    65536
#define FROM_LENGTH 5 /* "From " */
#define SEARCH_SIZE (1024 * 1024)
#define PIECE_SIZE  8192

static bool
mbox_lock(struct mbox *mbox, const char *path, struct why *why)
{
	int64_t deadline = io_deadline(MBOX_LOCK_WAIT);

	if (!fs_lock(mbox->fd, true, deadline))
		return why_set(why, "%s is locked by another program", path);
	snprintf(mbox->lock, sizeof(mbox->lock), "%.1024s.lock", path);
	mbox->has_dotlock = dotlock_take(AT_FDCWD, mbox->lock, deadline, why);
	if (mbox->has_dotlock)
		return true;
	/* In a spool directory that we may not write to, fcntl it is. */
	return why->error == EACCES || why->error == EPERM ||
	       why->error == EROFS;
}

bool
mbox_open(struct mbox *mbox, const char *path, struct why *why)
{
	struct stat status;

	memset(mbox, 0, sizeof(*mbox));
	buf_init(&mbox->out, OUT_SIZE);
	buf_init(&mbox->line, FROM_LENGTH);
	mbox->fd = open(
	    path, O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC | O_NONBLOCK, 0600);
	if (mbox->fd < 0)
		return why_errno(why, "cannot open %s", path);
	if (fstat(mbox->fd, &status) != 0 || !S_ISREG(status.st_mode)) {
		why_set(why, "%s is no plain file", path);
		mbox_close(mbox);
		return false;
	}
	if (!mbox_lock(mbox, path, why) || fstat(mbox->fd, &status) != 0) {
		mbox_close(mbox);
		return false;
	}
	mbox->size = status.st_size;
	return true;
}

void
mbox_close(struct mbox *mbox)
{
	if (mbox->has_dotlock)
		dotlock_release(AT_FDCWD, mbox->lock);
	buf_free(&mbox->out);
	buf_free(&mbox->line);
	if (mbox->fd >= 0)
		close(mbox->fd);
	mbox->fd = -1;
	mbox->has_dotlock = false;
}

static bool
mbox_flush(struct mbox *mbox, struct why *why)
{
	bool ok = fs_write_all(mbox->fd, buf_slice(&mbox->out), why);

	buf_clear(&mbox->out);
	return ok;
}

/* Bytes that were never written read as zeros, or the file ends. */
static void
mbox_compare_piece(struct mbox *mbox, const char *there, struct slice piece)
{
	if (memcmp(there, piece.ptr, piece.len) == 0)
		return;
	mbox->is_torn = true;
	for (size_t i = 0; i < piece.len; i++)
		if (there[i] != piece.ptr[i] && there[i] != '\0')
			mbox->differs = true;
}

/* What would be written against what is there. */
static void
mbox_compare(struct mbox *mbox, struct slice bytes)
{
	char there[PIECE_SIZE];
	struct slice piece;

	while (bytes.len > 0) {
		piece = slice_first(bytes, sizeof(there));
		memset(there, 0, piece.len);
		if (!mbox->differs) {
			if (pread(mbox->fd, there, piece.len, mbox->size) < 0)
				mbox->differs = true;
			mbox_compare_piece(mbox, there, piece);
		}
		mbox->size += (off_t)piece.len;
		bytes = slice_from(bytes, piece.len);
	}
}

static bool
mbox_put(struct mbox *mbox, struct slice bytes, struct why *why)
{
	if (mbox->is_comparing) {
		mbox_compare(mbox, bytes);
		return true;
	}
	if (mbox->out.len + bytes.len > OUT_SIZE && !mbox_flush(mbox, why))
		return false;
	if (bytes.len > OUT_SIZE)
		return fs_write_all(mbox->fd, bytes, why);
	return buf_add(&mbox->out, bytes);
}

/* An empty line must part messages; foreign ones may end without. */
static bool
mbox_part(struct mbox *mbox, struct why *why)
{
	char tail[2];

	if (mbox->size == 0)
		return true;
	if (mbox->size == 1 || pread(mbox->fd, tail, 2, mbox->size - 2) != 2)
		return mbox_put(mbox, S("\n\n"), why);
	if (tail[1] != '\n')
		return mbox_put(mbox, S("\n\n"), why);
	return tail[0] == '\n' || mbox_put(mbox, S("\n"), why);
}

bool
mbox_begin(struct mbox *mbox, struct slice sender, time_t when, struct why *why)
{
	char date[DATE_TEXT_SIZE];
	struct buf line;
	bool ok;

	if (sender.len == 0)
		sender = S("MAILER-DAEMON");
	buf_init(&line, 2048);
	buf_add(&line, S("From "));
	for (size_t i = 0; i < sender.len && i < 1024; i++)
		buf_add_char(&line, sender.ptr[i] > ' ' && sender.ptr[i] != 0x7f
					? sender.ptr[i]
					: '-');
	buf_add_char(&line, ' ');
	buf_add_string(&line, date_format_mbox(when, date));
	buf_add_char(&line, '\n');
	mbox->is_at_line_start = true;
	mbox->is_after_cr = false;
	ok = mbox_part(mbox, why) && mbox_put(mbox, buf_slice(&line), why);
	buf_free(&line);
	return ok;
}

/* The start of a line is held back until it is clear that it is no "From ". */
static bool
mbox_release_line(struct mbox *mbox, struct why *why)
{
	struct slice held = buf_slice(&mbox->line);
	bool ok = true;

	if (slice_eq(held, S("From ")))
		ok = mbox_put(mbox, S(">"), why);
	ok = ok && mbox_put(mbox, held, why);
	buf_clear(&mbox->line);
	mbox->is_at_line_start = false;
	return ok;
}

/* A CR that no LF follows is a byte of the line. */
static bool
mbox_write_cr(struct mbox *mbox, struct why *why)
{
	if (mbox->line.len > 0 && !mbox_release_line(mbox, why))
		return false;
	mbox->is_at_line_start = false;
	return mbox_put(mbox, S("\r"), why);
}

static bool
mbox_write_byte(struct mbox *mbox, char c, struct why *why)
{
	bool was_cr = mbox->is_after_cr;

	mbox->is_after_cr = false;
	if (c == '\n') {
		mbox->is_at_line_start = false;
		if (mbox->line.len > 0 && !mbox_release_line(mbox, why))
			return false;
		mbox->is_at_line_start = true;
		return mbox_put(mbox, S("\n"), why);
	}
	if (was_cr && !mbox_write_cr(mbox, why))
		return false;
	if (c == '\r') {
		mbox->is_after_cr = true;
		return true;
	}
	if (!mbox->is_at_line_start)
		return mbox_put(mbox, slice_make(&c, 1), why);
	buf_add_char(&mbox->line, c);
	if (slice_starts(S("From "), buf_slice(&mbox->line)) &&
	    mbox->line.len < FROM_LENGTH)
		return true;
	return mbox_release_line(mbox, why);
}

bool
mbox_write(struct mbox *mbox, struct slice bytes, struct why *why)
{
	while (bytes.len > 0) {
		size_t run = 0;

		if (!mbox->is_at_line_start && !mbox->is_after_cr) {
			run = slice_index(bytes, '\r');
			run = slice_index(slice_first(bytes, run), '\n');
		}
		if (run > 0) {
			if (!mbox_put(mbox, slice_first(bytes, run), why))
				return false;
			bytes = slice_from(bytes, run);
			continue;
		}
		if (!mbox_write_byte(mbox, bytes.ptr[0], why))
			return false;
		bytes = slice_from(bytes, 1);
	}
	return true;
}

bool
mbox_end(struct mbox *mbox, struct why *why)
{
	bool ok = true;

	if (mbox->is_after_cr)
		ok = mbox_write_byte(mbox, '\n', why);
	else if (!mbox->is_at_line_start || mbox->line.len > 0)
		ok = mbox_write_byte(mbox, '\n', why);
	ok = ok && mbox_put(mbox, S("\n"), why) && mbox_flush(mbox, why);
	if (ok && fsync(mbox->fd) != 0)
		ok = why_errno(why, "cannot sync the mbox");
	fault_point("B1");
	return ok;
}

void
mbox_undo(struct mbox *mbox)
{
	buf_clear(&mbox->out);
	buf_clear(&mbox->line);
	if (ftruncate(mbox->fd, mbox->size) != 0)
		log_error("mbox: cannot take a part of a message back");
}

bool
mbox_next(struct slice *rest, struct slice *from_line, struct slice *message)
{
	size_t end;

	if (!slice_starts(*rest, S("From "))) {
		end = slice_find(*rest, S("\nFrom "));
		if (end == rest->len)
			return false;
		*rest = slice_from(*rest, end + 1);
	}
	end = slice_index(*rest, '\n');
	*from_line = slice_first(*rest, end);
	*rest = slice_from(*rest, end + 1);
	/* The empty header and body: the next From_ line follows at once. */
	if (slice_starts(*rest, S("\nFrom "))) {
		*message = slice_first(*rest, 0);
		*rest = slice_from(*rest, 1);
		return true;
	}
	end = slice_find(*rest, S("\n\nFrom "));
	*message = slice_first(*rest, end < rest->len ? end + 1 : end);
	*rest = slice_from(*rest, end < rest->len ? end + 2 : end);
	if (rest->len == 0 && slice_ends(*message, S("\n\n")))
		message->len--;
	return true;
}

static bool
header_has_all(struct slice message, const struct slice *needles, size_t count)
{
	struct slice header =
	    slice_first(message, slice_find(message, S("\n\n")));

	for (size_t i = 0; i < count; i++)
		if (slice_find(header, needles[i]) == header.len)
			return false;
	return true;
}

void
mbox_cut(struct mbox *mbox, off_t size)
{
	mbox->size = size;
	mbox_undo(mbox);
}

static void
set_found(struct mbox_found *found, off_t from_line, off_t message_start,
    struct slice message)
{
	found->start = from_line;
	found->message = message_start;
	found->end = message_start + (off_t)message.len;
	found->has_zeros = memchr(message.ptr, '\0', message.len) != NULL;
}

bool
mbox_find(struct mbox *mbox, const struct slice *needles, size_t count,
    struct mbox_found *found)
{
	off_t start = mbox->size > SEARCH_SIZE ? mbox->size - SEARCH_SIZE : 0;
	struct slice rest, from_line, message;
	struct buf tail;
	bool is_found = false;

	memset(found, 0, sizeof(*found));
	buf_init(&tail, SEARCH_SIZE + 65536);
	if (lseek(mbox->fd, start, SEEK_SET) >= 0 &&
	    fs_read_fd(mbox->fd, &tail, NULL)) {
		rest = buf_slice(&tail);
		while (!is_found && mbox_next(&rest, &from_line, &message)) {
			is_found = count > 0 &&
				   header_has_all(message, needles, count);
			set_found(found, start + (from_line.ptr - tail.ptr),
			    start + (message.ptr - tail.ptr), message);
		}
		found->is_last = rest.len == 0;
	}
	buf_free(&tail);
	return is_found;
}

void
mbox_drop_zeros(struct mbox *mbox)
{
	off_t size = mbox->size;
	char byte = '\0';

	while (size > 0 && pread(mbox->fd, &byte, 1, size - 1) == 1 &&
	       byte == '\0')
		size--;
	if (size == mbox->size)
		return;
	log_warning("mbox: %llu bytes torn by a power cut are taken away",
	    (unsigned long long)(mbox->size - size));
	mbox_cut(mbox, size);
}

void
mbox_compare_begin(struct mbox *compare, const struct mbox *mbox, off_t message)
{
	memset(compare, 0, sizeof(*compare));
	buf_init(&compare->line, FROM_LENGTH);
	compare->fd = mbox->fd;
	compare->size = message;
	compare->is_comparing = true;
	compare->is_at_line_start = true;
}

void
mbox_compare_end(struct mbox *compare)
{
	if (compare->is_after_cr || !compare->is_at_line_start ||
	    compare->line.len > 0)
		(void)mbox_write_byte(compare, '\n', NULL);
	buf_free(&compare->line);
}
