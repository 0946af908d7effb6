/* SPDX-License-Identifier: ISC */
#include "config.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/crc32c.h"
#include "common/fault.h"
#include "common/fsutil.h"
#include "common/log.h"
#include "common/mailbox/maildir.h"
#include "common/resolve.h"

#include "deliver/deliver.h"

/* The parts of a Maildir name: base without sizes, and where it is. */
#define BASE_SIZE 320
#define PATH_SIZE 512

struct copy {
	struct delivery *delivery;
	int maildir;
	int fd;
	char base[BASE_SIZE];
	char last;
	uint64_t size, wire_size;
	uint32_t crc;
};

/* Open already, and still what the path leads to: it may have been moved
 * away or deleted since the last message. */
static bool
is_open_maildir(const struct agent *agent, const char *path)
{
	struct stat open_one, named;

	return agent->maildir >= 0 && strcmp(agent->maildir_path, path) == 0 &&
	       stat(path, &named) == 0 &&
	       fstat(agent->maildir, &open_one) == 0 &&
	       named.st_dev == open_one.st_dev &&
	       named.st_ino == open_one.st_ino;
}

static bool
open_maildir(struct delivery *delivery, const char *path, bool may_create,
    struct why *why)
{
	struct agent *agent = delivery->agent;
	struct stat status;

	if (!is_open_maildir(agent, path)) {
		if (agent->maildir >= 0)
			close(agent->maildir);
		agent->maildir = maildir_open(path, may_create, why);
		snprintf(agent->maildir_path, sizeof(agent->maildir_path), "%s",
		    path);
	}
	if (agent->maildir < 0)
		return false;
	if (fstat(agent->maildir, &status) != 0)
		return why_errno(why, "cannot stat %s", path);
	return true;
}

/* The same for every try of this message to this recipient. */
static bool
make_base(struct copy *copy)
{
	const struct delivery *delivery = copy->delivery;
	struct buf base;
	bool ok;

	buf_init(&base, BASE_SIZE - 1);
	buf_add_format(&base, "%llu.Q%sR%u.",
	    (unsigned long long)delivery->job->created, delivery->job->id,
	    delivery->recipient->index);
	maildir_add_host(&base);
	ok = slice_to_array(buf_slice(&base), copy->base, BASE_SIZE);
	buf_free(&base);
	return ok;
}

static void
copy_count(struct copy *copy, struct slice bytes)
{
	const char *at = bytes.ptr, *end = bytes.ptr + bytes.len;

	copy->size += bytes.len;
	copy->wire_size += bytes.len;
	while (
	    at < end && (at = memchr(at, '\n', (size_t)(end - at))) != NULL) {
		char before = at == bytes.ptr ? copy->last : at[-1];

		if (before != '\r')
			copy->wire_size++;
		at++;
	}
	if (bytes.len > 0)
		copy->last = bytes.ptr[bytes.len - 1];
}

static bool
copy_write(void *context, struct slice bytes, struct why *why)
{
	struct copy *copy = context;

	copy_count(copy, bytes);
	return fs_write_all(copy->fd, bytes, why);
}

static bool
copy_sum(void *context, struct slice bytes, struct why *why)
{
	struct copy *copy = context;

	(void)why;
	copy->crc = crc32c(copy->crc, bytes.ptr, bytes.len);
	return true;
}

/* On a system without syncfs nothing makes the batch stable later. */
static bool
copy_sync(struct copy *copy, struct why *why)
{
#ifdef HAVE_SYNCFS
	(void)copy;
	(void)why;
	return true;
#else
	return fsync(copy->fd) == 0 || why_errno(why, "cannot sync");
#endif
}

