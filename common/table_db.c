/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "common/table_db.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

#include <db.h>

#include "common/alloc.h"
#include "common/crc32c.h"
#include "common/fault.h"
#include "common/fsutil.h"
#include "common/io.h"
#include "common/spool_layout.h"
#include "common/table_text.h"

enum {
	FILE_PATH_SIZE = 2400,
	STAMP_SIZE = 40,
	LINE_SIZE = 4,
	LOCK_SECONDS = 30
};

/* No key of a text begins with NUL followed by this. */
static const char stamp_key[] = "\0merpati table 1";

struct table_db {
	DB_ENV *environment;
	DB *db;
};

/* Two tables may have one base name: the sum of the path tells them apart. */
static void
cache_name(const char *path, char name[NAME_MAX + 1])
{
	const char *slash = strrchr(path, '/');

	snprintf(name, NAME_MAX + 1, "%.200s-%08x.db",
	    slash == NULL ? path : slash + 1,
	    (unsigned int)crc32c(0, path, strlen(path)));
}

static void
make_stamp(const struct stat *text, char stamp[STAMP_SIZE])
{
	spool_put(stamp, (uint64_t)text->st_mtim.tv_sec, 8);
	spool_put(stamp + 8, (uint64_t)text->st_mtim.tv_nsec, 8);
	spool_put(stamp + 16, (uint64_t)text->st_size, 8);
	spool_put(stamp + 24, (uint64_t)text->st_ino, 8);
	spool_put(stamp + 32, (uint64_t)text->st_dev, 8);
}

static bool
is_ours(const struct stat *status)
{
	return (status->st_uid == 0 || status->st_uid == geteuid()) &&
	       (status->st_mode & (S_IWGRP | S_IWOTH)) == 0;
}

/* The home decides which DB_CONFIG is read, so nobody else may write to it,
 * and its DB_CONFIG is there and empty. */
static bool
check_home(const char *directory, struct why *why)
{
	char path[FILE_PATH_SIZE];
	struct stat status;

	if (lstat(directory, &status) < 0)
		return why_errno(why, "%s", directory);
	if (!S_ISDIR(status.st_mode) || !is_ours(&status))
		return why_set(why, "%s: others may write there", directory);
	snprintf(path, sizeof(path), "%s/DB_CONFIG", directory);
	if (lstat(path, &status) < 0)
		return why_errno(why, "%s", path);
	if (!S_ISREG(status.st_mode) || !is_ours(&status) ||
	    status.st_size != 0)
		return why_set(why, "%s: not our empty file", path);
	return true;
}

static bool
make_home(const char *directory, struct why *why)
{
	char path[FILE_PATH_SIZE];
	int fd;

	if (!fs_make_directories(directory, 0755, why))
		return false;
	snprintf(path, sizeof(path), "%s/DB_CONFIG", directory);
	fd = open(path, O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0644);
	if (fd < 0)
		return why_errno(why, "create %s", path);
	close(fd);
	return check_home(directory, why);
}

static void
db_free(struct table_db *db)
{
	if (db->db != NULL)
		(void)db->db->close(db->db, DB_NOSYNC);
	if (db->environment != NULL)
		(void)db->environment->close(db->environment, 0);
	alloc_release(db);
}

/* A handle in a private environment: its regions are in memory. */
static struct table_db *
db_new(const char *home, struct why *why)
{
	struct table_db *db = alloc_zero(1, sizeof(*db));
	int error;

	error = db_env_create(&db->environment, 0);
	if (error == 0) {
		db->environment->set_errfile(db->environment, NULL);
		error = db->environment->open(db->environment, home,
		    DB_CREATE | DB_INIT_MPOOL | DB_PRIVATE, 0600);
	}
	if (error == 0)
		error = db_create(&db->db, db->environment, 0);
	if (error == 0)
		return db;
	why_set(why, "Berkeley DB in %s: %s", home, db_strerror(error));
	db_free(db);
	return NULL;
}

