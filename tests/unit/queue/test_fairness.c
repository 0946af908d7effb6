/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "tests/unit/unit.h"

#include <string.h>

#include "common/io.h"

#include "queue/dispatch.h"

#include "tests/unit/queue/manager_fixture.h"

#define MANY 32

static const char *const to_there[] = { "x@there.test", NULL };
static const char *const to_other[] = { "x@other.test", NULL };

/* So many relays for one host as are asked for, each with its job. */
static size_t
take_agents(struct manager_fixture *f, struct agent_end *agents)
{
	size_t count = 0;

	while (is_agent_asked_for(f, SPAWNER_REMOTE)) {
		assert_true(count < MANY);
		expect_agent(f, SPAWNER_REMOTE, &agents[count]);
		expect_job(f, &agents[count++]);
	}
	return count;
}

static void
put_many(struct manager_fixture *f, const char *sender, size_t count)
{
	for (size_t i = 0; i < count; i++)
		put_message(f, sender, to_there);
}

static void
finish_job(struct agent_end *agent, char status, const char *code)
{
	answer(agent, agent->job.recipients[0].index, status, code, "answer");
	answer_done(agent, 0);
}

static void
close_all(struct agent_end *agents, size_t count)
{
	for (size_t i = 0; i < count; i++)
		agent_end_close(&agents[i]);
}

static void
a_host_gets_more_connections_when_it_bears_them(void **state)
{
	static struct agent_end agents[MANY];
	struct manager_fixture *f = *state;
	size_t count, more;

	put_many(f, "s@far.test", 2 * 5 + 2);
	count = take_agents(f, agents);
	assert_int_equal(count, 5);
	for (size_t i = 0; i < count; i++) {
		finish_job(&agents[i], 'D', "2.0.0");
		expect_job(f, &agents[i]);
	}
	/* Five went well: one more. */
	more = take_agents(f, agents + count);
	assert_int_equal(more, 1);
	close_all(agents, count + more);
}

static void
nobody_gets_more_than_the_limit(void **state)
{
	static struct agent_end agents[MANY];
	struct manager_fixture *f = *state;

	f->settings->destination_concurrency = 3;
	put_many(f, "s@far.test", 6);
	assert_int_equal(take_agents(f, agents), 3);
	for (size_t i = 0; i < 3; i++) {
		finish_job(&agents[i], 'D', "2.0.0");
		expect_job(f, &agents[i]);
	}
	assert_int_equal(take_agents(f, agents + 3), 0);
	close_all(agents, 3);
}

/* One of five connections fails: the host is not dead, it bears four. */
static void
a_failure_beside_others_leaves_what_works(void **state)
{
	static struct agent_end agents[MANY];
	struct manager_fixture *f = *state;

	put_many(f, "s@far.test", 10);
	assert_int_equal(take_agents(f, agents), 5);
	finish_job(&agents[0], 'T', "4.4.2");
	assert_int_equal(take_agents(f, agents + 5), 0);
	finish_job(&agents[1], 'D', "2.0.0");
	step(f);
	/* Agent 0 or 1 goes on, the other one has nothing to do. */
	assert_int_equal(take_agents(f, agents + 5), 0);
	assert_int_equal(schedule_count(f->manager.schedule), 10 - 1);
	close_all(agents, 5);
}

static struct destination *
find_there(const struct manager_fixture *f)
{
	struct destination *destination = NULL;

	for (size_t i = 0; i < DISPATCH_TABLE && destination == NULL; i++)
		destination = f->manager.dispatch->table[i];
	assert_non_null(destination);
	return destination;
}

/* A hanging host is left alone for twice as long each time; what comes
 * meanwhile is put off at once. Then one connection tries, until it works. */
