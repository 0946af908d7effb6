/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "queue/scan.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "common/alloc.h"
#include "common/fault.h"
#include "common/log.h"
#include "common/slice.h"

/* Seconds: a writer opens first and locks then. */
#define LEFTOVER_AGE 10

struct scan {
	int spool_fd;
	enum scan_mode mode;
	unsigned int bucket; /* the next one to open */
	DIR *directory;
};

struct scan *
scan_new(int spool_fd, enum scan_mode mode)
{
	struct scan *scan = alloc_zero(1, sizeof(*scan));

	scan->spool_fd = spool_fd;
	scan->mode = mode;
	return scan;
}

void
scan_free(struct scan **scan)
{
	if (*scan == NULL)
		return;
	if ((*scan)->directory != NULL)
		closedir((*scan)->directory);
	alloc_release(*scan);
	*scan = NULL;
}

bool
scan_is_done(const struct scan *scan)
{
	return scan->directory == NULL && scan->bucket == SPOOL_BUCKETS;
}

enum scan_mode
scan_get_mode(const struct scan *scan)
{
	return scan->mode;
}

static bool
open_bucket(struct scan *scan)
{
	char path[SPOOL_PATH_SIZE];
	int fd;

	if (scan->bucket == SPOOL_BUCKETS)
		return false;
	snprintf(path, sizeof(path), "%s/%02x",
	    scan->mode == SCAN_REASONS ? "why" : "queue", scan->bucket++);
	fd = openat(scan->spool_fd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd >= 0)
		scan->directory = fdopendir(fd);
	if (scan->directory == NULL) {
		log_error("cannot read %s: %s", path, strerror(errno));
		if (fd >= 0)
			close(fd);
	}
	return scan->directory != NULL;
}

/* A writer holds an exclusive lock on its dot file until it is done. */
static void
remove_leftover(struct scan *scan, const char *name)
{
	struct stat status;
	int directory = dirfd(scan->directory);
	int fd = openat(
	    directory, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);

	if (fd < 0)
		return;
	if (fstat(fd, &status) == 0 &&
	    time(NULL) - status.st_mtime > LEFTOVER_AGE &&
	    flock(fd, LOCK_EX | LOCK_NB) == 0 &&
	    unlinkat(directory, name, 0) == 0) {
		fault_point("Q1");
		log_info(
		    "removed unfinished queue/%02x/%s", scan->bucket - 1, name);
	}
	close(fd);
}

bool
scan_next(struct scan *scan, char id[SPOOL_ID_SIZE])
{
	struct dirent *item;
	struct slice name;

	if (scan->directory == NULL && !open_bucket(scan))
		return false;
	while ((item = readdir(scan->directory)) != NULL) {
		name = slice_of(item->d_name);
		if (spool_id_is_valid(name))
			return slice_to_array(name, id, SPOOL_ID_SIZE);
		if (scan->mode != SCAN_CLEAN || slice_eq(name, S(".")) ||
		    slice_eq(name, S("..")))
			continue;
		if (slice_starts(name, S(".")))
			remove_leftover(scan, item->d_name);
		else
			log_warning("queue/%02x/%s is no queue file",
			    scan->bucket - 1, item->d_name);
	}
	closedir(scan->directory);
	scan->directory = NULL;
	return false;
}
