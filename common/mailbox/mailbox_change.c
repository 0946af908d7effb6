/* SPDX-License-Identifier: ISC */
#include "config.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/alloc.h"
#include "common/fsutil.h"
#include "common/mailbox/keywords.h"
#include "common/mailbox/mailbox.h"
#include "common/mailbox/maildir.h"
#include "common/mailbox/store.h"

#define TREE_DEPTH 4

/* Remove what is below fd, at most TREE_DEPTH directories deep. */
static bool
remove_below(int fd, int depth, struct why *why)
{
	DIR *directory = fdopendir(fd);
	struct dirent *entry;
	bool ok = true;
	int child;

	if (directory == NULL) {
		close(fd);
		return why_errno(why, "cannot list a folder");
	}
	while (ok && (entry = readdir(directory)) != NULL) {
		if (strcmp(entry->d_name, ".") == 0 ||
		    strcmp(entry->d_name, "..") == 0 ||
		    unlinkat(dirfd(directory), entry->d_name, 0) == 0)
			continue;
		child = openat(dirfd(directory), entry->d_name,
		    O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (child < 0 || depth == 0) {
			if (child >= 0)
				close(child);
			ok = why_errno(why, "cannot remove %s", entry->d_name);
			continue;
		}
		ok = remove_below(child, depth - 1, why);
		if (ok && unlinkat(dirfd(directory), entry->d_name,
			      AT_REMOVEDIR) != 0)
			ok = why_errno(why, "cannot remove %s", entry->d_name);
	}
	closedir(directory);
	return ok;
}

/* The folder leaves the view with one rename into the root's tmp/; what
 * stays there after a crash is no folder any more. */
bool
mailbox_delete(struct mailbox *mailbox, struct slice name, struct why *why)
{
	char path[STORE_PATH_SIZE], grave[STORE_PATH_SIZE];
	struct buf base;
	bool ok;
	int fd;

	if (store_is_inbox(name))
		return store_refuse(why, "CANNOT", "INBOX cannot be deleted");
	if (!store_path(mailbox, name, path, why))
		return false;
	buf_init(&base, 200);
	maildir_unique_base(&base);
	snprintf(grave, sizeof(grave), "tmp/deleted.%s", buf_string(&base));
	buf_free(&base);
	if (renameat(mailbox->fd, path, mailbox->fd, grave) != 0) {
		if (errno == ENOENT)
			return store_refuse(
			    why, "NONEXISTENT", "there is no such folder");
		return why_errno(why, "cannot delete the folder");
	}
	(void)fs_sync_directory(mailbox->fd);
	fd = openat(mailbox->fd, grave, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	ok = fd >= 0 && remove_below(fd, TREE_DEPTH, why) &&
	     unlinkat(mailbox->fd, grave, AT_REMOVEDIR) == 0;
	(void)ok;
	return true;
}

struct rename_work {
	struct mailbox *mailbox;
	const char *from, *to;
	struct why *why;
	char **names; /* children, collected first */
	size_t count, room;
};

static bool
collect_child(void *context, const char *directory)
{
	struct rename_work *work = context;
	size_t length = strlen(work->from);

	if (strncmp(directory, work->from, length) != 0 ||
	    directory[length] != '.')
		return true;
	if (work->count == work->room) {
		work->room = work->room == 0 ? 16 : work->room * 2;
		work->names =
		    alloc_resize(work->names, work->room, sizeof(char *));
	}
	work->names[work->count++] = alloc_string(directory);
	return true;
}

/* Rename what was collected when ok, and free it. */
static bool
rename_children(struct rename_work *work, bool ok)
{
	size_t length = strlen(work->from);
	char to[2 * STORE_PATH_SIZE];

	for (size_t i = 0; i < work->count; i++) {
		snprintf(
		    to, sizeof(to), "%s%s", work->to, work->names[i] + length);
		if (ok && strlen(to) > STORE_NAME_MAX)
			ok = store_refuse(work->why, "CANNOT",
			    "the new name of a child is too long");
		if (ok && renameat(work->mailbox->fd, work->names[i],
			      work->mailbox->fd, to) != 0)
			ok = why_errno(
			    work->why, "cannot rename %s", work->names[i]);
		alloc_release(work->names[i]);
	}
	alloc_release(work->names);
	if (ok)
		(void)fs_sync_directory(work->mailbox->fd);
	return ok;
}

static bool
is_below(const char *path, const char *parent)
{
	size_t length = strlen(parent);

	return strncmp(path, parent, length) == 0 && path[length] == '.';
}

/* ENOENT: a name that exists only as a parent may be renamed. */
static bool
rename_parent(struct rename_work *work)
{
	int fd = work->mailbox->fd;

	if (renameat(fd, work->from, fd, work->to) == 0)
		return true;
	if (errno != ENOENT)
		return why_errno(work->why, "cannot rename the folder");
	return work->count > 0 || store_refuse(work->why, "NONEXISTENT",
				      "there is no such folder");
}

static bool
move_files(int from, int to, struct why *why)
{
	DIR *directory = fdopendir(from);
	struct dirent *entry;
	bool ok = true;

	if (directory == NULL) {
		close(from);
		return why_errno(why, "cannot list a folder");
	}
	while (ok && (entry = readdir(directory)) != NULL)
		if (entry->d_name[0] != '.' &&
		    renameat(from, entry->d_name, to, entry->d_name) != 0 &&
		    errno != ENOENT)
			ok = why_errno(why, "cannot move a message");
	closedir(directory);
	return ok;
}

/* Move the files of new/ or cur/. */
static bool
move_messages(int from_fd, int to_fd, const char *part, struct why *why)
{
	int from = openat(from_fd, part, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int to = openat(to_fd, part, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	bool ok = from >= 0 && to >= 0;

	if (ok)
		ok = move_files(from, to, why);
	else
		why_errno(why, "cannot open %s", part);
	if (ok)
		(void)fs_sync_directory(to);
	if (to >= 0)
		close(to);
	return ok;
}

static bool
rename_inbox(struct mailbox *mailbox, const char *to, struct why *why)
{
	bool ok;
	int fd;

	if (!store_make(mailbox, to, why))
		return false;
	fd = openat(mailbox->fd, to, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return why_errno(why, "cannot open the folder");
	ok = linkat(mailbox->fd, KEYWORDS_FILE, fd, KEYWORDS_FILE, 0) == 0 ||
	     errno == ENOENT || why_errno(why, "cannot copy keywords");
	ok = ok && move_messages(mailbox->fd, fd, "new", why) &&
	     move_messages(mailbox->fd, fd, "cur", why);
	close(fd);
	return ok;
}

bool
mailbox_rename(struct mailbox *mailbox, struct slice from, struct slice to,
    struct why *why)
{
	char old[STORE_PATH_SIZE], new[STORE_PATH_SIZE];
	struct rename_work work = {
		.mailbox = mailbox, .from = old, .to = new, .why = why
	};
	bool ok;

	if (!store_path(mailbox, from, old, why) ||
	    !store_path(mailbox, to, new, why))
		return false;
	if (store_is_inbox(to) || store_path_exists(mailbox, new))
		return store_refuse(
		    why, "ALREADYEXISTS", "a folder of that name exists");
	if (store_is_inbox(from))
		return rename_inbox(mailbox, new, why);
	if (is_below(new, old))
		return store_refuse(
		    why, "CANNOT", "a folder cannot become its own child");
	ok = store_each(mailbox, collect_child, &work, why) &&
	     rename_parent(&work);
	return rename_children(&work, ok);
}
