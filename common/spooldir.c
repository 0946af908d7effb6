/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "common/spooldir.h"

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/fsutil.h"
#include "common/spoolfile.h"

#define ACCOUNT "_mpqueue"

struct entry {
	const char *name;
	mode_t kind;      /* S_IFDIR, S_IFIFO, S_IFREG */
	mode_t mode;      /* made by root */
	mode_t user_mode; /* made by an ordinary user */
	bool has_buckets;
};

/* Parents first. */
static const struct entry entries[] = {
	{ ".", S_IFDIR, 0711, 0700, false },
	{ "queue", S_IFDIR, 0700, 0700, true },
	{ "why", S_IFDIR, 0700, 0700, true },
	{ "bad", S_IFDIR, 0700, 0700, false },
	{ "drop", S_IFDIR, 03733, 0700, false },
	{ "journal", S_IFDIR, 0700, 0700, false },
	{ "trigger", S_IFIFO, 0600, 0600, false },
	{ "control", S_IFIFO, 0600, 0600, false },
	{ "lock", S_IFREG, 0600, 0600, false },
};

enum {
	ENTRIES = sizeof(entries) / sizeof(entries[0])
};

struct owner {
	bool is_root;
	uid_t uid;
	gid_t gid;
};

static bool
find_owner(struct owner *owner, struct why *why)
{
	struct passwd entry, *found = NULL;
	char bytes[4096];

	owner->is_root = geteuid() == 0;
	owner->uid = geteuid();
	owner->gid = getegid();
	if (!owner->is_root)
		return true;
	if (getpwnam_r(ACCOUNT, &entry, bytes, sizeof(bytes), &found) != 0 ||
	    found == NULL)
		return why_set(why,
		    "account %s does not exist: run "
		    "\"mailctl init\", which makes the accounts",
		    ACCOUNT);
	owner->uid = found->pw_uid;
	owner->gid = found->pw_gid;
	return true;
}

static mode_t
entry_mode(const struct entry *entry, const struct owner *owner)
{
	return entry->kind | (owner->is_root ? entry->mode : entry->user_mode);
}

static bool
make_node(int dirfd, const char *name, mode_t kind)
{
	int fd;

	if (kind == S_IFDIR)
		return mkdirat(dirfd, name, 0700) == 0 || errno == EEXIST;
	if (kind == S_IFIFO)
		return mkfifoat(dirfd, name, 0600) == 0 || errno == EEXIST;
	fd = openat(
	    dirfd, name, O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

/* mode: kind and permissions. Through a descriptor: in a directory of _mpqueue
 * a name could be swapped for a link while root works. */
static bool
set_owner(int fd, mode_t mode, const struct owner *owner, struct why *why)
{
	struct stat status;

	if (fstat(fd, &status) < 0)
		return why_errno(why, "stat");
	if ((status.st_mode & S_IFMT) != (mode & S_IFMT))
		return why_set(why, "exists and is of another kind");
	if (!S_ISDIR(mode) && status.st_nlink != 1)
		return why_set(why, "has more than one name");
	if (owner->is_root && fchown(fd, owner->uid, owner->gid) < 0)
		return why_errno(why, "chown");
	if (fchmod(fd, mode & 07777) < 0)
		return why_errno(why, "chmod");
	return true;
}

static bool
make_entry(int dirfd, const char *name, mode_t mode, const struct owner *owner,
    struct why *why)
{
	bool ok;
	int fd;

	if (!make_node(dirfd, name, mode & S_IFMT))
		return why_errno(why, "make %s", name);
	fd =
	    openat(dirfd, name, O_RDONLY | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return why_errno(why, "open %s", name);
	ok = set_owner(fd, mode, owner, why);
	close(fd);
	return ok || why_context(why, "%s", name);
}

static bool
make_buckets(
    int dirfd, const char *parent, const struct owner *owner, struct why *why)
{
	char name[16];
	int fd = openat(
	    dirfd, parent, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	bool ok = true;

	if (fd < 0)
		return why_errno(why, "open %s", parent);
	for (unsigned int i = 0; ok && i < SPOOL_BUCKETS; i++) {
		snprintf(name, sizeof(name), "%02x", i);
		ok = make_entry(fd, name, S_IFDIR | 0700, owner, why);
	}
	/* No directory is made at run time, so this once is enough. */
	if (ok && !fs_sync_directory(fd))
		ok = why_errno(why, "fsync %s", parent);
	close(fd);
	return ok;
}

int
spool_open(const struct settings *settings, struct why *why)
{
	int fd =
	    open(settings->queue_directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		why_errno(why, "spool %s", settings->queue_directory);
	return fd;
}

bool
spool_make_directories(const struct settings *settings, struct why *why)
{
	struct owner owner;
	bool ok = true;
	int fd;

	if (!find_owner(&owner, why) ||
	    !fs_make_directories(settings->queue_directory, 0755, why))
		return false;
	fd = spool_open(settings, why);
	if (fd < 0)
		return false;
	for (size_t i = 0; ok && i < ENTRIES; i++) {
		ok = make_entry(fd, entries[i].name,
		    entry_mode(&entries[i], &owner), &owner, why);
		if (ok && entries[i].has_buckets)
			ok = make_buckets(fd, entries[i].name, &owner, why);
	}
	if (ok && !fs_sync_directory(fd))
		ok = why_errno(why, "fsync");
	close(fd);
	return ok || why_context(why, "spool %s", settings->queue_directory);
}

static bool
check_entry(int dirfd, const char *name, mode_t mode, const struct owner *owner,
    struct why *why)
{
	struct stat status;

	if (fstatat(dirfd, name, &status, AT_SYMLINK_NOFOLLOW) < 0)
		return why_errno(why, "%s", name);
	if ((status.st_mode & S_IFMT) != (mode & S_IFMT))
		return why_set(why, "%s is of the wrong kind", name);
	if (status.st_uid != owner->uid)
		return why_set(why, "%s belongs to uid %lu, not %lu", name,
		    (unsigned long)status.st_uid, (unsigned long)owner->uid);
	if ((status.st_mode & 07777) != (mode & 07777))
		return why_set(why, "%s has mode %04o, not %04o", name,
		    (unsigned int)(status.st_mode & 07777),
		    (unsigned int)(mode & 07777));
	return true;
}

static bool
check_buckets(
    int dirfd, const char *parent, const struct owner *owner, struct why *why)
{
	char name[16];

	for (unsigned int i = 0; i < SPOOL_BUCKETS; i++) {
		snprintf(name, sizeof(name), "%.8s/%02x", parent, i);
		if (!check_entry(dirfd, name, S_IFDIR | 0700, owner, why))
			return false;
	}
	return true;
}

bool
spool_check(const struct settings *settings, struct why *why)
{
	struct owner owner;
	bool ok = true;
	int fd;

	if (!find_owner(&owner, why))
		return false;
	fd = spool_open(settings, why);
	if (fd < 0)
		return false;
	for (size_t i = 0; ok && i < ENTRIES; i++) {
		ok = check_entry(fd, entries[i].name,
		    entry_mode(&entries[i], &owner), &owner, why);
		if (ok && entries[i].has_buckets)
			ok = check_buckets(fd, entries[i].name, &owner, why);
	}
	close(fd);
	return ok || why_context(why, "spool %s (\"mailctl init\" repairs it)",
			 settings->queue_directory);
}
