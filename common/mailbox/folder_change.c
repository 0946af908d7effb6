/* SPDX-License-Identifier: ISC */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/fault.h"
#include "common/fsutil.h"
#include "common/io.h"
#include "common/log.h"
#include "common/mailbox/folder.h"
#include "common/mailbox/scan.h"

#define LOCATE_ATTEMPTS 3
#define MEASURE_SIZE    8192

static struct folder_slot *
folder_slot_at(struct folder *folder, size_t index)
{
	BUG_UNLESS(index < folder->count);
	return folder->slots[index];
}

static bool
folder_may_change(const struct folder *folder, struct why *why)
{
	return !folder->is_read_only ||
	       why_set(why, "the folder is open read-only");
}

bool
folder_path(const struct folder_slot *slot, char path[FOLDER_NAME_SIZE])
{
	int n = snprintf(path, FOLDER_NAME_SIZE, "%s/%s",
	    slot->is_in_new ? "new" : "cur", slot->file);

	return n > 0 && n < FOLDER_NAME_SIZE;
}

bool
folder_locate(struct folder *folder, struct folder_slot *slot, struct why *why)
{
	struct scan_file *file;
	struct scan scan;
	bool ok;

	scan_init(&scan);
	ok = scan_new(&scan, folder->fd, false, why) &&
	     scan_cur(&scan, folder->fd, why);
	file = ok ? scan_find(&scan, slot->mail.base) : NULL;
	if (file != NULL)
		folder_slot_rename(slot, slice_of(file->file), file->is_in_new);
	if (ok && file == NULL) {
		slot->mail.is_expunged = true;
		ok = why_set(why, "the message was expunged by another "
				  "session");
	}
	scan_clear(&scan);
	return ok;
}

/* Base, and the letters of the file that the name has now. */
static bool
slot_format_name(const struct folder_slot *slot, uint32_t flags,
    uint32_t keywords, struct buf *out)
{
	struct maildir_name name;

	maildir_name_parse(slice_of(slot->file), &name);
	name.flags = flags & ~(uint32_t)MAIL_RECENT;
	name.keywords = keywords;
	buf_add(out, S("cur/"));
	return maildir_name_format(out, &name);
}

/* One rename. errno is ENOENT when somebody else changed the name. */
static bool
folder_try_flags(struct folder *folder, struct folder_slot *slot,
    uint32_t flags, uint32_t keywords)
{
	char from[FOLDER_NAME_SIZE];
	struct buf to;
	bool ok;

	buf_init(&to, FOLDER_NAME_SIZE - 1);
	errno = ENAMETOOLONG;
	ok = folder_path(slot, from) &&
	     slot_format_name(slot, flags, keywords, &to);
	if (ok && strcmp(from, buf_string(&to)) != 0)
		ok = renameat(folder->fd, from, folder->fd, buf_string(&to)) ==
		     0;
	if (ok)
		folder_slot_rename(slot, slice_from(buf_slice(&to), 4), false);
	buf_free(&to);
	return ok;
}

bool
folder_set_flags(struct folder *folder, size_t index, uint32_t flags,
    uint32_t keywords, struct why *why)
{
	struct folder_slot *slot = folder_slot_at(folder, index);

	if (!folder_may_change(folder, why))
		return false;
	for (int i = 0; i < LOCATE_ATTEMPTS; i++) {
		if (folder_try_flags(folder, slot, flags, keywords)) {
			fault_point("M4");
			slot->mail.flags = (flags & ~(uint32_t)MAIL_RECENT) |
					   (slot->mail.flags & MAIL_RECENT);
			slot->mail.keywords = keywords;
			return true;
		}
		if (errno != ENOENT)
			return why_errno(why, "cannot set flags");
		if (!folder_locate(folder, slot, why))
			return false;
	}
	return why_set(why, "the message is being changed by others");
}

bool
folder_expunge(struct folder *folder, size_t index, struct why *why)
{
	struct folder_slot *slot = folder_slot_at(folder, index);
	char path[FOLDER_NAME_SIZE];

	if (!folder_may_change(folder, why))
		return false;
	for (int i = 0; i < LOCATE_ATTEMPTS; i++) {
		if (slot->mail.is_expunged)
			return true;
		if (folder_path(slot, path) &&
		    unlinkat(folder->fd, path, 0) == 0) {
			fault_point("M5");
			slot->mail.is_expunged = true;
			return true;
		}
		if (errno != ENOENT)
			return why_errno(why, "cannot expunge");
		if (!folder_locate(folder, slot, why))
			return slot->mail.is_expunged;
	}
	return why_set(why, "the message is being changed by others");
}

