/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "tests/unit/unit.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/arena.h"
#include "common/fsutil.h"
#include "common/io.h"

static void
enter_scratch(char *path)
{
	assert_non_null(mkdtemp(path));
	assert_int_equal(chdir(path), 0);
}

static void
replace_is_atomic_and_has_its_mode(void **state)
{
	char path[] = "/tmp/merpati-test-XXXXXX";
	struct stat status;
	struct buf text;
	struct why why;

	(void)state;
	enter_scratch(path);
	buf_init(&text, 100);
	umask(077);
	assert_true(fs_replace(AT_FDCWD, "a", S("one"), 0644, &why));
	assert_true(fs_replace(AT_FDCWD, "a", S("two"), 0640, &why));
	assert_true(fs_read_file(AT_FDCWD, "a", &text, &why));
	assert_slice_equal(buf_slice(&text), S("two"));
	assert_int_equal(stat("a", &status), 0);
	assert_int_equal(status.st_mode & 07777, 0640);
	assert_false(fs_replace(AT_FDCWD, "no/a", S("x"), 0644, &why));
	assert_non_null(why.text);
	unlink("a");
	assert_int_equal(rmdir(path), 0);
	buf_free(&text);
}

static void
reading_stops_at_the_ceiling(void **state)
{
	char path[] = "/tmp/merpati-test-XXXXXX";
	struct buf text;
	struct why why;

	(void)state;
	enter_scratch(path);
	assert_true(fs_replace(AT_FDCWD, "a", S("12345"), 0600, &why));
	buf_init(&text, 5);
	assert_true(fs_read_file(AT_FDCWD, "a", &text, &why));
	buf_free(&text);
	buf_init(&text, 4);
	assert_false(fs_read_file(AT_FDCWD, "a", &text, &why));
	buf_free(&text);
	unlink("a");
	rmdir(path);
}

static void
directories_are_made_with_their_parents(void **state)
{
	char path[] = "/tmp/merpati-test-XXXXXX";
	struct why why;

	(void)state;
	enter_scratch(path);
	assert_true(fs_make_directories("a/b/c", 0700, &why));
	assert_true(fs_make_directories("a/b/c", 0700, &why));
	assert_false(fs_make_directories("", 0700, &why));
	rmdir("a/b/c");
	rmdir("a/b");
	rmdir("a");
	rmdir(path);
}

static void
a_lock_keeps_another_process_out(void **state)
{
	char path[] = "/tmp/merpati-test-XXXXXX";
	int fd = mkstemp(path), status;
	pid_t child;

	(void)state;
	assert_true(fs_lock(fd, true, io_now()));
	child = fork();
	if (child == 0) {
		fd = open(path, O_RDWR | O_CLOEXEC);
		_exit(fs_lock(fd, false, io_now()) ? 1 : 0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	close(fd);
	unlink(path);
}

static void
an_arena_has_a_ceiling(void **state)
{
	struct arena *arena = arena_new("test", 10000);
	struct slice copy;

	(void)state;
	assert_non_null(arena_alloc(arena, 5000));
	assert_non_null(arena_alloc(arena, 4992));
	assert_null(arena_alloc(arena, 100));
	arena_reset(arena);
	assert_int_equal(arena_used(arena), 0);
	copy = arena_slice(arena, S("text"));
	assert_slice_equal(copy, S("text"));
	assert_null(arena_alloc(arena, SIZE_MAX));
	arena_free(&arena);
	assert_null(arena);
}

static void
a_deadline_passes_while_nothing_comes(void **state)
{
	int pipes[2];
	char byte;
	size_t got;

	(void)state;
	assert_int_equal(pipe(pipes), 0);
	assert_int_equal(
	    io_read_some(pipes[0], &byte, 1, &got, io_now() + 20), IO_TIMEOUT);
	assert_int_equal(io_write_all(pipes[1], S("ab"), io_now() + 20), IO_OK);
	assert_int_equal(
	    io_read_some(pipes[0], &byte, 1, &got, io_now() + 20), IO_OK);
	close(pipes[1]);
	assert_int_equal(io_read_all(pipes[0], &byte, 1, io_now() + 20), IO_OK);
	assert_int_equal(
	    io_read_all(pipes[0], &byte, 1, io_now() + 20), IO_EOF);
	close(pipes[0]);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(replace_is_atomic_and_has_its_mode),
		cmocka_unit_test(reading_stops_at_the_ceiling),
		cmocka_unit_test(directories_are_made_with_their_parents),
		cmocka_unit_test(a_lock_keeps_another_process_out),
		cmocka_unit_test(an_arena_has_a_ceiling),
		cmocka_unit_test(a_deadline_passes_while_nothing_comes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
