/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "tests/unit/unit.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/fsutil.h"
#include "common/table.h"
#include "common/table_text.h"

struct fixture {
	char path[64];
	char text[96];
	char cache[96];
	struct arena *arena;
};

static int
setup(void **state)
{
	struct fixture *f = test_calloc(1, sizeof(*f));

	snprintf(f->path, sizeof(f->path), "/tmp/test_table.XXXXXX");
	if (mkdtemp(f->path) == NULL)
		return -1;
	snprintf(f->text, sizeof(f->text), "%s/aliases", f->path);
	snprintf(f->cache, sizeof(f->cache), "%s/tables", f->path);
	f->arena = arena_new("test", 1 << 20);
	*state = f;
	return 0;
}

static int
teardown(void **state)
{
	struct fixture *f = *state;
	int status = remove_folder(f->path);

	arena_free(&f->arena);
	test_free(f);
	return status;
}

static void
rows_of_aliases_follow_the_classic_grammar(void **state)
{
	static const char bytes[] = "# comment\n"
				    "\n"
				    "Root: alice,\n"
				    "\tbob\n"
				    "# in between\n"
				    "  carol\n"
				    "\"odd name\": x\n"
				    "\"a:b\" : y\n"
				    "no colon here\n"
				    ": no name\n"
				    "last:z";
	static const struct {
		const char *key, *value;
		size_t line;
	} rows[] = { { "root", "alice, bob carol", 3 }, { "odd name", "x", 7 },
		{ "a:b", "y", 8 }, { "last", "z", 11 } };
	struct table_text text;

	(void)state;
	table_text_begin(&text, slice_of(bytes), TABLE_ALIASES);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_true(table_text_next(&text));
		assert_slice_equal(text.key, slice_of(rows[i].key));
		assert_slice_equal(text.value, slice_of(rows[i].value));
		assert_int_equal(text.line, rows[i].line);
	}
	assert_false(table_text_next(&text));
	assert_int_equal(text.bad_rows, 2);
	assert_int_equal(text.first_bad_line, 9);
	table_text_end(&text);
}

static void
rows_of_key_value_split_at_the_first_blank(void **state)
{
	struct table_text text;

	(void)state;
	table_text_begin(
	    &text, S("A@B.test  $y$x uid=1\n\thome=/h\nc\n"), TABLE_KEY_VALUE);
	assert_true(table_text_next(&text));
	assert_slice_equal(text.key, S("a@b.test"));
	assert_slice_equal(text.value, S("$y$x uid=1 home=/h"));
	assert_true(table_text_next(&text));
	assert_slice_equal(text.key, S("c"));
	assert_int_equal(text.value.len, 0);
	assert_false(table_text_next(&text));
	table_text_end(&text);
}

static void
write_text(struct fixture *f, size_t rows, const char *last)
{
	struct buf bytes;

	buf_init(&bytes, 1 << 20);
	for (size_t i = 0; i < rows; i++)
		buf_add_format(&bytes, "name%zu: user%zu, other%zu\n", i, i, i);
	buf_add_string(&bytes, last);
	assert_true(
	    fs_replace(AT_FDCWD, f->text, buf_slice(&bytes), 0644, NULL));
	buf_free(&bytes);
}

static void
assert_found(struct fixture *f, const char *key, const char *expected,
    size_t expected_line)
{
	struct why why = { 0 };
	struct table *table =
	    table_open(f->text, TABLE_ALIASES, f->cache, &why);
	struct slice value;
	size_t line;

	assert_non_null(table);
	if (expected == NULL) {
		assert_int_equal(table_find(table, slice_of(key), f->arena,
				     &value, &line, &why),
		    RESULT_NEVER);
	} else {
		assert_int_equal(table_find(table, slice_of(key), f->arena,
				     &value, &line, &why),
		    RESULT_OK);
		assert_slice_equal(value, slice_of(expected));
		assert_int_equal(line, expected_line);
	}
	table_close(&table);
}

