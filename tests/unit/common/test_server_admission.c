/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "tests/unit/unit.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/server_admission.h"
#include "common/server_notice.h"

static const struct admission_limits limits = { 40, 5 };

struct fixture {
	struct server_children children;
	int64_t now;
	pid_t pid;
};

static int
setup(void **state)
{
	struct fixture *f = test_calloc(1, sizeof(*f));

	f->now = 1000000;
	*state = f;
	return 0;
}

static int
teardown(void **state)
{
	struct fixture *f = *state;

	server_children_free(&f->children);
	test_free(f);
	return 0;
}

static struct netaddr
address(const char *text)
{
	struct netaddr out;

	assert_true(netaddr_parse(slice_of(text), &out));
	return out;
}

static struct server_child *
hold(struct fixture *f, const char *peer)
{
	struct netaddr from = address(peer);
	struct server_child *child =
	    server_children_add(&f->children, ++f->pid, "smtpd", -1);

	server_children_begin(&f->children, child, &from);
	child->began = f->now++;
	return child;
}

/* count connections from as many addresses, "%d" of the pattern. */
static void
hold_many(struct fixture *f, const char *pattern, int count)
{
	char text[64];

	for (int i = 0; i < count; i++) {
		snprintf(text, sizeof(text), "%s%d", pattern, i + 1);
		(void)hold(f, text);
	}
}

static enum admission
ask(const struct fixture *f, const char *peer, size_t *victim)
{
	const struct newcomer newcomer = { .peer = address(peer),
		.now = f->now };

	*victim = SIZE_MAX;
	return admission_decide(&limits, &f->children, &newcomer, victim);
}

static void
an_address_has_its_share(void **state)
{
	struct fixture *f = *state;
	struct newcomer newcomer = { .now = f->now };
	size_t victim;

	for (int i = 0; i < 5; i++) {
		assert_int_equal(ask(f, "192.0.2.1", &victim), ADMISSION_YES);
		(void)hold(f, "192.0.2.1");
	}
	assert_int_equal(ask(f, "192.0.2.1", &victim), ADMISSION_CLIENT);
	assert_int_equal(ask(f, "192.0.2.2", &victim), ADMISSION_YES);
	/* Who is leaving has gone; trusted ones and proxies are not counted. */
	newcomer.peer = address("192.0.2.1");
	newcomer.is_trusted = true;
	assert_int_equal(
	    admission_decide(&limits, &f->children, &newcomer, &victim),
	    ADMISSION_YES);
	newcomer.is_trusted = false;
	newcomer.is_proxy = true;
	assert_int_equal(
	    admission_decide(&limits, &f->children, &newcomer, &victim),
	    ADMISSION_YES);
	f->children.items[0].is_leaving = true;
	assert_int_equal(ask(f, "192.0.2.1", &victim), ADMISSION_YES);
}

static void
a_network_has_a_quarter(void **state)
{
	struct fixture *f = *state;
	size_t victim;

	hold_many(f, "192.0.2.", 9);
	assert_int_equal(ask(f, "192.0.2.200", &victim), ADMISSION_YES);
	(void)hold(f, "192.0.2.200");
	assert_int_equal(ask(f, "192.0.2.201", &victim), ADMISSION_NETWORK);
	assert_int_equal(ask(f, "192.0.3.1", &victim), ADMISSION_YES);
	for (int i = 0; i < 10; i++) {
		char text[64];

		snprintf(text, sizeof(text), "2001:db8:1:%d::1", i + 1);
		(void)hold(f, text);
	}
	assert_int_equal(
	    ask(f, "2001:db8:1:99::1", &victim), ADMISSION_NETWORK);
	assert_int_equal(ask(f, "2001:db8:2:99::1", &victim), ADMISSION_YES);
}

static void
fill(struct fixture *f)
{
	hold_many(f, "198.51.100.", 10);
	hold_many(f, "198.51.101.", 8);
	hold_many(f, "203.0.113.", 9);
	hold_many(f, "10.1.2.", 9);
	(void)hold(f, "192.0.2.1");
	(void)hold(f, "192.0.2.1");
	(void)hold(f, "192.0.2.2");
	(void)hold(f, "192.1.2.2");
}

/* The largest /16 is 198.51, in it the largest /24 is .100, all its
 * addresses have one: the oldest. */
static void
the_oldest_of_the_largest_crowd_goes(void **state)
{
	struct fixture *f = *state;
	size_t victim;

	fill(f);
	assert_int_equal(ask(f, "192.0.2.9", &victim), ADMISSION_EVICT);
	assert_int_equal(victim, 0);
	/* Unless it is logged in, trusted, or going already. */
	f->children.items[0].is_logged_in = true;
	f->children.items[1].is_trusted = true;
	assert_int_equal(ask(f, "8.8.8.8", &victim), ADMISSION_EVICT);
	assert_int_equal(victim, 2);
	f->children.items[2].is_leaving = true;
	assert_int_equal(ask(f, "8.8.8.8", &victim), ADMISSION_YES);
}

static void
the_largest_crowd_competes_with_itself(void **state)
{
	struct fixture *f = *state;
	size_t victim;

	fill(f);
	/* Its own /24 has its quarter; a small one in the same /16 gains. */
	assert_int_equal(ask(f, "198.51.100.99", &victim), ADMISSION_NETWORK);
	assert_int_equal(ask(f, "198.51.102.1", &victim), ADMISSION_EVICT);
	assert_int_equal(victim, 0);
	/* One that is nearly as large would only swap places. */
	(void)server_children_remove(&f->children, 1);
	(void)hold(f, "198.51.101.100");
	assert_int_equal(ask(f, "198.51.101.101", &victim), ADMISSION_FULL);
	/* But not for ever. */
	f->now += ADMISSION_PATIENCE;
	assert_int_equal(ask(f, "198.51.101.101", &victim), ADMISSION_EVICT);
}

