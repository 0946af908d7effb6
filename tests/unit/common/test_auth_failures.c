/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "common/auth_failures.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/unit/unit.h"

enum {
	START = 1000000,
	PERIOD = 3600,
	MEMORY = 86400
};

struct room {
	char directory[64];
	struct settings settings;
	struct auth_failures failures;
};

static void
enter(struct room *room)
{
	struct why why = { 0 };

	memset(room, 0, sizeof(*room));
	snprintf(room->directory, sizeof(room->directory),
	    "/tmp/merpati-failures-XXXXXX");
	assert_non_null(mkdtemp(room->directory));
	room->settings.state_directory = room->directory;
	room->settings.auth_failures_account = 3;
	room->settings.auth_failures_network = 6;
	room->settings.auth_failure_period = PERIOD;
	room->settings.auth_success_memory = MEMORY;
	assert_true(auth_failures_open(&room->settings, &room->failures, &why));
}

static void
leave(struct room *room)
{
	char path[128];

	auth_failures_close(&room->failures);
	snprintf(path, sizeof(path), "%s/auth-failures", room->directory);
	unlink(path);
	assert_int_equal(rmdir(room->directory), 0);
}

static struct auth_attempt
attempt(const char *account, const char *peer, const char *secret, int64_t now)
{
	struct auth_attempt attempt = { .account = slice_of(account),
		.secret = slice_of(secret),
		.now = now };

	assert_true(netaddr_parse(slice_of(peer), &attempt.peer));
	return attempt;
}

static bool
is_over(struct room *room, const char *account, const char *peer, int64_t now)
{
	struct auth_attempt a = attempt(account, peer, "", now);

	return auth_failures_is_over(&room->failures, &a);
}

static enum failure_count
miss(struct room *room, const char *account, const char *peer,
    const char *secret)
{
	struct auth_attempt a = attempt(account, peer, secret, START);

	return auth_failures_add(&room->failures, &a);
}

static void
an_account_has_its_budget(void **state)
{
	struct room room;

	(void)state;
	enter(&room);
	miss(&room, "alice", "192.0.2.1", "a");
	miss(&room, "Alice", "192.0.2.2", "b");
	assert_false(is_over(&room, "alice", "192.0.2.3", START));
	miss(&room, "alice", "192.0.2.3", "c");
	assert_true(is_over(&room, "alice", "192.0.2.4", START));
	assert_true(is_over(&room, "ALICE", "192.0.2.4", START));
	assert_false(is_over(&room, "bob", "192.0.2.4", START));
	/* A third of the period gives one more. */
	assert_true(is_over(&room, "alice", "192.0.2.4", START + 1190));
	assert_false(is_over(&room, "alice", "192.0.2.4", START + 1210));
	leave(&room);
}

static void
a_network_has_its_budget(void **state)
{
	char name[16];
	struct room room;

	(void)state;
	enter(&room);
	for (int i = 0; i < 6; i++) {
		assert_false(is_over(&room, "other", "2001:db8::1", START));
		snprintf(name, sizeof(name), "user%d", i);
		miss(&room, name, "2001:db8::1", "x");
	}
	assert_true(is_over(&room, "other", "2001:db8::1", START));
	assert_true(is_over(&room, "other", "2001:db8::ffff:1", START));
	assert_false(is_over(&room, "other", "2001:db8:0:1::1", START));
	leave(&room);
}

static void
the_same_wrong_password_counts_once(void **state)
{
	struct room room;

	(void)state;
	enter(&room);
	assert_int_equal(
	    miss(&room, "alice", "192.0.2.1", "old"), FAILURE_COUNTED);
	for (int i = 0; i < 20; i++)
		assert_int_equal(
		    miss(&room, "alice", "192.0.2.1", "old"), FAILURE_AGAIN);
	assert_false(is_over(&room, "alice", "192.0.2.1", START));
	/* It is another one for another account, and so is no password. */
	assert_int_equal(
	    miss(&room, "bob", "192.0.2.1", "old"), FAILURE_COUNTED);
	assert_int_equal(
	    miss(&room, "alice", "192.0.2.1", ""), FAILURE_COUNTED);
	assert_int_equal(
	    miss(&room, "alice", "192.0.2.1", ""), FAILURE_COUNTED);
	assert_true(is_over(&room, "alice", "192.0.2.1", START));
	leave(&room);
}