/* Names in the cache directory that are not known. */
static size_t
count_litter(struct fixture *f, size_t *caches)
{
	DIR *directory = opendir(f->cache);
	struct dirent *entry;
	size_t litter = 0;

	*caches = 0;
	if (directory == NULL)
		return 0;
	while ((entry = readdir(directory)) != NULL) {
		struct slice name = slice_of(entry->d_name);

		if (slice_ends(name, S(".db")) && !slice_starts(name, S("__")))
			++*caches;
		else if (name.ptr[0] != '.' && !slice_eq(name, S("lock")) &&
			 !slice_eq(name, S("DB_CONFIG")))
			litter++;
	}
	closedir(directory);
	return litter;
}

static void
small_and_missing_tables_are_text(void **state)
{
	struct fixture *f = *state;
	size_t caches;

	assert_found(f, "x", NULL, 0);
	write_text(f, 3, "name1: second\n");
	assert_found(f, "NAME1", "user1, other1", 2);
	assert_found(f, "name3", NULL, 0);
	assert_int_equal(count_litter(f, &caches), 0);
	assert_int_equal(caches, 0);
}

static void
large_tables_give_the_same_answers(void **state)
{
	struct fixture *f = *state;
	size_t caches;

	write_text(f, 3000, "name1: second\nlast: one\n");
	for (int round = 0; round < 2; round++) {
		assert_found(f, "Name1", "user1, other1", 2);
		assert_found(f, "last", "one", 3002);
		assert_found(f, "name3000", NULL, 0);
	}
	assert_int_equal(count_litter(f, &caches), 0);
#ifdef WITH_DB
	assert_int_equal(caches, 1);
#else
	assert_int_equal(caches, 0);
#endif
	write_text(f, 3000, "last: two\n");
	assert_found(f, "last", "two", 3001);
}

static void
a_damaged_or_foreign_cache_is_made_anew(void **state)
{
	static const char *const contents[] = { "", "not a database\n" };
	struct fixture *f = *state;
	char path[512] = "";
	struct dirent *entry;
	DIR *directory;

	write_text(f, 3000, "last: one\n");
	assert_found(f, "last", "one", 3001);
	directory = opendir(f->cache);
	while (directory != NULL && (entry = readdir(directory)) != NULL)
		if (slice_ends(slice_of(entry->d_name), S(".db")))
			snprintf(path, sizeof(path), "%s/%s", f->cache,
			    entry->d_name);
	if (directory != NULL)
		closedir(directory);
	for (size_t i = 0; path[0] != '\0' && i < 2; i++) {
		assert_true(fs_replace(
		    AT_FDCWD, path, slice_of(contents[i]), 0644, NULL));
		assert_found(f, "last", "one", 3001);
		assert_found(f, "name7", "user7, other7", 8);
	}
}

static void
a_directory_that_others_may_write_is_not_used(void **state)
{
	struct fixture *f = *state;
	size_t caches;

	assert_int_equal(mkdir(f->cache, 0700), 0);
	assert_int_equal(chmod(f->cache, 0777), 0);
	write_text(f, 3000, "last: one\n");
	assert_found(f, "last", "one", 3001);
	assert_int_equal(count_litter(f, &caches), 0);
	assert_int_equal(caches, 0);
}

static void
rebuild_counts_the_rows(void **state)
{
	struct fixture *f = *state;
	struct why why;
	size_t rows;

	write_text(f, 3000, "# end\n");
	assert_true(
	    table_rebuild(f->text, TABLE_ALIASES, f->cache, &rows, &why));
	assert_int_equal(rows, 3000);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rows_of_aliases_follow_the_classic_grammar),
		cmocka_unit_test(rows_of_key_value_split_at_the_first_blank),
		TEST(small_and_missing_tables_are_text),
		TEST(large_tables_give_the_same_answers),
		TEST(a_damaged_or_foreign_cache_is_made_anew),
		TEST(a_directory_that_others_may_write_is_not_used),
		TEST(rebuild_counts_the_rows),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
