/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "tests/unit/unit.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "queue/edit.h"
#include "queue/reason.h"

#include "tests/unit/queue/manager_fixture.h"

static const char *const to_alice[] = { "alice@here.test", NULL };
static const char *const to_there[] = { "x@there.test", NULL };

static void
hold(struct manager_fixture *f, const char *id, time_t until)
{
	char line[96];

	snprintf(
	    line, sizeof(line), "hold %s until=%lld\n", id, (long long)until);
	say(f, line);
}

static uint32_t
flags_of(struct manager_fixture *f, const char *id)
{
	struct spool_message message;

	read_back(f, id, &message);
	return message.schedule.flags;
}

static void
end_scan(struct manager_fixture *f)
{
	while (f->manager.scan != NULL)
		step(f);
}

static void
a_hold_with_an_end_ends(void **state)
{
	struct manager_fixture *f = *state;
	struct agent_end agent;
	struct entry *entry;

	put_message(f, "s@far.test", to_alice);
	hold(f, f->id, time(NULL) + 1000);
	assert_false(is_agent_asked_for(f, SPAWNER_LOCAL));
	assert_int_equal(flags_of(f, f->id) & (SCHEDULE_HOLD | SCHEDULE_UNTIL),
	    SCHEDULE_HOLD | SCHEDULE_UNTIL);
	/* Nobody's hurry ends it, nor a restart. */
	say(f, "retry all\n");
	manager_restart(f);
	end_scan(f);
	assert_false(is_agent_asked_for(f, SPAWNER_LOCAL));
	entry = schedule_find(f->manager.schedule, f->id);
	assert_true(entry->due > f->manager.now + 900 * 1000);
	hold(f, f->id, time(NULL) + 1);
	expect_agent(f, SPAWNER_LOCAL, &agent);
	expect_job(f, &agent);
	assert_int_equal(
	    flags_of(f, f->id) & (SCHEDULE_HOLD | SCHEDULE_UNTIL), 0);
	agent_end_close(&agent);
}

static void
release_ends_a_hold_with_an_end(void **state)
{
	struct manager_fixture *f = *state;
	struct agent_end agent;
	char line[64];

	put_message(f, "s@far.test", to_alice);
	hold(f, f->id, time(NULL) + 1000);
	assert_false(is_agent_asked_for(f, SPAWNER_LOCAL));
	snprintf(line, sizeof(line), "release %s\n", f->id);
	say(f, line);
	expect_agent(f, SPAWNER_LOCAL, &agent);
	agent_end_close(&agent);
}

/* What is under way goes on; what is left is held until then. */
static void
a_hold_of_what_is_under_way_counts_afterwards(void **state)
{
	struct manager_fixture *f = *state;
	struct spool_message message;
	struct agent_end agent;
	time_t until = time(NULL) + 1000;

	put_message(f, "s@far.test", to_alice);
	expect_agent(f, SPAWNER_LOCAL, &agent);
	expect_job(f, &agent);
	hold(f, f->id, until);
	answer(&agent, 0, 'T', "4.2.2", "full");
	answer_done(&agent, 0);
	step_until_idle(f);
	read_back(f, f->id, &message);
	assert_int_equal(message.schedule.next, until);
	assert_true(message.schedule.flags & SCHEDULE_HOLD);
	say(f, "retry all\n");
	assert_false(is_agent_asked_for(f, SPAWNER_LOCAL));
	agent_end_close(&agent);
}

static const char *
reason_of(struct manager_fixture *f)
{
	static char text[400];
	struct reason reason;

	reason_read(f->spool_fd, f->id, f->arena, &reason, 1);
	(void)slice_to_array(reason.text, text, sizeof(text));
	return text;
}

