/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "common/fsutil.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/fault.h"
#include "common/io.h"

enum {
	READ_PIECE = 65536,
	LOCK_POLL_MS = 10
};

bool
fs_read_fd(int fd, struct buf *out, struct why *why)
{
	size_t room;
	char *bytes, extra;
	ssize_t n;

	for (;;) {
		room = out->ceiling - out->len;
		if (room > READ_PIECE)
			room = READ_PIECE;
		bytes = room == 0 ? &extra : buf_reserve(out, room);
		if (bytes == NULL)
			return why_set(why, "file too large");
		n = read(fd, bytes, room == 0 ? 1 : room);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return why_errno(why, "read");
		if (n == 0)
			return true;
		if (room == 0)
			return why_set(
			    why, "file larger than %zu bytes", out->ceiling);
		buf_commit(out, (size_t)n);
	}
}

bool
fs_read_file(int dirfd, const char *path, struct buf *out, struct why *why)
{
	int fd = openat(dirfd, path, O_RDONLY | O_CLOEXEC);
	bool ok;

	if (fd < 0)
		return why_errno(why, "open %s", path);
	ok = fs_read_fd(fd, out, why);
	close(fd);
	return ok ? true : why_context(why, "%s", path);
}

bool
fs_read_guarded(const char *path, struct buf *out, struct why *why)
{
	struct stat status;
	int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	bool ok;

	if (fd < 0)
		return why_errno(why, "%s", path);
	ok = fstat(fd, &status) == 0 && S_ISREG(status.st_mode) &&
	     (status.st_mode & S_IWOTH) == 0;
	ok = ok ? fs_read_fd(fd, out, why)
		: why_set(why, "not a regular file, or all may write it");
	close(fd);
	return ok ? true : why_context(why, "%s", path);
}

bool
fs_write_all(int fd, struct slice s, struct why *why)
{
	ssize_t n;

	while (s.len > 0) {
		n = write(fd, s.ptr, s.len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return why_errno(why, "write");
		s = slice_from(s, (size_t)n);
	}
	return true;
}

bool
fs_read_at(int fd, char *bytes, size_t length, uint64_t offset, struct why *why)
{
	ssize_t n;

	while (length > 0) {
		n = pread(fd, bytes, length, (off_t)offset);
		if (n < 0 && errno == EINTR)
			continue;
		if (n == 0)
			errno = EIO;
		if (n <= 0)
			return why_errno(why, "read");
		bytes += n;
		length -= (size_t)n;
		offset += (uint64_t)n;
	}
	return true;
}

bool
fs_write_at(int fd, struct slice s, off_t offset, struct why *why)
{
	ssize_t n;

	while (s.len > 0) {
		n = pwrite(fd, s.ptr, s.len, offset);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return why_errno(why, "write");
		s = slice_from(s, (size_t)n);
		offset += n;
	}
	return true;
}

bool
fs_sync_directory(int dirfd)
{
	return fsync(dirfd) == 0 || errno == EINVAL;
}

/* Sync the directory that holds path. */
static bool
fs_sync_parent(int dirfd, const char *path, struct why *why)
{
	char parent[PATH_MAX];
	size_t slash = slice_last_index(slice_of(path), '/');
	bool ok;
	int fd;

	if (slash == strlen(path))
		snprintf(parent, sizeof(parent), ".");
	else
		snprintf(parent, sizeof(parent), "%.*s",
		    (int)(slash == 0 ? 1 : slash), path);
	fd = openat(dirfd, parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return why_errno(why, "open %s", parent);
	ok = fs_sync_directory(fd);
	if (!ok)
		why_errno(why, "fsync %s", parent);
	close(fd);
	return ok;
}

bool
fs_replace(int dirfd, const char *path, struct slice content, mode_t mode,
    struct why *why)
{
	char temporary[PATH_MAX];
	int fd, n;
	bool ok;

	n = snprintf(
	    temporary, sizeof(temporary), "%s.tmp.%ld", path, (long)getpid());
	if (n < 0 || (size_t)n >= sizeof(temporary))
		return why_set(why, "%s: name too long", path);
	(void)unlinkat(dirfd, temporary, 0);
	fd = openat(dirfd, temporary,
	    O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode);
	if (fd < 0)
		return why_errno(why, "create %s", temporary);
	/* The mode asked for, whatever the umask. */
	ok = fs_write_all(fd, content, why) &&
	     (fchmod(fd, mode) == 0 || why_errno(why, "fchmod")) &&
	     (fsync(fd) == 0 || why_errno(why, "fsync"));
	close(fd);
	fault_point("F1");
	if (ok && renameat(dirfd, temporary, dirfd, path) < 0)
		ok = why_errno(why, "rename");
	fault_point("F2");
	if (!ok) {
		(void)unlinkat(dirfd, temporary, 0);
		return why_context(why, "%s", path);
	}
	return fs_sync_parent(dirfd, path, why);
}

bool
fs_make_directories(const char *path, mode_t mode, struct why *why)
{
	char part[PATH_MAX];
	size_t len = strlen(path);

	if (len == 0 || len >= sizeof(part))
		return why_set(why, "%s: bad directory name", path);
	for (size_t i = 1; i <= len; i++) {
		if (path[i] != '/' && path[i] != '\0')
			continue;
		memcpy(part, path, i);
		part[i] = '\0';
		if (mkdir(part, mode) < 0 && errno != EEXIST)
			return why_errno(why, "mkdir %s", part);
	}
	return true;
}

bool
fs_lock(int fd, bool exclusive, int64_t deadline)
{
	struct flock lock = { .l_type = exclusive ? F_WRLCK : F_RDLCK,
		.l_whence = SEEK_SET };

	for (;;) {
		if (fcntl(fd, F_SETLK, &lock) == 0)
			return true;
		if (errno != EAGAIN && errno != EACCES && errno != EINTR)
			return false;
		if (deadline != IO_FOREVER && io_now() >= deadline)
			return false;
		(void)poll(NULL, 0, LOCK_POLL_MS);
	}
}

void
fs_note(const char *path, struct stat *status)
{
	if (path == NULL || path[0] == '\0' || stat(path, status) < 0)
		memset(status, 0, sizeof(*status));
}

bool
fs_is_same(const struct stat *a, const struct stat *b)
{
	return a->st_ino == b->st_ino && a->st_dev == b->st_dev &&
	       a->st_size == b->st_size &&
	       a->st_mtim.tv_sec == b->st_mtim.tv_sec &&
	       a->st_mtim.tv_nsec == b->st_mtim.tv_nsec &&
	       a->st_ctim.tv_sec == b->st_ctim.tv_sec &&
	       a->st_ctim.tv_nsec == b->st_ctim.tv_nsec;
}
