/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "queue/check.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/arena.h"
#include "common/buf.h"
#include "common/spoolfile.h"

#include "queue/edit.h"

#define MESSAGE_ARENA (64 * 1024 * 1024)
#define PATH_SIZE     (NAME_MAX + 16)
#define ABOUT_MAX     1000

struct check {
	const struct check_request *request;
	int spool_fd;
	struct check_totals *totals;
	struct arena *arena;
	struct buf about;
};

/* One name of a directory. */
struct place {
	const char *name;
	char path[PATH_SIZE];
	bool is_file;
};

typedef bool
mend_fn(const struct check *check, const struct place *place, struct why *why);

static bool
move(const struct check *check, const char *from, const char *to,
    struct why *why)
{
	struct stat status;

	if (fstatat(check->spool_fd, to, &status, AT_SYMLINK_NOFOLLOW) == 0)
		return why_set(why, "%s is there already", to);
	return renameat(check->spool_fd, from, check->spool_fd, to) == 0 ||
	       why_errno(why, "rename to %s", to);
}

static bool
mend_by_removing(
    const struct check *check, const struct place *place, struct why *why)
{
	if (unlinkat(check->spool_fd, place->path, 0) != 0)
		return why_errno(why, "remove");
	why_set(why, "removed");
	return true;
}

static bool
mend_by_setting_aside(
    const struct check *check, const struct place *place, struct why *why)
{
	char bad[PATH_SIZE];

	snprintf(bad, sizeof(bad), "bad/%s", place->name);
	if (!move(check, place->path, bad, why))
		return false;
	why_set(why, "moved to %s", bad);
	return true;
}

/* qmgr is told by the trigger; when none runs, its start finds the file. */
static bool
mend_by_queueing(
    const struct check *check, const struct place *place, struct why *why)
{
	char path[SPOOL_PATH_SIZE];

	spool_path(place->name, path);
	if (!move(check, place->path, path, why))
		return false;
	edit_announce(check->spool_fd, place->name);
	why_set(why, "moved to %s", path);
	return true;
}

static const struct kind_row {
	const char *name;
	mend_fn *mend;
} kinds[CHECK_KINDS] = {
	[CHECK_UNFINISHED] = { "unfinished", mend_by_removing },
	[CHECK_FOREIGN] = { "no queue file", NULL },
	[CHECK_MISPLACED] = { "in the wrong place", mend_by_queueing },
	[CHECK_DAMAGED] = { "damaged", mend_by_setting_aside },
	[CHECK_ORPHAN] = { "of no message", mend_by_removing },
	[CHECK_WHOLE] = { "is whole", mend_by_queueing },
	[CHECK_BAD] = { "set aside", NULL },
	[CHECK_UNREADABLE] = { "unreadable", NULL },
};

const char *
check_kind_name(enum check_kind kind)
{
	return kinds[kind].name;
}

size_t
check_open(const struct check_totals *totals)
{
	size_t count = 0;

	for (size_t i = 0; i < CHECK_KINDS; i++)
		if (i != CHECK_BAD)
			count += totals->counts[i];
	return count - totals->mended;
}

static void
report(struct check *check, enum check_kind kind, const struct place *place,
    const char *text)
{
	struct check_finding finding = { .kind = kind,
		.path = place->path,
		.text = text,
		.about = buf_string(&check->about),
		.mending = "" };
	struct why why = { 0 };

	check->totals->counts[kind]++;
	if (check->request->is_repairing && kinds[kind].mend != NULL) {
		finding.is_mended = kinds[kind].mend(check, place, &why);
		finding.mending = why.text;
		check->totals->mended += finding.is_mended;
	}
	check->request->each(check->request->context, &finding);
}

static void
describe(struct check *check, const struct spool_message *message)
{
	buf_add_string(&check->about, "from=<");
	buf_add_printable(&check->about, message->sender);
	buf_add_string(&check->about, "> to=");
	for (size_t i = 0;
	     i < message->recipient_count && check->about.len < ABOUT_MAX;
	     i++) {
		buf_add_string(&check->about, i == 0 ? "<" : ",<");
		buf_add_printable(
		    &check->about, message->recipients[i].address);
		buf_add_char(&check->about, '>');
	}
}

/* RESULT_NEVER: damaged. */
static enum result
read_whole(struct check *check, int fd, const char *id, struct why *why)
{
	struct spool_message message;
	enum result result = spool_read(fd, id, check->arena, &message, why);

	if (result == RESULT_OK) {
		describe(check, &message);
		result = spool_verify(fd, why);
	}
	return result;
}

static void
report_message(struct check *check, const struct place *place,
    enum check_kind whole, enum check_kind damaged)
{
	struct why why = { 0 };
	int fd = openat(check->spool_fd, place->path,
	    O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);

