/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "common/table_db.h"

struct table_db *
table_db_open(const char *directory, const char *path, const struct stat *text,
    struct why *why)
{
	(void)directory;
	(void)path;
	(void)text;
	why_set(why, "built without Berkeley DB");
	return NULL;
}

void
table_db_close(struct table_db **db)
{
	*db = NULL;
}

enum result
table_db_find(struct table_db *db, struct slice key, struct arena *arena,
    struct slice *value, size_t *line, struct why *why)
{
	(void)db;
	(void)key;
	(void)arena;
	*value = slice_make(NULL, 0);
	*line = 0;
	why_set(why, "built without Berkeley DB");
	return RESULT_LATER;
}

bool
table_db_build(
    const char *directory, const struct table_source *source, struct why *why)
{
	(void)directory;
	(void)source;
	return why_set(why, "built without Berkeley DB");
}

bool
table_db_is_available(void)
{
	return false;
}
