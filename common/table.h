/* SPDX-License-Identifier: ISC */
/*
 * table - key to value, behind one small interface.
 *
 * A table is text ("key value" lines, or the classic aliases format) and is
 * the truth. Where Berkeley DB is built in and the text is larger than
 * TABLE_CACHE_SIZE bytes, lookups go through a hash file beside the state
 * (state_directory/tables/NAME.db), rebuilt under a lock when the text's
 * mtime, size or inode differ from what the cache recorded; a damaged or
 * foreign cache is rebuilt and logged once. Without permission to write the
 * cache, the text is read. Keys are compared in lower case.
 */
#ifndef COMMON_TABLE_H
#define COMMON_TABLE_H

#include <stdbool.h>
#include <stddef.h>

#include "common/arena.h"
#include "common/result.h"
#include "common/slice.h"

#define TABLE_CACHE_SIZE 32768

enum table_format {
	TABLE_KEY_VALUE, /* "key value", "#" comments, indented continuation */
	TABLE_ALIASES,   /* "name: value, value" as in aliases(5) */
};

struct table;

/* A missing file is an empty table. cache_directory NULL: text only. */
struct table *table_open(const char *path, enum table_format format,
    const char *cache_directory, struct why *why);
void table_close(struct table **table);
/* RESULT_OK found (*value in the arena), RESULT_NEVER not there,
 * RESULT_LATER cannot be read. *line: where in the text, 0 unknown. */
enum result table_find(struct table *table, struct slice key,
    struct arena *arena, struct slice *value, size_t *line, struct why *why);
typedef bool
table_row_fn(void *context, struct slice key, struct slice value, size_t line);
enum result table_each(
    struct table *table, table_row_fn *each, void *context, struct why *why);
/* Make the cache now, whatever its age; *rows counts. For newaliases. */
bool table_rebuild(const char *path, enum table_format format,
    const char *cache_directory, size_t *rows, struct why *why);

#endif