	arena_reset(check->arena);
	buf_clear(&check->about);
	if (fd < 0) {
		if (errno != ENOENT)
			report(check, CHECK_UNREADABLE, place, strerror(errno));
		return;
	}
	/* Its writer is not done. */
	if (flock(fd, LOCK_SH | LOCK_NB) == 0)
		switch (read_whole(check, fd, place->name, &why)) {
		case RESULT_OK:
			if (whole != CHECK_KINDS)
				report(check, whole, place, "");
			else
				check->totals->messages++;
			break;
		case RESULT_NEVER:
			report(check, damaged, place, why.text);
			break;
		default:
			report(check, CHECK_UNREADABLE, place, why.text);
		}
	close(fd);
}

static bool
has_writer(const struct check *check, const struct place *place)
{
	int fd = openat(check->spool_fd, place->path,
	    O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	bool is_locked;

	if (fd < 0)
		return errno == ENOENT;
	is_locked = flock(fd, LOCK_EX | LOCK_NB) != 0;
	close(fd);
	return is_locked;
}

static bool
is_own_bucket(const struct place *place)
{
	char path[SPOOL_PATH_SIZE];

	spool_path(place->name, path);
	return strcmp(path, place->path) == 0;
}

static void
check_queued(struct check *check, const struct place *place)
{
	bool is_id = spool_id_is_valid(slice_of(place->name));

	buf_clear(&check->about);
	if (place->name[0] == '.' && place->is_file) {
		if (!has_writer(check, place))
			report(check, CHECK_UNFINISHED, place, "");
	} else if (!is_id || !place->is_file) {
		report(check, CHECK_FOREIGN, place,
		    is_id ? "not a regular file" : "its name is no id");
	} else if (is_own_bucket(place)) {
		report_message(check, place, CHECK_KINDS, CHECK_DAMAGED);
	} else {
		report_message(check, place, CHECK_MISPLACED, CHECK_DAMAGED);
	}
}

static void
check_reasons(struct check *check, const struct place *place)
{
	char path[SPOOL_PATH_SIZE];
	struct stat status;

	buf_clear(&check->about);
	if (!spool_id_is_valid(slice_of(place->name)))
		return;
	spool_path(place->name, path);
	if (fstatat(check->spool_fd, path, &status, AT_SYMLINK_NOFOLLOW) != 0 &&
	    errno == ENOENT)
		report(check, CHECK_ORPHAN, place, "");
}

static void
check_bad(struct check *check, const struct place *place)
{
	buf_clear(&check->about);
	if (place->is_file && spool_id_is_valid(slice_of(place->name)))
		report_message(check, place, CHECK_WHOLE, CHECK_BAD);
	else
		report(check, CHECK_BAD, place, "no queue file");
}

typedef void check_place_fn(struct check *check, const struct place *place);

static void
check_name(struct check *check, const char *directory, const char *name,
    check_place_fn *each)
{
	struct place place = { .name = name };
	struct stat status;

	snprintf(place.path, sizeof(place.path), "%s/%s", directory, name);
	if (fstatat(
		check->spool_fd, place.path, &status, AT_SYMLINK_NOFOLLOW) != 0)
		return;
	place.is_file = S_ISREG(status.st_mode);
	each(check, &place);
}

static bool
check_directory(struct check *check, const char *directory,
    check_place_fn *each, struct why *why)
{
	int fd = openat(
	    check->spool_fd, directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *names = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *item;

	if (names == NULL) {
		why_errno(why, "%s", directory);
		if (fd >= 0)
			close(fd);
		return false;
	}
	while ((item = readdir(names)) != NULL)
		if (strcmp(item->d_name, ".") != 0 &&
		    strcmp(item->d_name, "..") != 0)
			check_name(check, directory, item->d_name, each);
	closedir(names);
	return true;
}

static bool
check_buckets(struct check *check, const char *parent, check_place_fn *each,
    struct why *why)
{
	char directory[SPOOL_PATH_SIZE];
	bool ok = true;

	for (unsigned int i = 0; i < SPOOL_BUCKETS && ok; i++) {
		snprintf(directory, sizeof(directory), "%s/%02x", parent, i);
		ok = check_directory(check, directory, each, why);
	}
	return ok;
}

/* bad/ first: what comes from the buckets is not looked at twice. */
bool
check_queue(const struct check_request *request, struct check_totals *totals,
    struct why *why)
{
	struct check check = { .request = request,
		.spool_fd = request->spool_fd,
		.totals = totals,
		.arena = arena_new("check", MESSAGE_ARENA) };
	bool ok;

	memset(totals, 0, sizeof(*totals));
	buf_init(&check.about, 4 * ABOUT_MAX);
	ok = check_directory(&check, "bad", check_bad, why) &&
	     check_buckets(&check, "queue", check_queued, why) &&
	     check_buckets(&check, "why", check_reasons, why);
	buf_free(&check.about);
	arena_free(&check.arena);
	return ok;
}
