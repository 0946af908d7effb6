/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "common/table.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/alloc.h"
#include "common/buf.h"
#include "common/fsutil.h"
#include "common/log.h"
#include "common/table_db.h"
#include "common/table_text.h"

#define TEXT_MAX (256 << 20)

struct table {
	char *path;
	enum table_format format;
	bool has_text; /* text was read */
	struct buf text;
	struct table_db *db; /* NULL: text only */
};

/* The text and its stat. A missing file is empty text; *text->st_size is
 * what was read. */
static bool
read_text(
    const char *path, struct buf *bytes, struct stat *status, struct why *why)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	bool ok;

	memset(status, 0, sizeof(*status));
	if (fd < 0)
		return errno == ENOENT || why_errno(why, "open %s", path);
	ok = fstat(fd, status) == 0 || why_errno(why, "stat %s", path);
	if (ok && !S_ISREG(status->st_mode))
		ok = why_set(why, "%s: not a regular file", path);
	ok = ok && fs_read_fd(fd, bytes, why);
	close(fd);
	return ok;
}

static struct table *
table_new(const char *path, enum table_format format)
{
	struct table *table = alloc_zero(1, sizeof(*table));

	table->path = alloc_string(path);
	table->format = format;
	buf_init(&table->text, TEXT_MAX);
	return table;
}

static bool
load_text(struct table *table, struct stat *status, struct why *why)
{
	buf_clear(&table->text);
	table->has_text = read_text(table->path, &table->text, status, why);
	return table->has_text;
}

/* Large text: the cache, made anew when it is not of this text. */
static void
open_cache(struct table *table, const char *directory)
{
	struct table_source source = { .path = table->path,
		.format = table->format };
	struct why why = { 0 }, build = { 0 };

	if (stat(table->path, &source.status) < 0 ||
	    !S_ISREG(source.status.st_mode) ||
	    source.status.st_size <= TABLE_CACHE_SIZE)
		return;
	table->db = table_db_open(directory, table->path, &source.status, &why);
	if (table->db != NULL || !load_text(table, &source.status, NULL))
		return;
	source.bytes = buf_slice(&table->text);
	if (!table_db_build(directory, &source, &build))
		return;
	log_info("table %s: cache rebuilt: %s", table->path, why.text);
	table->db = table_db_open(directory, table->path, &source.status, &why);
}

struct table *
table_open(const char *path, enum table_format format,
    const char *cache_directory, struct why *why)
{
	struct table *table = table_new(path, format);
	struct stat status;

	if (cache_directory != NULL && table_db_is_available())
		open_cache(table, cache_directory);
	if (table->db == NULL && !table->has_text &&
	    !load_text(table, &status, why))
		table_close(&table);
	return table;
}

void
table_close(struct table **table)
{
	if (*table == NULL)
		return;
	table_db_close(&(*table)->db);
	buf_free(&(*table)->text);
	alloc_release((*table)->path);
	alloc_release(*table);
	*table = NULL;
}

static enum result
find_in_text(struct table *table, struct slice key, struct arena *arena,
    struct slice *value, size_t *line)
{
	enum result result = RESULT_NEVER;
	struct table_text text;

	table_text_begin(&text, buf_slice(&table->text), table->format);
	while (result == RESULT_NEVER && table_text_next(&text)) {
		if (!slice_eq_nocase(text.key, key))
			continue;
		*value = arena_slice(arena, text.value);
		*line = text.line;
		result = value->ptr == NULL ? RESULT_LATER : RESULT_OK;
	}
	table_text_end(&text);
	return result;
}

enum result
table_find(struct table *table, struct slice key, struct arena *arena,
    struct slice *value, size_t *line, struct why *why)
{
	enum result result;
	struct stat status;
	struct why cause = { 0 };

	*value = slice_make(NULL, 0);
	*line = 0;
	if (table->db != NULL) {
		result =
		    table_db_find(table->db, key, arena, value, line, &cause);
		if (result != RESULT_LATER)
			return result;
		log_warning("table %s: cache: %s; reading the text "
			    "(newaliases makes a new cache)",
		    table->path, cause.text);
		table_db_close(&table->db);
	}
	if (!table->has_text && !load_text(table, &status, why))
		return RESULT_LATER;
	result = find_in_text(table, key, arena, value, line);
	if (result == RESULT_LATER)
		why_set(why, "%s:%zu: value too long", table->path, *line);
	return result;
}

enum result
table_each(
    struct table *table, table_row_fn *each, void *context, struct why *why)
{
	struct table_text text;
	struct stat status;

	if (!table->has_text && !load_text(table, &status, why))
		return RESULT_LATER;
	table_text_begin(&text, buf_slice(&table->text), table->format);
	while (table_text_next(&text))
		if (!each(context, text.key, text.value, text.line))
			break;
	table_text_end(&text);
	return RESULT_OK;
}

bool
table_rebuild(const char *path, enum table_format format,
    const char *cache_directory, size_t *rows, struct why *why)
{
	struct table_source source = { .path = path, .format = format };
	struct table_text text;
	struct buf bytes;
	bool ok;

	*rows = 0;
	buf_init(&bytes, TEXT_MAX);
	ok = read_text(path, &bytes, &source.status, why);
	source.bytes = buf_slice(&bytes);
	table_text_begin(&text, source.bytes, format);
	while (ok && table_text_next(&text))
		++*rows;
	if (text.bad_rows > 0)
		log_warning("table %s:%zu: no \"name: value\" here "
			    "(%zu such lines are ignored)",
		    path, text.first_bad_line, text.bad_rows);
	table_text_end(&text);
	if (ok && cache_directory != NULL && table_db_is_available() &&
	    source.status.st_size > TABLE_CACHE_SIZE)
		ok = table_db_build(cache_directory, &source, why);
	buf_free(&bytes);
	return ok;
}
