/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "common/spill.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "common/io.h"

void
spill_init(struct spill *spill, int directory_fd, const char *directory)
{
	spill->directory_fd = directory_fd;
	spill->directory = directory;
	spill->fd = -1;
	spill->length = 0;
	buf_init(&spill->memory, SPILL_MEMORY);
}

/* Not every file system can make a file without a name. */
static int
open_named(const struct spill *spill)
{
	char name[4096];
	int fd;

	if ((size_t)snprintf(name, sizeof(name), "%s/.spill.%ld",
		spill->directory, (long)getpid()) >= sizeof(name))
		return -1;
	fd = openat(spill->directory_fd, name,
	    O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd >= 0)
		(void)unlinkat(spill->directory_fd, name, 0);
	return fd;
}

static bool
open_file(struct spill *spill, struct why *why)
{
	spill->fd = openat(spill->directory_fd, spill->directory,
	    O_RDWR | O_TMPFILE | O_CLOEXEC, 0600);
	if (spill->fd < 0 && (errno == EOPNOTSUPP || errno == EISDIR))
		spill->fd = open_named(spill);
	if (spill->fd < 0)
		return why_errno(why, "temporary file");
	if (io_write_all(spill->fd, buf_slice(&spill->memory), IO_FOREVER) !=
	    IO_OK)
		return why_errno(why, "write of a temporary file");
	buf_free(&spill->memory);
	return true;
}

bool
spill_add(struct spill *spill, struct slice bytes, struct why *why)
{
	if (spill->fd < 0 && spill->length + bytes.len <= SPILL_MEMORY) {
		if (!buf_add(&spill->memory, bytes))
			return why_set(why, "out of room");
	} else {
		if (spill->fd < 0 && !open_file(spill, why))
			return false;
		if (io_write_all(spill->fd, bytes, IO_FOREVER) != IO_OK)
			return why_errno(why, "write of a temporary file");
	}
	spill->length += bytes.len;
	return true;
}

bool
spill_read(const struct spill *spill, uint64_t offset, char room[SPILL_PIECE],
    struct slice *bytes)
{
	ssize_t n;

	*bytes = S("");
	if (offset >= spill->length)
		return true;
	if (spill->fd < 0) {
		*bytes = slice_first(
		    slice_from(buf_slice(&spill->memory), (size_t)offset),
		    SPILL_PIECE);
		return true;
	}
	do
		n = pread(spill->fd, room, SPILL_PIECE, (off_t)offset);
	while (n < 0 && errno == EINTR);
	if (n <= 0)
		return false;
	*bytes = slice_make(room, (size_t)n);
	return true;
}

void
spill_clear(struct spill *spill)
{
	if (spill->fd >= 0)
		close(spill->fd);
	spill->fd = -1;
	spill->length = 0;
	buf_clear(&spill->memory);
}

void
spill_free(struct spill *spill)
{
	spill_clear(spill);
	buf_free(&spill->memory);
}