/* Who has begun a message stays while there are others, and longer. */
static void
who_sends_mail_goes_last(void **state)
{
	struct fixture *f = *state;
	size_t victim;

	fill(f);
	for (size_t i = 0; i < 39; i++)
		f->children.items[i].has_mail = true;
	assert_int_equal(ask(f, "8.8.8.8", &victim), ADMISSION_EVICT);
	assert_int_equal(victim, 0);
	f->now += ADMISSION_PATIENCE;
	assert_int_equal(ask(f, "8.8.8.8", &victim), ADMISSION_EVICT);
	assert_int_equal(victim, 39);
	f->children.items[39].has_mail = true;
	(void)server_children_remove(&f->children, 1);
	hold(f, "198.51.101.100")->has_mail = true;
	assert_int_equal(ask(f, "198.51.101.101", &victim), ADMISSION_FULL);
	f->now += ADMISSION_PATIENCE_MAIL;
	assert_int_equal(ask(f, "198.51.101.101", &victim), ADMISSION_EVICT);
}

/* Forty networks, one place each: nobody is a crowd, so time decides. */
static void
many_networks_lose_their_oldest_in_time(void **state)
{
	struct fixture *f = *state;
	size_t victim;
	char text[64];

	for (int i = 0; i < 40; i++) {
		snprintf(text, sizeof(text), "%d.1.1.1", i + 1);
		(void)hold(f, text);
	}
	assert_int_equal(ask(f, "99.1.1.1", &victim), ADMISSION_FULL);
	f->now = f->children.items[0].began + ADMISSION_PATIENCE - 1;
	assert_int_equal(ask(f, "99.1.1.1", &victim), ADMISSION_FULL);
	f->now++;
	assert_int_equal(ask(f, "99.1.1.1", &victim), ADMISSION_EVICT);
	assert_int_equal(victim, 0);
}

static void
trusted_clients_get_a_strangers_place_and_lose_none(void **state)
{
	struct fixture *f = *state;
	struct newcomer newcomer = {
		.peer = address("127.0.0.1"), .is_trusted = true, .now = f->now
	};
	size_t victim;

	for (int i = 0; i < 39; i++)
		hold(f, "127.0.0.1")->is_trusted = true;
	(void)hold(f, "192.0.2.1");
	newcomer.now = f->now;
	assert_int_equal(
	    admission_decide(&limits, &f->children, &newcomer, &victim),
	    ADMISSION_EVICT);
	assert_int_equal(victim, 39);
	f->children.items[39].is_logged_in = true;
	f->now += 10 * ADMISSION_PATIENCE;
	assert_int_equal(ask(f, "192.0.2.2", &victim), ADMISSION_FULL);
	newcomer.now = f->now;
	assert_int_equal(
	    admission_decide(&limits, &f->children, &newcomer, &victim),
	    ADMISSION_FULL);
}

static void
zero_is_no_limit(void **state)
{
	const struct admission_limits none = { 0, 0 };
	struct fixture *f = *state;
	struct newcomer newcomer = { .peer = address("192.0.2.1"),
		.now = f->now };
	size_t victim;

	for (int i = 0; i < 1000; i++)
		(void)hold(f, "192.0.2.1");
	assert_int_equal(
	    admission_decide(&none, &f->children, &newcomer, &victim),
	    ADMISSION_YES);
	assert_false(
	    admission_is_over(&none, &f->children, &f->children.items[0]));
}

static void
a_client_behind_a_proxy_is_counted(void **state)
{
	struct fixture *f = *state;
	struct server_child *last = NULL;

	for (int i = 0; i < 5; i++)
		last = hold(f, "192.0.2.1");
	assert_false(admission_is_over(&limits, &f->children, last));
	last = hold(f, "192.0.2.1");
	assert_true(admission_is_over(&limits, &f->children, last));
	last->is_trusted = true;
	assert_false(admission_is_over(&limits, &f->children, last));
}

static void
notices_arrive_whole_or_not_at_all(void **state)
{
	struct netaddr peer = address("192.0.2.1");
	struct notice notice;
	int ends[2];

	(void)state;
	notice_send(-1, NOTICE_LOGIN, &peer);
	assert_int_equal(pipe2(ends, O_CLOEXEC | O_NONBLOCK), 0);
	assert_false(notice_receive(ends[0], &notice));
	notice_send(ends[1], NOTICE_PEER, &peer);
	assert_true(notice_receive(ends[0], &notice));
	assert_int_equal(notice.kind, NOTICE_PEER);
	assert_int_equal(notice.pid, getpid());
	assert_memory_equal(&notice.peer, &peer, sizeof(peer));
	assert_int_equal(write(ends[1], "half", 4), 4);
	assert_false(notice_receive(ends[0], &notice));
	close(ends[0]);
	close(ends[1]);
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(an_address_has_its_share),
		TEST(a_network_has_a_quarter),
		TEST(the_oldest_of_the_largest_crowd_goes),
		TEST(the_largest_crowd_competes_with_itself),
		TEST(who_sends_mail_goes_last),
		TEST(many_networks_lose_their_oldest_in_time),
		TEST(trusted_clients_get_a_strangers_place_and_lose_none),
		TEST(zero_is_no_limit),
		TEST(a_client_behind_a_proxy_is_counted),
		TEST(notices_arrive_whole_or_not_at_all),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
