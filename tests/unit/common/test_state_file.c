/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "common/state_file.h"

#include "tests/unit/unit.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/siphash.h"

#define SLOTS (4 * STATE_WINDOW)

struct fixture {
	char path[64];
	struct state_file *state;
};

static int
setup(void **context)
{
	struct fixture *f = test_calloc(1, sizeof(*f));
	int fd;

	snprintf(f->path, sizeof(f->path), "/tmp/test_state.XXXXXX");
	fd = mkstemp(f->path);
	if (fd < 0)
		return -1;
	close(fd);
	f->state = state_open(f->path, SLOTS, NULL);
	*context = f;
	return f->state == NULL;
}

static int
teardown(void **context)
{
	struct fixture *f = *context;

	state_close(&f->state);
	unlink(f->path);
	test_free(f);
	return 0;
}

/* One more of key; its count. */
static uint32_t
count(struct fixture *f, const char *key, uint64_t now)
{
	struct state_record record;

	assert_true(state_take(f->state, slice_of(key), now, &record));
	record.count++;
	record.last = now;
	record.expires = now + 100;
	state_put(f->state, &record);
	return record.count;
}

static void
siphash_gives_the_values_of_its_paper(void **context)
{
	uint8_t key[SIPHASH_KEY_SIZE];
	char input[15];

	(void)context;
	for (size_t i = 0; i < sizeof(key); i++)
		key[i] = (uint8_t)i;
	for (size_t i = 0; i < sizeof(input); i++)
		input[i] = (char)i;
	assert_true(siphash(key, slice_make(input, sizeof(input))) ==
		    0xa129ca6149be45e5ULL);
	assert_true(
	    siphash(key, slice_make(input, 0)) == 0x726fdb47dd0e0e31ULL);
	assert_true(
	    siphash(key, slice_make(input, 8)) == 0x93f5f5799a932462ULL);
}

static void
what_is_put_is_found_until_it_expires(void **context)
{
	struct fixture *f = *context;
	struct state_record record;

	assert_int_equal(count(f, "a", 1000), 1);
	assert_int_equal(count(f, "a", 1010), 2);
	assert_int_equal(count(f, "b", 1010), 1);
	assert_true(state_find(f->state, S("a"), 1109, &record));
	assert_int_equal(record.count, 2);
	assert_int_equal(record.first, 1000);
	assert_false(state_find(f->state, S("a"), 1110, &record));
	assert_int_equal(count(f, "a", 1110), 1);
	/* Written in a future that did not come: not believed. */
	assert_false(state_find(f->state, S("b"), 1009, &record));
}

static void
it_is_there_after_opening_again(void **context)
{
	struct fixture *f = *context;
	struct state_record record;

	(void)count(f, "a", 1000);
	state_close(&f->state);
	f->state = state_open(f->path, SLOTS, NULL);
	assert_true(state_find(f->state, S("a"), 1001, &record));
	/* Another size is another file. */
	state_close(&f->state);
	f->state = state_open(f->path, 2 * SLOTS, NULL);
	assert_false(state_find(f->state, S("a"), 1001, &record));
}

/* More keys than there are places: the file does not grow, and what was
 * used last is there. */
static void
it_is_bounded_and_the_oldest_goes(void **context)
{
	struct fixture *f = *context;
	struct state_record record;
	struct stat before, after;
	size_t found = 0;
	char key[32];

	assert_int_equal(stat(f->path, &before), 0);
	for (unsigned int i = 0; i < 4 * SLOTS; i++) {
		snprintf(key, sizeof(key), "key %u", i);
		(void)count(f, key, 1000 + i / 8);
	}
	assert_int_equal(stat(f->path, &after), 0);
	assert_int_equal(before.st_size, after.st_size);
	assert_true(
	    state_find(f->state, slice_of(key), 1000 + 4 * SLOTS / 8, &record));
	for (unsigned int i = 0; i < 4 * SLOTS; i++) {
		snprintf(key, sizeof(key), "key %u", i);
		found += state_find(
		    f->state, slice_of(key), 1000 + 4 * SLOTS / 8, &record);
	}
	assert_true(found <= SLOTS && found > SLOTS / 2);
}

static void
a_damaged_record_is_a_free_one(void **context)
{
	struct fixture *f = *context;
	struct state_record record;
	char noise[4096];
	int fd = open(f->path, O_RDWR | O_CLOEXEC);

	(void)count(f, "a", 1000);
	memset(noise, 0xa5, sizeof(noise));
	assert_int_equal(pwrite(fd, noise, sizeof(noise), 64), sizeof(noise));
	assert_false(state_find(f->state, S("a"), 1001, &record));
	assert_int_equal(count(f, "a", 1001), 1);
	assert_int_equal(count(f, "a", 1001), 2);
	/* A damaged header: all is made anew. */
	assert_int_equal(pwrite(fd, noise, 20, 0), 20);
	state_close(&f->state);
	f->state = state_open(f->path, SLOTS, NULL);
	assert_int_equal(count(f, "a", 1002), 1);
	close(fd);
}

/* Cut anywhere. */
static void
a_file_of_any_length_is_made_right(void **context)
{
	struct fixture *f = *context;

	for (off_t size = 0; size < 200; size += 13) {
		state_close(&f->state);
		assert_int_equal(truncate(f->path, size), 0);
		f->state = state_open(f->path, SLOTS, NULL);
		assert_non_null(f->state);
		assert_int_equal(count(f, "a", 1000), 1);
	}
}

_Noreturn static void
count_for_ever(const struct fixture *f)
{
	struct state_file *state = state_open(f->path, SLOTS, NULL);
	struct state_record record;

	for (;;) {
		if (state == NULL ||
		    !state_take(state, S("shared"), 1000, &record))
			_exit(1);
		record.count++;
		record.expires = 2000;
		state_put(state, &record);
	}
}

/* Two writers, killed at any moment: the record is whole and not locked. */
static void
a_kill_leaves_no_lock_and_no_half(void **context)
{
	struct fixture *f = *context;
	struct state_record record;
	uint32_t last = 0;
	pid_t pids[2];

	for (int round = 0; round < 20; round++) {
		for (int i = 0; i < 2; i++) {
			pids[i] = fork();
			if (pids[i] == 0)
				count_for_ever(f);
		}
		/* Both work when the count moves. */
		do
			(void)state_find(f->state, S("shared"), 1000, &record);
		while (record.count < last + 5);
		for (int i = 0; i < 2; i++) {
			kill(pids[i], SIGKILL);
			waitpid(pids[i], NULL, 0);
		}
		assert_true(state_take(f->state, S("shared"), 1000, &record));
		assert_true(record.count >= last + 5);
		last = record.count;
		state_leave(f->state);
	}
}

static void
a_link_is_not_followed(void **context)
{
	struct fixture *f = *context;
	char name[80];

	snprintf(name, sizeof(name), "%s.link", f->path);
	assert_int_equal(symlink(f->path, name), 0);
	assert_null(state_open(name, SLOTS, NULL));
	unlink(name);
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(siphash_gives_the_values_of_its_paper),
		TEST(what_is_put_is_found_until_it_expires),
		TEST(it_is_there_after_opening_again),
		TEST(it_is_bounded_and_the_oldest_goes),
		TEST(a_damaged_record_is_a_free_one),
		TEST(a_file_of_any_length_is_made_right),
		TEST(a_kill_leaves_no_lock_and_no_half),
		TEST(a_link_is_not_followed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