/* DBT has no const; Berkeley DB does not write to a key. */
static DBT
stamp_dbt(char bytes[sizeof(stamp_key)])
{
	DBT key = { .data = bytes, .size = sizeof(stamp_key) };

	memcpy(bytes, stamp_key, sizeof(stamp_key));
	return key;
}

static bool
stamp_matches(DB *db, const struct stat *text)
{
	char stamp[STAMP_SIZE], found[STAMP_SIZE], bytes[sizeof(stamp_key)];
	DBT key = stamp_dbt(bytes);
	DBT value = {
		.data = found, .ulen = sizeof(found), .flags = DB_DBT_USERMEM
	};

	make_stamp(text, stamp);
	return db->get(db, NULL, &key, &value, 0) == 0 &&
	       value.size == sizeof(stamp) &&
	       memcmp(stamp, found, sizeof(stamp)) == 0;
}

struct table_db *
table_db_open(const char *directory, const char *path, const struct stat *text,
    struct why *why)
{
	char name[NAME_MAX + 1], file[FILE_PATH_SIZE];
	struct table_db *db;
	struct stat status;
	int error;

	if (!check_home(directory, why))
		return NULL;
	cache_name(path, name);
	snprintf(file, sizeof(file), "%s/%s", directory, name);
	if (lstat(file, &status) < 0 || !S_ISREG(status.st_mode) ||
	    !is_ours(&status)) {
		why_set(why, "there was none");
		return NULL;
	}
	db = db_new(directory, why);
	if (db == NULL)
		return NULL;
	error = db->db->open(db->db, NULL, name, NULL, DB_HASH, DB_RDONLY, 0);
	if (error == 0 && stamp_matches(db->db, text))
		return db;
	why_set(why, "%s",
	    error == 0 ? "the text is newer" : "it was damaged or foreign");
	db_free(db);
	return NULL;
}

void
table_db_close(struct table_db **db)
{
	if (*db != NULL)
		db_free(*db);
	*db = NULL;
}

enum result
table_db_find(struct table_db *db, struct slice key, struct arena *arena,
    struct slice *value, size_t *line, struct why *why)
{
	char lower[1024];
	DBT wanted = { .data = lower, .size = (u_int32_t)key.len };
	DBT found = { .flags = DB_DBT_MALLOC };
	int error;
	struct slice bytes;

	*line = 0;
	if (key.len > sizeof(lower))
		return RESULT_NEVER;
	for (size_t i = 0; i < key.len; i++)
		lower[i] = ascii_lower(key.ptr[i]);
	error = db->db->get(db->db, NULL, &wanted, &found, 0);
	if (error == DB_NOTFOUND)
		return RESULT_NEVER;
	if (error != 0 || found.size < LINE_SIZE) {
		why_set(
		    why, "%s", error == 0 ? "damaged row" : db_strerror(error));
		return RESULT_LATER;
	}
	bytes = slice_make(found.data, found.size);
	*line = (size_t)spool_get(bytes.ptr, LINE_SIZE);
	*value = arena_slice(arena, slice_from(bytes, LINE_SIZE));
	alloc_release(found.data);
	if (value->ptr == NULL)
		why_set(why, "value too long");
	return value->ptr == NULL ? RESULT_LATER : RESULT_OK;
}

static int
put_row(DB *db, const struct table_text *text, struct buf *row)
{
	char line[LINE_SIZE], *bytes;
	DBT key = { 0 }, value = { 0 };
	int error;

	buf_clear(row);
	spool_put(line, text->line, LINE_SIZE);
	buf_add(row, slice_make(line, sizeof(line)));
	buf_add(row, text->value);
	bytes = alloc_zero(text->key.len + 1, 1);
	memcpy(bytes, text->key.ptr, text->key.len);
	key.data = bytes;
	key.size = (u_int32_t)text->key.len;
	value.data = row->ptr;
	value.size = (u_int32_t)row->len;
	/* The first of two equal keys holds, as in the text. */
	error = db->put(db, NULL, &key, &value, DB_NOOVERWRITE);
	alloc_release(bytes);
	return error == DB_KEYEXIST ? 0 : error;
}

