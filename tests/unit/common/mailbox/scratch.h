/* SPDX-License-Identifier: ISC */
/*
 * scratch - a Maildir of its own for one test, below the working directory,
 * removed afterwards.
 */
#ifndef TESTS_UNIT_COMMON_MAILBOX_SCRATCH_H
#define TESTS_UNIT_COMMON_MAILBOX_SCRATCH_H

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "common/users.h"

struct scratch {
	char path[512];
	int fd;
	struct user user;
};

static inline void
scratch_make(struct scratch *scratch)
{
	memset(scratch, 0, sizeof(*scratch));
	assert_non_null(getcwd(scratch->path, 400));
	strncat(scratch->path, "/scratch.XXXXXX", 32);
	assert_non_null(mkdtemp(scratch->path));
	scratch->fd = open(scratch->path, O_RDONLY | O_DIRECTORY);
	assert_true(scratch->fd >= 0);
	scratch->user.uid = getuid();
	scratch->user.gid = getgid();
	snprintf(scratch->user.name, sizeof(scratch->user.name), "alice");
	snprintf(scratch->user.home, sizeof(scratch->user.home), "%s",
	    scratch->path);
	snprintf(scratch->user.mail, sizeof(scratch->user.mail),
	    "%.500s/Maildir/", scratch->path);
}

static inline void
scratch_remove_below(int fd)
{
	DIR *directory = fdopendir(fd);
	struct dirent *entry;

	while ((entry = readdir(directory)) != NULL) {
		if (strcmp(entry->d_name, ".") == 0 ||
		    strcmp(entry->d_name, "..") == 0 ||
		    unlinkat(dirfd(directory), entry->d_name, 0) == 0)
			continue;
		scratch_remove_below(openat(
		    dirfd(directory), entry->d_name, O_RDONLY | O_DIRECTORY));
		unlinkat(dirfd(directory), entry->d_name, AT_REMOVEDIR);
	}
	closedir(directory);
}

static inline void
scratch_remove(struct scratch *scratch)
{
	scratch_remove_below(scratch->fd);
	rmdir(scratch->path);
}

static inline void
scratch_put(struct scratch *scratch, const char *path, const char *bytes,
    size_t length)
{
	int fd = openat(scratch->fd, path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, bytes, length), length);
	close(fd);
}

static inline void
scratch_write(struct scratch *scratch, const char *path, const char *text)
{
	scratch_put(scratch, path, text, strlen(text));
}

static inline void
scratch_read(struct scratch *scratch, const char *path, char text[4096])
{
	int fd = openat(scratch->fd, path, O_RDONLY);
	ssize_t n;

	assert_true(fd >= 0);
	n = read(fd, text, 4095);
	assert_true(n >= 0);
	text[n] = '\0';
	close(fd);
}

static inline bool
scratch_has(struct scratch *scratch, const char *path)
{
	struct stat status;

	return fstatat(scratch->fd, path, &status, 0) == 0;
}

#endif
