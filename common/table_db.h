/* SPDX-License-Identifier: ISC */
/*
 * table_db - the Berkeley DB cache of one table; of table.c only.
 *
 * A hash file DIRECTORY/NAME-SUM.db (the sum is of the text's path), made of
 * the rows of a text and stamped with the text's mtime, size and inode. It is
 * opened read-only with a private environment whose home is DIRECTORY, which
 * must belong to root or to us, be writable by nobody else, and holds an empty
 * DB_CONFIG: no other DB_CONFIG is ever read. Built in DIRECTORY/build under a
 * lock and renamed, so a reader sees the old one or the new one, and nothing
 * named __db.* stays. Without Berkeley DB (table_nodb.c) there never is a
 * cache.
 */
#ifndef COMMON_TABLE_DB_H
#define COMMON_TABLE_DB_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>

#include "common/arena.h"
#include "common/result.h"
#include "common/slice.h"
#include "common/table.h"

struct table_db;

/* A text that was read: what a cache is made of. */
struct table_source {
	const char *path;
	enum table_format format;
	struct stat status;
	struct slice bytes;
};

/* path: of the text; text: its stat. NULL: no cache, or not of this text, or
 * damaged (why->text tells). */
struct table_db *table_db_open(const char *directory, const char *path,
    const struct stat *text, struct why *why);
void table_db_close(struct table_db **db);
enum result table_db_find(struct table_db *db, struct slice key,
    struct arena *arena, struct slice *value, size_t *line, struct why *why);
/* Make the cache. */
bool table_db_build(
    const char *directory, const struct table_source *source, struct why *why);
bool table_db_is_available(void);

#endif