static int
put_stamp(DB *db, const struct stat *status)
{
	char stamp[STAMP_SIZE], bytes[sizeof(stamp_key)];
	DBT key = stamp_dbt(bytes);
	DBT value = { .data = stamp, .size = sizeof(stamp) };

	make_stamp(status, stamp);
	return db->put(db, NULL, &key, &value, 0);
}

/* All rows, then the stamp: a file without it is never used. */
static int
put_rows(DB *db, const struct table_source *source)
{
	struct table_text text;
	struct buf row;
	int error = 0;

	buf_init(&row, TABLE_ROW_MAX + LINE_SIZE);
	table_text_begin(&text, source->bytes, source->format);
	while (error == 0 && table_text_next(&text))
		error = put_row(db, &text, &row);
	table_text_end(&text);
	buf_free(&row);
	return error == 0 ? put_stamp(db, &source->status) : error;
}

/* What a build that was killed left behind. */
static void
clear_build(const char *build, const char *name)
{
	char path[FILE_PATH_SIZE];

	snprintf(path, sizeof(path), "%.2000s/%s", build, name);
	(void)unlink(path);
	snprintf(path, sizeof(path), "%.2000s/__db.%s", build, name);
	(void)unlink(path);
	snprintf(path, sizeof(path), "%.2000s/DB_CONFIG", build);
	(void)unlink(path);
	(void)rmdir(build);
}

static bool
write_file(const char *build, const char *name,
    const struct table_source *source, struct why *why)
{
	struct table_db *db = db_new(build, why);
	int error;

	if (db == NULL)
		return false;
	/* Page checksums: a damaged page is an error, not an answer. */
	error = db->db->set_flags(db->db, DB_CHKSUM);
	if (error == 0)
		error = db->db->open(db->db, NULL, name, NULL, DB_HASH,
		    DB_CREATE | DB_EXCL, 0644);
	if (error == 0)
		error = put_rows(db->db, source);
	if (error == 0)
		error = db->db->sync(db->db, 0);
	db_free(db);
	return error == 0 || why_set(why, "%s: %s", name, db_strerror(error));
}

static bool
build_locked(const char *directory, const char *name,
    const struct table_source *source, struct why *why)
{
	char build[FILE_PATH_SIZE], from[FILE_PATH_SIZE], to[FILE_PATH_SIZE];
	bool ok;

	snprintf(build, sizeof(build), "%.2000s/build", directory);
	snprintf(from, sizeof(from), "%.2000s/%.250s", build, name);
	snprintf(to, sizeof(to), "%.2000s/%.250s", directory, name);
	clear_build(build, name);
	ok = make_home(build, why) && write_file(build, name, source, why);
	fault_point("T1");
	if (ok && rename(from, to) != 0)
		ok = why_errno(why, "rename %s", from);
	fault_point("T2");
	clear_build(build, name);
	return ok;
}

bool
table_db_build(
    const char *directory, const struct table_source *source, struct why *why)
{
	char name[NAME_MAX + 1], lock[FILE_PATH_SIZE];
	bool ok;
	int fd;

	if (!make_home(directory, why))
		return false;
	cache_name(source->path, name);
	snprintf(lock, sizeof(lock), "%.2000s/lock", directory);
	fd = open(lock, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return why_errno(why, "open %s", lock);
	ok = fs_lock(fd, true, io_deadline(LOCK_SECONDS))
		 ? build_locked(directory, name, source, why)
		 : why_set(why, "%s is locked", lock);
	close(fd);
	return ok;
}

bool
table_db_is_available(void)
{
	return true;
}
