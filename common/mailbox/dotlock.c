/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "common/mailbox/dotlock.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "common/io.h"
#include "common/log.h"
#include "common/slice.h"

#define HOST_SIZE         256
#define WAIT_MILLISECONDS 20

static void
host_name(char host[HOST_SIZE])
{
	if (gethostname(host, HOST_SIZE) != 0)
		host[0] = '\0';
	host[HOST_SIZE - 1] = '\0';
}

/* True when the holder named in the file ran here and is gone. */
static bool
holder_is_dead(int fd)
{
	char text[HOST_SIZE + 32], host[HOST_SIZE];
	ssize_t n = pread(fd, text, sizeof(text), 0);
	struct slice pid, name;
	uint64_t number;

	if (n <= 0)
		return false;
	slice_cut(slice_trim(slice_make(text, (size_t)n)), ':', &pid, &name);
	host_name(host);
	if (!slice_eq(name, slice_of(host)) ||
	    !slice_u64(pid, INT32_MAX, &number) || number == 0)
		return false;
	return kill((pid_t)number, 0) != 0 && errno == ESRCH;
}

/*
 * Take a stale lock away by a rename, so that of two waiters only one does;
 * the inode tells whether it was still the stale one that moved, and if not
 * it is put back.
 */
static void
remove_stale(int dirfd, const char *file, const struct stat *stale)
{
	char moved[DOTLOCK_NAME_SIZE + 32];
	struct stat status;

	snprintf(moved, sizeof(moved), "%s.stale.%ld", file, (long)getpid());
	if (renameat(dirfd, file, dirfd, moved) != 0)
		return;
	if (fstatat(dirfd, moved, &status, AT_SYMLINK_NOFOLLOW) == 0 &&
	    (status.st_ino != stale->st_ino ||
		status.st_mtim.tv_sec != stale->st_mtim.tv_sec) &&
	    linkat(dirfd, moved, dirfd, file, 0) != 0)
		log_warning("%s: taken from its holder by mistake", file);
	(void)unlinkat(dirfd, moved, 0);
}

static void
look_for_stale(int dirfd, const char *file)
{
	int fd = openat(dirfd, file, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	struct stat status;
	bool is_stale;
	int64_t age;

	if (fd < 0)
		return;
	if (fstat(fd, &status) == 0) {
		age = (int64_t)time(NULL) - (int64_t)status.st_mtim.tv_sec;
		/* From the future: the clock was set back since. */
		is_stale = age > DOTLOCK_STALE || age < -DOTLOCK_STALE ||
			   holder_is_dead(fd);
		if (is_stale)
			remove_stale(dirfd, file, &status);
	}
	close(fd);
}

/* "pid:host" under a name of our own, so that the lock is never there
 * without its holder: whoever is killed in between leaves no lock. */
static bool
write_holder(int dirfd, const char *own)
{
	char text[HOST_SIZE + 32], host[HOST_SIZE];
	int fd, n, error;
	bool ok;

	fd = openat(dirfd, own, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0 && errno == EEXIST && unlinkat(dirfd, own, 0) == 0)
		fd = openat(
		    dirfd, own, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return false;
	host_name(host);
	n = snprintf(text, sizeof(text), "%ld:%s", (long)getpid(), host);
	ok = write(fd, text, (size_t)n) == n;
	error = errno;
	close(fd);
	errno = error;
	return ok;
}

static bool
try_lock(int dirfd, const char *file)
{
	char own[DOTLOCK_NAME_SIZE + 32];
	int error;
	bool ok;

	/* Most of the time somebody who waits finds it taken. */
	if (faccessat(dirfd, file, F_OK, AT_SYMLINK_NOFOLLOW) == 0) {
		errno = EEXIST;
		return false;
	}
	snprintf(own, sizeof(own), "%s.%ld", file, (long)getpid());
	ok =
	    write_holder(dirfd, own) && linkat(dirfd, own, dirfd, file, 0) == 0;
	error = errno;
	(void)unlinkat(dirfd, own, 0);
	errno = error;
	return ok;
}

bool
dotlock_take(int dirfd, const char *file, int64_t deadline, struct why *why)
{
	const struct timespec pause = { .tv_nsec =
					    WAIT_MILLISECONDS * 1000000L };

	for (;;) {
		if (try_lock(dirfd, file))
			return true;
		if (errno != EEXIST)
			return why_errno(why, "cannot make %s", file);
		look_for_stale(dirfd, file);
		if (io_now() >= deadline)
			break;
		nanosleep(&pause, NULL);
	}
	errno = EAGAIN;
	return why_errno(why, "%s is held by another process", file);
}

void
dotlock_touch(int dirfd, const char *file)
{
	(void)utimensat(dirfd, file, NULL, 0);
}

void
dotlock_release(int dirfd, const char *file)
{
	(void)unlinkat(dirfd, file, 0);
}
