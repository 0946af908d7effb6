/* SPDX-License-Identifier: ISC */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/alloc.h"
#include "common/fault.h"
#include "common/fsutil.h"
#include "common/log.h"
#include "common/mailbox/keywords.h"
#include "common/mailbox/mailbox.h"
#include "common/mailbox/maildir.h"
#include "common/mailbox/store.h"
#include "common/mailbox/uidlist.h"
#include "common/mailbox/uidvalidity.h"

#define APPEND_NAME_SIZE 400
#define COUNT_SIZE       8192

struct appender {
	int root_fd; /* not ours to close */
	int dirfd;   /* the folder */
	int fd;      /* the file in tmp/ */
	char base[APPEND_NAME_SIZE];
	bool is_in_tmp;
};

static void
appender_tmp_path(const struct appender *appender, char path[APPEND_NAME_SIZE])
{
	snprintf(path, APPEND_NAME_SIZE, "tmp/%.*s", APPEND_NAME_SIZE - 5,
	    appender->base);
}

static bool
appender_make_file(struct appender *appender, struct why *why)
{
	char path[APPEND_NAME_SIZE];
	struct buf base;

	buf_init(&base, APPEND_NAME_SIZE / 2);
	maildir_unique_base(&base);
	(void)slice_to_array(
	    buf_slice(&base), appender->base, sizeof(appender->base));
	buf_free(&base);
	appender_tmp_path(appender, path);
	appender->fd = openat(
	    appender->dirfd, path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (appender->fd < 0)
		return why_errno(why, "cannot make a file in tmp");
	appender->is_in_tmp = true;
	return true;
}

struct appender *
appender_open(struct mailbox *mailbox, struct slice name, struct why *why)
{
	char path[STORE_PATH_SIZE];
	struct appender *appender;

	if (!store_path(mailbox, name, path, why))
		return NULL;
	appender = alloc_zero(1, sizeof(*appender));
	appender->root_fd = mailbox->fd;
	appender->fd = -1;
	appender->dirfd =
	    openat(mailbox->fd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (appender->dirfd < 0) {
		if (errno == ENOENT)
			store_refuse(
			    why, "NONEXISTENT", "there is no such folder");
		else
			why_errno(why, "cannot open the folder");
		appender_close(&appender);
	} else if (!appender_make_file(appender, why)) {
		appender_close(&appender);
	}
	return appender;
}

void
appender_close(struct appender **appender)
{
	char path[APPEND_NAME_SIZE];

	if (*appender == NULL)
		return;
	if ((*appender)->is_in_tmp) {
		appender_tmp_path(*appender, path);
		(void)unlinkat((*appender)->dirfd, path, 0);
	}
	if ((*appender)->fd >= 0)
		close((*appender)->fd);
	if ((*appender)->dirfd >= 0)
		close((*appender)->dirfd);
	alloc_release(*appender);
	*appender = NULL;
}

bool
appender_write(struct appender *appender, struct slice bytes, struct why *why)
{
	return fs_write_all(appender->fd, bytes, why);
}

int
appender_descriptor(struct appender *appender)
{
	return appender->fd;
}

/* Size on disk and with CRLF, read back: it may have been copied in. */
static bool
appender_sizes(struct appender *appender, uint64_t *size, uint64_t *wire)
{
	char bytes[COUNT_SIZE], last = '\0';
	ssize_t n;

	*size = *wire = 0;
	while (
	    (n = pread(appender->fd, bytes, sizeof(bytes), (off_t)*size)) > 0) {
		*size += (uint64_t)n;
		*wire += (uint64_t)n;
		for (ssize_t i = 0; i < n; i++) {
			if (bytes[i] == '\n' && last != '\r')
				++*wire;
			last = bytes[i];
		}
	}
	return n == 0;
}

/* Numbers of the keyword names, made where they are new; those for which
 * there is no room, or that cannot be saved, are left out. Under the uidlist
 * lock. */
static uint32_t
appender_keywords(struct appender *appender, const struct append_facts *facts)
{
	struct keywords keywords = { 0 };
	struct why why = { 0 };
	bool is_changed = false;
	uint32_t bits = 0, fresh = 0;
	int number;

	if (facts->keyword_count == 0 ||
	    !keywords_read(&keywords, appender->dirfd, &why))
		return 0;
	for (size_t i = 0; i < facts->keyword_count; i++) {
		number = keywords_find(&keywords, facts->keyword_names[i]);
		if (number < 0) {
			number =
			    keywords_add(&keywords, facts->keyword_names[i]);
			is_changed = is_changed || number >= 0;
			if (number >= 0)
				fresh |= (uint32_t)1 << number;
		}
		if (number >= 0)
			bits |= (uint32_t)1 << number;
	}
	if (is_changed && !keywords_write(&keywords, appender->dirfd, &why)) {
		log_warning("%s", why.text);
		bits &= ~fresh;
	}
	keywords_clear(&keywords);
	return bits;
}

/* [M2]. With flags the file goes to cur/, without to new/,
 * where a session finds it as recent. */
static bool
appender_enter(struct appender *appender, const struct append_facts *facts,
    struct why *why)
{
	struct maildir_name name = { .base = slice_of(appender->base),
		.flags = facts->flags & ~(uint32_t)MAIL_RECENT };
	char from[APPEND_NAME_SIZE];
	struct buf to;
	bool ok;

	name.keywords = appender_keywords(appender, facts);
	appender_tmp_path(appender, from);
	buf_init(&to, APPEND_NAME_SIZE);
	if (name.flags != 0 || name.keywords != 0) {
		buf_add(&to, S("cur/"));
		maildir_name_format(&to, &name);
	} else {
		buf_add(&to, S("new/"));
		buf_add(&to, name.base);
	}
	ok = renameat(appender->dirfd, from, appender->dirfd,
		 buf_string(&to)) == 0 ||
	     why_errno(why, "cannot move the message into place");
	fault_point("M2");
	appender->is_in_tmp = !ok;
	buf_free(&to);
	return ok;
}

/* The UID first: a line for a file that never came is harmless, a file
 * whose APPEND was refused is not. */
static bool
appender_enter_locked(struct appender *appender,
    const struct append_facts *facts, uint32_t *uidvalidity, uint32_t *uid,
    struct why *why)
{
	struct uidlist uids;
	size_t first;
	bool ok;

	uidlist_init(&uids);
	ok = uidlist_read(&uids, appender->dirfd, why);
	if (ok && uids.uidvalidity == 0)
		uids.uidvalidity = uidvalidity_next(appender->root_fd);
	first = uids.count;
	if (ok && uidlist_assign(&uids, slice_of(appender->base)) == NULL)
		ok = why_set(why, "the UIDs of this folder are used up");
	ok = ok && uidlist_save(&uids, appender->dirfd, first, why) &&
	     appender_enter(appender, facts, why);
	*uidvalidity = uids.uidvalidity;
	*uid = ok ? uids.entries[uids.count - 1]->uid : 0;
	uidlist_clear(&uids);
	return ok;
}

static bool
appender_sync_parts(struct appender *appender)
{
	static const char *const parts[] = { "new", "cur" };
	bool ok = true;
	int fd;

	for (size_t i = 0; i < 2; i++) {
		fd = openat(appender->dirfd, parts[i],
		    O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		ok = ok && fd >= 0 && fs_sync_directory(fd);
		if (fd >= 0)
			close(fd);
	}
	return ok;
}

/* The name that says the sizes, the time, and [M1]. */
static bool
appender_finish_file(
    struct appender *appender, time_t internal_date, struct why *why)
{
	const struct timespec times[2] = { { .tv_sec = internal_date },
		{ .tv_sec = internal_date } };
	char from[APPEND_NAME_SIZE], to[APPEND_NAME_SIZE];
	uint64_t size, wire;
	size_t length = strlen(appender->base);

	if (!appender_sizes(appender, &size, &wire))
		return why_errno(why, "cannot read the message back");
	appender_tmp_path(appender, from);
	snprintf(appender->base + length, sizeof(appender->base) - length,
	    ",S=%llu,W=%llu", (unsigned long long)size,
	    (unsigned long long)wire);
	appender_tmp_path(appender, to);
	if (renameat(appender->dirfd, from, appender->dirfd, to) != 0) {
		appender->base[length] = '\0';
		return why_errno(why, "cannot name the message");
	}
	if (internal_date != 0 && futimens(appender->fd, times) != 0)
		return why_errno(why, "cannot set the date");
	if (fsync(appender->fd) != 0)
		return why_errno(why, "cannot sync the message");
	fault_point("M1");
	return true;
}

bool
appender_commit(struct appender *appender, const struct append_facts *facts,
    uint32_t *uidvalidity, uint32_t *uid, struct why *why)
{
	bool ok;

	*uidvalidity = *uid = 0;
	if (!appender_finish_file(appender, facts->internal_date, why) ||
	    !uidlist_lock(appender->dirfd, why))
		return false;
	ok = appender_enter_locked(appender, facts, uidvalidity, uid, why);
	uidlist_unlock(appender->dirfd);
	if (!ok)
		return false;
	if (!appender_sync_parts(appender))
		return why_errno(why, "cannot sync the folder");
	fault_point("M3");
	return true;
}
