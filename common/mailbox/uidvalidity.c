/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "common/mailbox/uidvalidity.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "common/fsutil.h"
#include "common/slice.h"

#define UIDVALIDITY_FILE "dovecot-uidvalidity"
#define NAME_SIZE        32
#define ATTEMPTS         10

static bool
hex_parse(struct slice text, uint32_t *value)
{
	*value = 0;
	if (text.len != 8)
		return false;
	for (size_t i = 0; i < text.len; i++) {
		char c = ascii_lower(text.ptr[i]);

		if (ascii_is_digit(c))
			*value = *value << 4 | (uint32_t)(c - '0');
		else if (c >= 'a' && c <= 'f')
			*value = *value << 4 | (uint32_t)(c - 'a' + 10);
		else
			return false;
	}
	return true;
}

/* The highest value that a file name holds, 0 for none. */
static uint32_t
highest_taken(int root_fd)
{
	int fd = openat(root_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *directory = fd < 0 ? NULL : fdopendir(fd);
	uint32_t highest = 0, value;
	struct dirent *entry;

	if (directory == NULL) {
		if (fd >= 0)
			close(fd);
		return 0;
	}
	while ((entry = readdir(directory)) != NULL) {
		struct slice name = slice_of(entry->d_name);

		if (slice_starts(name, S(UIDVALIDITY_FILE ".")) &&
		    hex_parse(
			slice_from(name, sizeof(UIDVALIDITY_FILE)), &value) &&
		    value > highest)
			highest = value;
	}
	closedir(directory);
	return highest;
}

static void
remember(int root_fd, uint32_t value)
{
	char text[16];

	snprintf(text, sizeof(text), "%08x", value);
	(void)fs_replace(root_fd, UIDVALIDITY_FILE, slice_of(text), 0600, NULL);
}

/* Take the value behind last. False: somebody else did, or it cannot be. */
static bool
take_next(int root_fd, uint32_t last, uint32_t *value)
{
	char old[NAME_SIZE], new[NAME_SIZE];
	uint32_t now = (uint32_t)time(NULL);
	int fd;

	*value = last == 0 ? now : last + 1;
	snprintf(new, sizeof(new), UIDVALIDITY_FILE ".%08x", *value);
	if (last != 0) {
		snprintf(old, sizeof(old), UIDVALIDITY_FILE ".%08x", last);
		return renameat(root_fd, old, root_fd, new) == 0;
	}
	fd =
	    openat(root_fd, new, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return false;
	close(fd);
	return true;
}

uint32_t
uidvalidity_next(int root_fd)
{
	uint32_t value, last;

	for (int i = 0; i < ATTEMPTS; i++) {
		last = highest_taken(root_fd);
		if (last >= UINT32_MAX - 2)
			break;
		if (take_next(root_fd, last, &value)) {
			remember(root_fd, value);
			return value;
		}
		if (errno != ENOENT && errno != EEXIST)
			break;
	}
	return (uint32_t)time(NULL);
}
