/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "common/mailbox/scan.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "common/alloc.h"
#include "common/log.h"
#include "common/mailbox/maildir.h"

#define SCAN_MEMORY   ((size_t)1 << 30)
#define FILE_SIZE     300
#define FRESH_SECONDS 60 /* twice what the kernel lets a page be dirty */

void
scan_init(struct scan *scan)
{
	memset(scan, 0, sizeof(*scan));
	scan->arena = arena_new("scan", SCAN_MEMORY);
}

void
scan_clear(struct scan *scan)
{
	nametable_clear(&scan->by_base);
	alloc_release(scan->files);
	arena_free(&scan->arena);
	memset(scan, 0, sizeof(*scan));
}

struct scan_file *
scan_find(const struct scan *scan, struct slice base)
{
	return nametable_get(&scan->by_base, base);
}

static struct scan_file *
scan_push(struct scan *scan)
{
	struct scan_file *file = arena_alloc(scan->arena, sizeof(*file));

	if (file == NULL)
		alloc_exhausted("scan of a Maildir");
	if (scan->count == scan->room) {
		scan->room = scan->room == 0 ? 64 : scan->room * 2;
		scan->files = alloc_resize(
		    scan->files, scan->room, sizeof(struct scan_file *));
	}
	scan->files[scan->count++] = file;
	return file;
}

/* The same base again (it moved, or its flags changed while we read): the
 * name seen last is the one that holds. */
static struct scan_file *
scan_add(struct scan *scan, const char *name, bool is_in_new)
{
	struct slice base = slice_of(name);
	struct scan_file *file;

	base.len = slice_index(base, ':');
	file = scan_find(scan, base);
	if (file == NULL) {
		file = scan_push(scan);
		file->is_recent = is_in_new;
	}
	file->file = arena_dup(scan->arena, slice_of(name));
	if (file->file == NULL)
		alloc_exhausted("scan of a Maildir");
	file->base = slice_make(file->file, base.len);
	file->is_in_new = is_in_new;
	nametable_set(&scan->by_base, file->base, file);
	return file;
}

static bool
name_is_message(const char *name)
{
	return name[0] != '.' && name[0] != ':' &&
	       strpbrk(name, "\r\n") == NULL && strlen(name) < FILE_SIZE - 40;
}

static bool
scan_directory(struct scan *scan, int dirfd, bool is_new, struct why *why)
{
	const char *part = is_new ? "new" : "cur";
	int fd = openat(dirfd, part, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *directory = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *entry;
	bool ok;

	if (directory == NULL) {
		why_errno(why, "cannot open %s", part);
		if (fd >= 0)
			close(fd);
		return false;
	}
	for (;;) {
		errno = 0;
		entry = readdir(directory);
		if (entry == NULL)
			break;
		if (name_is_message(entry->d_name))
			scan_add(scan, entry->d_name, is_new);
	}
	ok = errno == 0 || why_errno(why, "cannot read %s", part);
	closedir(directory);
	return ok;
}

/* deliver syncs after the rename, for many files at once: a journal may keep
 * the length and not the bytes (ext4, XFS), and what was never written reads
 * as a hole. Of our own names only, which deliver puts right. */
static bool
file_has_hole(int fd, const struct stat *status)
{
#ifdef SEEK_HOLE
	return status->st_size > 0 && lseek(fd, 0, SEEK_HOLE) < status->st_size;
#else
	(void)fd;
	(void)status;
	return false;
#endif
}

/* Nobody looks for holes in cur/, so what goes there has to be stable; what
 * is older was synced long ago, by qmgr's order or by the kernel. */
static bool
file_is_stable(int fd, const struct stat *status)
{
	return status->st_mtime + FRESH_SECONDS < time(NULL) ||
	       fdatasync(fd) == 0;
}

static bool
file_is_torn(int dirfd, const char *path, struct slice base, bool may_move)
{
	struct maildir_name name;
	struct stat status;
	bool is_torn;
	int fd;

	maildir_name_parse(base, &name);
	if (name.size == UINT64_MAX || fstatat(dirfd, path, &status, 0) != 0)
		return false;
	if ((uint64_t)status.st_size != name.size)
		return true;
	if (slice_find(base, S(".Q")) == base.len)
		return false;
	fd =
	    openat(dirfd, path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0)
		return false;
	is_torn = file_has_hole(fd, &status) ||
		  (may_move && !file_is_stable(fd, &status));
	close(fd);
	return is_torn;
}

/* False: there is no such message for now. */
static bool
scan_settle(struct scan *scan, struct scan_file *file, int dirfd, bool may_move)
{
	char from[FILE_SIZE], to[FILE_SIZE];
	const char *suffix;

	snprintf(from, sizeof(from), "new/%s", file->file);
	if (file_is_torn(dirfd, from, file->base, may_move)) {
		log_warning("%s: torn by a power cut, not shown", from);
		return false;
	}
	if (!may_move)
		return true;
	suffix = file->file[file->base.len] == '\0' ? ":2," : "";
	snprintf(to, sizeof(to), "cur/%s%s", file->file, suffix);
	file->is_recent = renameat(dirfd, from, dirfd, to) == 0;
	if (file->is_recent || errno == ENOENT) {
		file->file = arena_dup(scan->arena, slice_of(to + 4));
		if (file->file == NULL)
			alloc_exhausted("scan of a Maildir");
		file->base.ptr = file->file;
		nametable_set(&scan->by_base, file->base, file);
		file->is_in_new = false;
	} else {
		file->is_recent = true;
	}
	return true;
}

bool
scan_new(struct scan *scan, int dirfd, bool may_move, struct why *why)
{
	size_t kept = 0;

	if (!scan_directory(scan, dirfd, true, why))
		return false;
	for (size_t i = 0; i < scan->count; i++) {
		struct scan_file *file = scan->files[i];

		if (scan_settle(scan, file, dirfd, may_move))
			scan->files[kept++] = file;
		else
			nametable_set(&scan->by_base, file->base, NULL);
	}
	scan->count = kept;
	return true;
}

bool
scan_cur(struct scan *scan, int dirfd, struct why *why)
{
	return scan_directory(scan, dirfd, false, why);
}