static void
a_host_that_stays_dead_is_left_alone_for_longer(void **state)
{
	static const int64_t pauses[] = { 60, 120, 240, 480, 900, 900 };
	struct manager_fixture *f = *state;
	struct destination *there = NULL;
	struct agent_end agent;

	for (size_t i = 0; i < sizeof(pauses) / sizeof(pauses[0]); i++) {
		put_many(f, "s@far.test", 1);
		expect_agent(f, SPAWNER_REMOTE, &agent);
		expect_job(f, &agent);
		there = find_there(f);
		finish_job(&agent, 'T', "4.4.1");
		step_until_idle(f);
		assert_in_range(there->dead_until,
		    f->manager.now + pauses[i] * 1000 - 500,
		    f->manager.now + pauses[i] * 1000);
		put_many(f, "s@far.test", 3);
		assert_false(is_agent_asked_for(f, SPAWNER_REMOTE));
		agent_end_close(&agent);
		step(f);
		there->dead_until = 0;
	}
	assert_int_equal(there->window, 1);
	put_many(f, "s@far.test", 1);
	expect_agent(f, SPAWNER_REMOTE, &agent);
	expect_job(f, &agent);
	finish_job(&agent, 'D', "2.0.0");
	step_until_idle(f);
	assert_int_equal(
	    there->window, f->settings->initial_destination_concurrency);
	assert_int_equal(there->failures, 0);
	agent_end_close(&agent);
}

/* "rate limit" is known: one connection, and what was put off waits. */
static void
a_host_that_limits_the_rate_gets_one_connection(void **state)
{
	static struct agent_end agents[MANY];
	struct manager_fixture *f = *state;
	struct destination *there;
	struct entry *entry;

	put_many(f, "s@far.test", 12);
	assert_int_equal(take_agents(f, agents), 5);
	answer(&agents[0], agents[0].job.recipients[0].index, 'T', "4.7.0",
	    "450 4.7.0 rate limit exceeded");
	answer_done(&agents[0], 0);
	step(f);
	there = find_there(f);
	assert_int_equal(there->window, 1);
	for (size_t i = 1; i < 5; i++)
		finish_job(&agents[i], 'D', "2.0.0");
	assert_int_equal(take_agents(f, agents + 5), 0);
	assert_int_equal(there->running, 1);
	entry = schedule_find(f->manager.schedule, agents[0].job.id);
	assert_true(entry->due > f->manager.now + 590 * 1000);
	close_all(agents, 5);
}

static void
who_sends_much_lets_others_have_a_turn(void **state)
{
	static struct agent_end agents[MANY];
	struct manager_fixture *f = *state;
	char single[SPOOL_ID_SIZE], late[SPOOL_ID_SIZE];

	f->settings->destination_concurrency = 1;
	put_many(f, "bulk@far.test", 20);
	assert_int_equal(take_agents(f, agents), 1);
	put_message(f, "one@far.test", to_there);
	memcpy(single, f->id, sizeof(single));
	step(f);
	put_message(f, "one@far.test", to_there);
	memcpy(late, f->id, sizeof(late));
	step(f);
	/* One, bulk, one, bulk. */
	for (size_t i = 0; i < 4; i++) {
		finish_job(&agents[0], 'D', "2.0.0");
		expect_job(f, &agents[0]);
		if (i == 0)
			assert_string_equal(agents[0].job.id, single);
		else if (i == 2)
			assert_string_equal(agents[0].job.id, late);
		else
			assert_string_not_equal(agents[0].job.id, single);
	}
	close_all(agents, 1);
}

/* Mail that was tried before leaves a quarter of the relays alone. */
static void
what_was_tried_does_not_take_every_relay(void **state)
{
	static struct agent_end agents[MANY];
	struct manager_fixture *f = *state;

	f->settings->relay_processes = 4;
	put_many(f, "s@far.test", 5);
	manager_restart(f);
	while (f->manager.scan != NULL)
		step(f);
	assert_int_equal(take_agents(f, agents), 3);
	put_message(f, "s@far.test", to_other);
	assert_int_equal(take_agents(f, agents + 3), 1);
	close_all(agents, 4);
}