/* [D1] the file is written in tmp/, [D2] it is in place. */
static bool
copy_store(struct copy *copy, const char *place, struct why *why)
{
	char tmp[PATH_SIZE], to[PATH_SIZE];
	bool ok;

	snprintf(tmp, sizeof(tmp), "tmp/%s", copy->base);
	(void)unlinkat(copy->maildir, tmp, 0);
	copy->fd = openat(
	    copy->maildir, tmp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (copy->fd < 0)
		return why_errno(why, "cannot make a file in tmp");
	ok = delivery_copy(copy->delivery, copy_write, copy, why) &&
	     copy_sync(copy, why);
	close(copy->fd);
	fault_point("D1");
	if (place != NULL)
		snprintf(to, sizeof(to), "%s", place);
	else
		snprintf(to, sizeof(to), "new/%s,S=%llu,W=%llu", copy->base,
		    (unsigned long long)copy->size,
		    (unsigned long long)copy->wire_size);
	if (ok && renameat(copy->maildir, tmp, copy->maildir, to) != 0)
		ok = why_errno(why, "cannot move the message into place");
	if (!ok)
		(void)unlinkat(copy->maildir, tmp, 0);
	fault_point("D2");
	return ok;
}

/* Find "PART/base,..." of an earlier try. */
static bool
find_in(const struct copy *copy, const char *part, char path[PATH_SIZE])
{
	int fd =
	    openat(copy->maildir, part, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *directory = fd < 0 ? NULL : fdopendir(fd);
	size_t length = strlen(copy->base);
	struct dirent *entry;
	bool found = false;

	if (directory == NULL) {
		if (fd >= 0)
			close(fd);
		return false;
	}
	while (!found && (entry = readdir(directory)) != NULL) {
		found = strncmp(entry->d_name, copy->base, length) == 0 &&
			entry->d_name[length] == ',';
		if (found)
			snprintf(
			    path, PATH_SIZE, "%s/%.400s", part, entry->d_name);
	}
	closedir(directory);
	return found;
}

static bool
file_checksum(int fd, uint32_t *crc)
{
	char bytes[8192];
	ssize_t n;

	*crc = 0;
	while ((n = read(fd, bytes, sizeof(bytes))) > 0)
		*crc = crc32c(*crc, bytes, (size_t)n);
	return n == 0;
}

/* Is the file at path what we would write? */
static bool
is_whole(struct copy *copy, const char *path)
{
	int fd = openat(copy->maildir, path, O_RDONLY | O_CLOEXEC);
	struct stat status;
	uint32_t crc = 0;
	bool ok;

	if (fd < 0)
		return false;
	copy->crc = 0;
	ok = fstat(fd, &status) == 0 &&
	     (uint64_t)status.st_size == delivery_size(copy->delivery) &&
	     file_checksum(fd, &crc) &&
	     delivery_copy(copy->delivery, copy_sum, copy, NULL) &&
	     crc == copy->crc;
	close(fd);
	return ok;
}

/* Once, whatever earlier tries left. */
static bool
copy_place(struct copy *copy, struct why *why)
{
	char earlier[PATH_SIZE];

	if ((copy->delivery->job->flags & JOB_RETRY) == 0 ||
	    (!find_in(copy, "new", earlier) && !find_in(copy, "cur", earlier)))
		return copy_store(copy, NULL, why);
	if (is_whole(copy, earlier))
		return true;
	log_warning("%s: %s was torn, delivered again", copy->delivery->job->id,
	    earlier);
	return copy_store(copy, earlier, why);
}

/* SYNC is for the file system of the user's mail; a Maildir that an alias
 * names may be on another, so it is synced at once. */
static bool
copy_settle(struct copy *copy, struct why *why)
{
	struct agent *agent = copy->delivery->agent;
	struct stat status;

	if (copy->delivery->recipient->kind != TARGET_MAILBOX) {
#ifdef HAVE_SYNCFS
		return syncfs(copy->maildir) == 0 ||
		       why_errno(why, "cannot sync");
#else
		return fsync(copy->maildir) == 0 ||
		       why_errno(why, "cannot sync");
#endif
	}
	if (fstat(copy->maildir, &status) == 0)
		agent->device = (uint64_t)status.st_dev;
	return true;
}

bool
delivery_to_maildir(struct delivery *delivery, const char *path,
    bool may_create, struct why *why)
{
	struct copy copy = { .delivery = delivery };

	if (!open_maildir(delivery, path, may_create, why))
		return false;
	copy.maildir = delivery->agent->maildir;
	if (!make_base(&copy))
		return why_set(why, "the name of this host is too long");
	return copy_place(&copy, why) && copy_settle(&copy, why);
}