static void
a_network_of_recent_success_is_never_locked_out(void **state)
{
	struct auth_attempt success;
	struct room room;

	(void)state;
	enter(&room);
	success = attempt("alice", "192.0.2.1", "", START - 100);
	auth_failures_success(&room.failures, &success);
	for (char c = 'a'; c < 'z'; c++)
		assert_int_equal(
		    miss(&room, "alice", "192.0.2.1", (char[2]){ c }),
		    FAILURE_TRUSTED);
	assert_false(is_over(&room, "alice", "192.0.2.1", START));
	assert_true(is_over(&room, "alice", "192.0.2.2", START));
	assert_true(is_over(&room, "alice", "192.0.2.2", START + PERIOD - 10));
	assert_false(
	    is_over(&room, "alice", "192.0.2.1", START - 100 + MEMORY - 1));
	leave(&room);
}

/* Another process sees the same; a foreign file is made anew. */
static void
the_memory_is_shared_and_can_be_lost(void **state)
{
	struct auth_failures second;
	struct why why = { 0 };
	struct room room;
	uint8_t key[SHA256_SIZE];
	char path[128];
	int fd;

	(void)state;
	enter(&room);
	for (char c = 'a'; c < 'e'; c++)
		miss(&room, "alice", "192.0.2.1", (char[2]){ c });
	assert_true(auth_failures_open(&room.settings, &second, &why));
	assert_memory_equal(second.key, room.failures.key, SHA256_SIZE);
	memcpy(key, second.key, sizeof(key));
	assert_true(is_over(&room, "alice", "192.0.2.9", START));
	auth_failures_close(&second);
	auth_failures_close(&room.failures);
	snprintf(path, sizeof(path), "%s/auth-failures", room.directory);
	fd = open(path, O_WRONLY | O_TRUNC);
	assert_int_equal(write(fd, "rubbish", 7), 7);
	close(fd);
	assert_true(auth_failures_open(&room.settings, &room.failures, &why));
	assert_false(is_over(&room, "alice", "192.0.2.9", START));
	assert_memory_not_equal(room.failures.key, key, SHA256_SIZE);
	leave(&room);
}

static void
without_a_memory_nobody_is_refused(void **state)
{
	char nowhere[] = "/nonexistent/merpati";
	struct settings settings = { .state_directory = nowhere };
	struct auth_failures failures;
	struct auth_attempt a;
	struct why why = { 0 };

	(void)state;
	assert_false(auth_failures_open(&settings, &failures, &why));
	a = attempt("alice", "192.0.2.1", "x", START);
	for (int i = 0; i < 100; i++)
		assert_int_equal(
		    auth_failures_add(&failures, &a), FAILURE_COUNTED);
	assert_false(auth_failures_is_over(&failures, &a));
	auth_failures_success(&failures, &a);
	auth_failures_close(&failures);
}

/* A flood of names does not push out what is worth keeping. */
static void
a_flood_of_names_leaves_the_worst(void **state)
{
	char name[32];
	struct room room;

	(void)state;
	enter(&room);
	for (char c = 'a'; c < 'g'; c++)
		miss(&room, "alice", "192.0.2.1", (char[2]){ c });
	for (int i = 0; i < 40000; i++) {
		snprintf(name, sizeof(name), "flood%d", i);
		miss(&room, name, "198.51.100.1", "x");
	}
	assert_true(is_over(&room, "alice", "192.0.2.9", START));
	assert_true(is_over(&room, "bob", "198.51.100.1", START));
	leave(&room);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_account_has_its_budget),
		cmocka_unit_test(a_network_has_its_budget),
		cmocka_unit_test(the_same_wrong_password_counts_once),
		cmocka_unit_test(
		    a_network_of_recent_success_is_never_locked_out),
		cmocka_unit_test(the_memory_is_shared_and_can_be_lost),
		cmocka_unit_test(without_a_memory_nobody_is_refused),
		cmocka_unit_test(a_flood_of_names_leaves_the_worst),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