static void
a_paused_destination_waits(void **state)
{
	struct manager_fixture *f = *state;
	struct agent_end agent;

	say(f, "pause there.test 0 they move house\n");
	put_message(f, "s@far.test", to_there);
	assert_false(is_agent_asked_for(f, SPAWNER_REMOTE));
	step_until_idle(f);
	assert_string_equal(
	    reason_of(f), "paused by the administrator: they move house");
	put_message(f, "s@far.test", to_alice);
	expect_agent(f, SPAWNER_LOCAL, &agent);
	agent_end_close(&agent);
	step_until_idle(f);
	/* It holds across a restart, for an operator's retry too. */
	manager_restart(f);
	end_scan(f);
	say(f, "retry all\n");
	assert_false(is_agent_asked_for(f, SPAWNER_REMOTE));
	say(f, "resume there.test 0\n");
	expect_agent(f, SPAWNER_REMOTE, &agent);
	agent_end_close(&agent);
}

static void
a_pause_ends_by_itself(void **state)
{
	struct manager_fixture *f = *state;
	struct agent_end agent;
	char line[96];

	snprintf(line, sizeof(line), "pause remote %lld\n",
	    (long long)time(NULL) + 2);
	say(f, line);
	put_message(f, "s@far.test", to_there);
	assert_false(is_agent_asked_for(f, SPAWNER_REMOTE));
	expect_agent(f, SPAWNER_REMOTE, &agent);
	assert_int_equal(f->manager.pauses->count, 0);
	agent_end_close(&agent);
}

/* One connection, three messages: one under way, two in line. */
static void
pause_stops_the_line_and_drain_does_not(void **state)
{
	struct manager_fixture *f = *state;

	f->settings->destination_concurrency = 1;
	for (int is_drain = 0; is_drain < 2; is_drain++) {
		struct agent_end agent;

		for (int i = 0; i < 3; i++)
			put_message(f, "s@far.test", to_there);
		expect_agent(f, SPAWNER_REMOTE, &agent);
		expect_job(f, &agent);
		say(f,
		    is_drain ? "drain there.test 0\n" : "pause there.test 0\n");
		for (int i = 0; i < (is_drain ? 3 : 1); i++) {
			if (i > 0)
				expect_job(f, &agent);
			answer(&agent, 0, 'D', "2.0.0", "done");
			answer_done(&agent, 0);
		}
		step_until_idle(f);
		assert_int_equal(
		    schedule_count(f->manager.schedule), is_drain ? 0 : 2);
		put_message(f, "s@far.test", to_there);
		assert_false(is_agent_asked_for(f, SPAWNER_REMOTE));
		say(f, "resume there.test 0\n");
		for (int i = 0; i < 3; i++) {
			/* Its line was idle for less than agents wait. */
			expect_job(f, &agent);
			answer(&agent, 0, 'D', "2.0.0", "done");
			answer_done(&agent, 0);
			if (is_drain)
				break;
		}
		step_until_idle(f);
		agent_end_close(&agent);
		step(f);
	}
}

static void
what_ends_two_agents_is_held(void **state)
{
	struct manager_fixture *f = *state;
	struct agent_end agent;
	char line[64];

	put_message(f, "s@far.test", to_alice);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(flags_of(f, f->id) & SCHEDULE_HOLD, 0);
		expect_agent(f, SPAWNER_LOCAL, &agent);
		expect_job(f, &agent);
		agent_end_close(&agent);
		step_until_idle(f);
		say(f, "retry all\n");
	}
	assert_true(flags_of(f, f->id) & SCHEDULE_HOLD);
	assert_false(is_agent_asked_for(f, SPAWNER_LOCAL));
	/* Released it has two more. */
	snprintf(line, sizeof(line), "release %s\n", f->id);
	say(f, line);
	expect_agent(f, SPAWNER_LOCAL, &agent);
	expect_job(f, &agent);
	agent_end_close(&agent);
	step_until_idle(f);
	assert_int_equal(flags_of(f, f->id) & SCHEDULE_HOLD, 0);
}

int
main(void)
{
#define TEST(name)                                                             \
	cmocka_unit_test_setup_teardown(name, manager_setup, manager_teardown)
	const struct CMUnitTest tests[] = {
		TEST(a_hold_with_an_end_ends),
		TEST(release_ends_a_hold_with_an_end),
		TEST(a_hold_of_what_is_under_way_counts_afterwards),
		TEST(a_paused_destination_waits),
		TEST(a_pause_ends_by_itself),
		TEST(pause_stops_the_line_and_drain_does_not),
		TEST(what_ends_two_agents_is_held),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