static void
a_destination_has_limits_of_its_own(void **state)
{
	static struct agent_end agents[MANY];
	struct manager_fixture *f = *state;

	write_file(f, "destinations",
	    "there.test destination_concurrency=2\n"
	    "other.test initial_destination_concurrency=8\n");
	put_many(f, "s@far.test", 5);
	assert_int_equal(take_agents(f, agents), 2);
	for (size_t i = 0; i < 10; i++)
		put_message(f, "s@far.test", to_other);
	assert_int_equal(take_agents(f, agents + 2), 8);
	close_all(agents, 10);
}

/* One message now, and the next one when its time has come; other hosts do
 * not wait. */
static void
a_rate_is_kept(void **state)
{
	static struct agent_end agents[MANY];
	struct manager_fixture *f = *state;
	struct destination *there;

	write_file(f, "destinations", "there.test destination_rate=60/h\n");
	put_many(f, "s@far.test", 3);
	assert_int_equal(take_agents(f, agents), 1);
	there = find_there(f);
	assert_in_range(there->next_start, f->manager.now + 59 * 1000,
	    f->manager.now + 60 * 1000);
	assert_true(f->manager.dispatch->next_start == there->next_start);
	finish_job(&agents[0], 'D', "2.0.0");
	assert_int_equal(take_agents(f, agents + 1), 0);
	put_message(f, "s@far.test", to_other);
	assert_int_equal(take_agents(f, agents + 1), 1);
	there->next_start = f->manager.now;
	expect_job(f, &agents[0]);
	assert_true(there->next_start > f->manager.now);
	assert_int_equal(there->waiting, 1);
	close_all(agents, 2);
}

/* One attempt is all for one of them; the other one is tried on. */
static void
a_recipient_is_tried_as_long_as_its_destination_says(void **state)
{
	static const char *const both[] = { "x@there.test", "x@other.test",
		NULL };
	struct manager_fixture *f = *state;
	struct agent_end agents[3];
	struct spool_message message;

	write_file(f, "destinations",
	    "there.test maximal_queue_lifetime=0\n"
	    "other.test minimal_backoff_time=30m\n");
	put_message(f, "s@far.test", both);
	for (size_t i = 0; i < 2; i++) {
		expect_agent(f, SPAWNER_REMOTE, &agents[i]);
		expect_job(f, &agents[i]);
	}
	for (size_t i = 0; i < 2; i++)
		finish_job(&agents[i], 'T', "4.2.1");
	/* The report: what it is about is settled. */
	expect_agent(f, SPAWNER_REMOTE, &agents[2]);
	expect_job(f, &agents[2]);
	read_back(f, f->id, &message);
	for (size_t i = 0; i < 2; i++)
		assert_int_equal(message.recipients[i].status,
		    slice_ends(message.recipients[i].address, S("there.test"))
			? RECIPIENT_BOUNCED
			: RECIPIENT_TODO);
	assert_true(schedule_find(f->manager.schedule, f->id)->due >
		    f->manager.now + 1700 * 1000);
	close_all(agents, 3);
}

int
main(void)
{
#define TEST(name)                                                             \
	cmocka_unit_test_setup_teardown(name, manager_setup, manager_teardown)
	const struct CMUnitTest tests[] = {
		TEST(a_host_gets_more_connections_when_it_bears_them),
		TEST(nobody_gets_more_than_the_limit),
		TEST(a_failure_beside_others_leaves_what_works),
		TEST(a_host_that_stays_dead_is_left_alone_for_longer),
		TEST(a_host_that_limits_the_rate_gets_one_connection),
		TEST(who_sends_much_lets_others_have_a_turn),
		TEST(what_was_tried_does_not_take_every_relay),
		TEST(a_destination_has_limits_of_its_own),
		TEST(a_rate_is_kept),
		TEST(a_recipient_is_tried_as_long_as_its_destination_says),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
