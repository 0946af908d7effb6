/* SPDX-License-Identifier: ISC */
/*
 * planted - known bugs for programs that have none of them.
 *
 * A library for LD_PRELOAD: MERPATI_PLANTED names the bug. It stays in the
 * programs that a program starts, though these clear their environment. The
 * power cut has to catch each one (reliability.md 5.3).
 *
 *     no-sync       files and directories are never synced
 *     early-sync    the file before its rename, the directory never
 *     other-file    after a failed fsync another descriptor is synced
 *     sync-again    after a failed fsync it is tried again
 *     end-first     the END record is on disk, the body comes after the 250
 *     mark-early    qmgr marks recipients as done when it hands the job out
 *     no-mail-sync  the queue file goes before the mailbox is synced
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

enum {
	FILES = 1024, /* descriptors that are looked at */
	PATH = 64,    /* names in the spool are short */
	END_SIZE = 64,
	SLOTS = 128,
	SLOT_SIZE = 16,
	COUNT_AT = 24,
	BODY_MAX = 262144,
	VARIABLES = 64,
};

/* By descriptor: where its file is. */
static struct {
	int directory;
	char path[PATH];
} opened[FILES];

/* end-first: what goes to the disk when the file is closed. */
static struct {
	int fd;
	off_t offset;
	size_t length;
	char bytes[BODY_MAX];
} late = { .fd = -1 };

static int created = -1; /* the file this process writes */

static int
is_planted(const char *bug)
{
	const char *planted = getenv("MERPATI_PLANTED");

	return planted != NULL && strcmp(planted, bug) == 0;
}

int
openat(int directory, const char *path, int flags, ...)
{
	va_list list;
	mode_t mode = 0;
	int fd;

	va_start(list, flags);
	if ((flags & (O_CREAT | O_TMPFILE)) != 0)
		mode = va_arg(list, mode_t);
	va_end(list);
	fd = REAL(openat)(directory, path, flags, mode);
	if (fd < 0 || fd >= FILES)
		return fd;
	opened[fd].directory = directory;
	snprintf(opened[fd].path, PATH, "%s", path);
	if ((flags & O_CREAT) != 0)
		created = fd;
	return fd;
}

static void
moved(int directory, const char *to)
{
	if (created < 0)
		return;
	if (is_planted("early-sync"))
		(void)REAL(fsync)(created);
	opened[created].directory = directory;
	snprintf(opened[created].path, PATH, "%s", to);
}

int
renameat2(int from_fd, const char *from, int to_fd, const char *to,
    unsigned int flags)
{
	moved(to_fd, to);
	return REAL(renameat2)(from_fd, from, to_fd, to, flags);
}

int
renameat(int from_fd, const char *from, int to_fd, const char *to)
{
	moved(to_fd, to);
	return REAL(renameat)(from_fd, from, to_fd, to);
}

int
rename(const char *from, const char *to)
{
	moved(AT_FDCWD, to);
	return REAL(rename)(from, to);
}

static int
sync_other(int fd)
{
	int other, result;

	if (fd >= FILES)
		return -1;
	other = REAL(openat)(opened[fd].directory, opened[fd].path, O_RDWR);
	result = other < 0 ? -1 : REAL(fsync)(other);
	if (other >= 0)
		(void)REAL(close)(other);
	return result;
}

int
fsync(int fd)
{
	int result;

	if (is_planted("no-sync") || is_planted("early-sync"))
		return 0;
	result = REAL(fsync)(fd);
	if (result < 0 && is_planted("sync-again"))
		result = REAL(fsync)(fd);
	if (result < 0 && is_planted("other-file"))
		result = sync_other(fd);
	return result;
}

int
fdatasync(int fd)
{
	return is_planted("no-sync") ? 0 : REAL(fdatasync)(fd);
}

int
syncfs(int fd)
{
	return is_planted("no-mail-sync") ? 0 : REAL(syncfs)(fd);
}

static int
has_end(const char *bytes, size_t length)
{
	return length > END_SIZE && length - END_SIZE <= BODY_MAX &&
	       memcmp(bytes + length - END_SIZE, "MERPEND1", 8) == 0;
}

ssize_t
write(int fd, const void *bytes, size_t length)
{
	const char *end = (const char *)bytes + length - END_SIZE;

	if (!is_planted("end-first") || !has_end(bytes, length))
		return REAL(write)(fd, bytes, length);
	late.fd = fd;
	late.offset = lseek(fd, 0, SEEK_CUR);
	late.length = length - END_SIZE;
	memcpy(late.bytes, bytes, late.length);
	if (lseek(fd, (off_t)late.length, SEEK_CUR) < 0 ||
	    REAL(write)(fd, end, END_SIZE) != END_SIZE)
		return -1;
	return (ssize_t)length;
}

int
close(int fd)
{
	if (fd >= 0 && fd == late.fd) {
		if (pwrite(fd, late.bytes, late.length, late.offset) < 0)
			perror("planted");
		late.fd = -1;
	}
	if (fd == created)
		created = -1;
	return REAL(close)(fd);
}

/* D for every recipient of the queue file that was opened as fd. */
static void
mark_all(int fd)
{
	char magic[8];
	unsigned char count = 0;
	int file;

	if (fd < 0 || fd >= FILES || pread(fd, magic, 8, 0) != 8 ||
	    memcmp(magic, "MERPATI1", 8) != 0)
		return;
	file = REAL(openat)(opened[fd].directory, opened[fd].path, O_RDWR);
	if (file < 0 || pread(file, &count, 1, COUNT_AT) != 1)
		return;
	for (unsigned int i = 0; i < count; i++)
		(void)!pwrite(file, "D", 1, SLOTS + i * SLOT_SIZE);
	(void)REAL(fdatasync)(file);
	(void)REAL(close)(file);
}

ssize_t
sendmsg(int fd, const struct msghdr *message, int flags)
{
	struct cmsghdr *control = CMSG_FIRSTHDR(message);
	int passed;

	if (is_planted("mark-early") && control != NULL &&
	    control->cmsg_type == SCM_RIGHTS) {
		memcpy(&passed, CMSG_DATA(control), sizeof(passed));
		mark_all(passed);
	}
	return REAL(sendmsg)(fd, message, flags);
}

/* Our programs start others with a clean environment: not clean of this. */
int
execve(const char *path, char *const argv[], char *const envp[])
{
	static char preload[512], bug[64];
	char *variables[VARIABLES];
	size_t count = 0;

	while (envp[count] != NULL && count < VARIABLES - 3) {
		variables[count] = envp[count];
		count++;
	}
	snprintf(preload, sizeof(preload), "LD_PRELOAD=%s",
	    getenv("LD_PRELOAD") != NULL ? getenv("LD_PRELOAD") : "");
	snprintf(bug, sizeof(bug), "MERPATI_PLANTED=%s",
	    getenv("MERPATI_PLANTED") != NULL ? getenv("MERPATI_PLANTED") : "");
	variables[count++] = preload;
	variables[count++] = bug;
	variables[count] = NULL;
	return REAL(execve)(path, argv, variables);
}
