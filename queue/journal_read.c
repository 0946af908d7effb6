/* SPDX-License-Identifier: ISC */
#include "config.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/alloc.h"

#include "queue/journal.h"

#define PIECE (4 * JOURNAL_LINE_MAX * 4)

bool
journal_parse(struct slice line, struct journal_record *record)
{
	struct slice time, id;

	memset(record, 0, sizeof(*record));
	return slice_cut(line, ' ', &time, &line) &&
	       slice_u64(time, INT64_MAX, &record->time) &&
	       slice_cut(line, ' ', &id, &record->text) &&
	       spool_id_is_valid(id) &&
	       slice_to_array(id, record->id, sizeof(record->id));
}

static bool
is_day(const char *name)
{
	static const char form[] = "dddd-dd-dd";
	size_t i = 0;

	for (; form[i] != '\0'; i++)
		if (form[i] == '-' ? name[i] != '-' : !ascii_is_digit(name[i]))
			return false;
	return name[i] == '\0';
}

static int
compare_days(const void *a, const void *b)
{
	return strcmp(a, b);
}

struct journal_days *
journal_list_days(int spool_fd)
{
	struct journal_days *days = alloc_zero(1, sizeof(*days));
	int fd = openat(spool_fd, JOURNAL_DIRECTORY,
	    O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	DIR *directory = fd >= 0 ? fdopendir(fd) : NULL;
	struct dirent *entry;

	while (directory != NULL && days->count < JOURNAL_DAYS_MAX &&
	       (entry = readdir(directory)) != NULL)
		if (is_day(entry->d_name))
			memcpy(days->names[days->count++], entry->d_name,
			    JOURNAL_DAY_SIZE);
	if (directory != NULL)
		closedir(directory);
	else if (fd >= 0)
		close(fd);
	if (days->count > 0)
		qsort(days->names, days->count, JOURNAL_DAY_SIZE, compare_days);
	return days;
}

static int
open_day(int spool_fd, const char *name, struct why *why)
{
	char path[64];
	struct stat status;
	int fd;

	snprintf(path, sizeof(path), "%s/%s", JOURNAL_DIRECTORY, name);
	fd = openat(
	    spool_fd, path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd >= 0 && fstat(fd, &status) == 0 && S_ISREG(status.st_mode))
		return fd;
	if (fd < 0)
		why_errno(why, "%s", path);
	else
		why_set(why, "%s is no regular file", path);
	if (fd >= 0)
		close(fd);
	return -1;
}

/* The whole lines of input, which are taken out. */
static bool
give_lines(struct buf *input, journal_each_fn *each, void *context)
{
	struct slice rest = buf_slice(input), line;
	struct journal_record record;
	size_t used = 0;
	bool goes_on = true;

	while (goes_on && slice_index(rest, '\n') < rest.len) {
		slice_cut(rest, '\n', &line, &rest);
		used += line.len + 1;
		if (journal_parse(line, &record))
			goes_on = each(context, &record);
	}
	buf_consume(input, used);
	return goes_on;
}

/* False with an empty why: each has heard enough. */
static bool
read_day(int fd, journal_each_fn *each, void *context, struct why *why)
{
	struct buf input;
	bool goes_on = true;
	ssize_t n = 1;
	char *room;

	buf_init(&input, 2 * PIECE);
	while (goes_on && n > 0) {
		/* No line is so long: what has no end is not read further. */
		room = buf_reserve(&input, PIECE);
		n = room != NULL ? read(fd, room, PIECE) : 0;
		if (n < 0 && errno == EINTR)
			n = 1;
		else if (n < 0)
			goes_on = why_errno(why, "read the journal");
		else if (n > 0) {
			buf_commit(&input, (size_t)n);
			goes_on = give_lines(&input, each, context);
		}
	}
	buf_free(&input);
	return goes_on;
}

bool
journal_read(
    int spool_fd, journal_each_fn *each, void *context, struct why *why)
{
	struct journal_days *days = journal_list_days(spool_fd);
	struct why cause = { 0 };
	bool goes_on = true;
	int fd;

	for (size_t i = 0; goes_on && i < days->count; i++) {
		fd = open_day(spool_fd, days->names[i], &cause);
		goes_on = fd >= 0 && read_day(fd, each, context, &cause);
		if (fd >= 0)
			close(fd);
	}
	alloc_release(days);
	return cause.text[0] == '\0' || why_set(why, "%s", cause.text);
}