static void
slot_take_status(struct folder_slot *slot, const struct stat *status)
{
	uint64_t size = (uint64_t)status->st_size;

	if (slot->mail.size != UINT64_MAX && slot->mail.size != size) {
		log_warning("%s: its length is %llu, not its S=", slot->file,
		    (unsigned long long)size);
		slot->mail.wire_size = UINT64_MAX;
	}
	slot->mail.size = size;
}

static int
folder_slot_open(
    struct folder *folder, struct folder_slot *slot, struct why *why)
{
	char path[FOLDER_NAME_SIZE];
	int fd = -1;

	for (int i = 0; fd < 0 && i < LOCATE_ATTEMPTS; i++) {
		if (slot->mail.is_expunged || !folder_path(slot, path)) {
			why_set(why, "the message was expunged");
			return -1;
		}
		fd = openat(folder->fd, path,
		    O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
		if (fd < 0 && errno != ENOENT) {
			why_errno(why, "cannot open the message");
			return -1;
		}
		if (fd < 0 && !folder_locate(folder, slot, why))
			return -1;
	}
	if (fd < 0)
		why_set(why, "the message is being changed by others");
	return fd;
}

int
folder_mail_open(
    struct folder *folder, size_t index, time_t *mtime, struct why *why)
{
	struct folder_slot *slot = folder_slot_at(folder, index);
	int fd = folder_slot_open(folder, slot, why);
	struct stat status;

	if (fd < 0)
		return -1;
	if (fstat(fd, &status) != 0 || !S_ISREG(status.st_mode)) {
		why_set(why, "the message is no plain file");
		close(fd);
		return -1;
	}
	slot_take_status(slot, &status);
	if (mtime != NULL)
		*mtime = status.st_mtim.tv_sec;
	return fd;
}

/* One byte more for each LF that has no CR in front of it. */
static bool
wire_size_of(int fd, uint64_t *wire_size)
{
	char bytes[MEASURE_SIZE], last = '\0';
	ssize_t n;

	*wire_size = 0;
	for (;;) {
		n = read(fd, bytes, sizeof(bytes));
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n == 0;
		*wire_size += (uint64_t)n;
		for (ssize_t i = 0; i < n; i++) {
			if (bytes[i] == '\n' && last != '\r')
				++*wire_size;
			last = bytes[i];
		}
	}
}

bool
folder_measure(struct folder *folder, size_t index, struct why *why)
{
	struct mail *mail = folder_mail(folder, index);
	uint64_t wire_size;
	bool ok;
	int fd;

	if (mail->size != UINT64_MAX && mail->wire_size != UINT64_MAX)
		return true;
	fd = folder_mail_open(folder, index, NULL, why);
	if (fd < 0)
		return false;
	ok = wire_size_of(fd, &wire_size) ||
	     why_errno(why, "cannot read the message");
	if (ok)
		mail->wire_size = wire_size;
	close(fd);
	return ok;
}

static int
folder_keyword_make(struct folder *folder, struct slice name)
{
	struct keywords *keywords = &folder->keywords;
	struct why why = { 0 };
	int number = FOLDER_KEYWORD_UNSAVED;

	if (folder->is_read_only)
		return -1;
	if (!uidlist_lock(folder->fd, &why))
		return number;
	if (keywords_read(keywords, folder->fd, &why)) {
		number = keywords_find(keywords, name);
		if (number < 0) {
			number = keywords_add(keywords, name);
			if (number >= 0 &&
			    !keywords_write(keywords, folder->fd, &why)) {
				log_warning("%s", why.text);
				keywords_remove(keywords, number);
				number = FOLDER_KEYWORD_UNSAVED;
			}
		}
	}
	uidlist_unlock(folder->fd);
	return number;
}

int
folder_keyword_find(struct folder *folder, struct slice name, bool may_create)
{
	int number = keywords_find(&folder->keywords, name);

	if (number >= 0 || !may_create)
		return number;
	return folder_keyword_make(folder, name);
}
