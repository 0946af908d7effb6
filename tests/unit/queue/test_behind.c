/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "tests/unit/unit.h"

#include <string.h>

#include "queue/behind.h"

#include "tests/unit/queue/manager_fixture.h"

static const char *const to_alice[] = { "alice@here.test", NULL };

static void
take_job(struct manager_fixture *f, struct agent_end *agent)
{
	put_message(f, "s@there.test", to_alice);
	expect_agent(f, SPAWNER_LOCAL, agent);
	expect_job(f, agent);
}

/* "id is the last one in this mbox" */
static void
answer_behind(struct agent_end *agent, const char *id)
{
	agent->verdict_flags = VERDICT_BEHIND;
	answer(agent, 0, 'T', "4.3.0", id);
	agent->verdict_flags = 0;
	answer_done(agent, 0);
}

static void
answer_delivered(struct agent_end *agent)
{
	answer(agent, 0, 'D', "2.0.0", "delivered");
	answer_done(agent, 0);
}

/* One that is gone, one that is held, and what is no id. */
static void
nothing_is_waited_for_that_does_not_come(void **state)
{
	struct manager_fixture *f = *state;
	struct agent_end held, agent;
	char id[SPOOL_ID_SIZE];

	take_job(f, &held);
	memcpy(id, held.job.id, sizeof(id));
	say(f, "hold all\n");
	answer(&held, 0, 'T', "4.2.0", "locked");
	answer_done(&held, 0);
	step_until_idle(f);
	agent_end_close(&held);
	for (int i = 0; i < 3; i++) {
		take_job(f, &agent);
		assert_true((agent.job.flags & JOB_CAREFUL) != 0);
		answer_behind(&agent, i == 0   ? "6C32BNCB0GAEX"
				      : i == 1 ? id
					       : "no id");
		expect_job(f, &agent);
		assert_int_equal(agent.job.flags & JOB_CAREFUL, 0);
		answer_delivered(&agent);
		expect_removed(f, f->id);
		agent_end_close(&agent);
		step(f);
	}
}

static void
a_message_waits_for_the_last_one_in_its_mbox(void **state)
{
	struct manager_fixture *f = *state;
	struct agent_end first, second;
	struct spool_message message;
	char id[SPOOL_ID_SIZE];

	take_job(f, &first);
	take_job(f, &second);
	memcpy(id, second.job.id, sizeof(id));
	answer_behind(&second, first.job.id);
	while (f->manager.active_count > 1)
		step(f);
	read_back(f, id, &message);
	assert_int_equal(message.recipients[0].status, RECIPIENT_TODO);
	assert_in_range(schedule_find(f->manager.schedule, id)->due,
	    f->manager.now, f->manager.now + BEHIND_WAIT * 1000);
	/* It asks again, as one that may have been tried. */
	expect_job(f, &second);
	assert_string_equal(second.job.id, id);
	assert_int_equal(second.job.flags & (JOB_CAREFUL | JOB_RETRY),
	    JOB_CAREFUL | JOB_RETRY);
	answer_delivered(&first);
	step(f);
	answer_behind(&second, first.job.id);
	expect_job(f, &second);
	assert_int_equal(second.job.flags & JOB_CAREFUL, 0);
	answer_delivered(&second);
	expect_removed(f, id);
	agent_end_close(&first);
	agent_end_close(&second);
}

/* Both have two mboxes, and each is the last one in another. */
static void
two_do_not_wait_for_each_other(void **state)
{
	struct manager_fixture *f = *state;
	struct agent_end one, other;
	char id[SPOOL_ID_SIZE];

	take_job(f, &one);
	take_job(f, &other);
	memcpy(id, one.job.id, sizeof(id));
	answer_behind(&one, other.job.id);
	while (f->manager.active_count > 1)
		step(f);
	answer_behind(&other, id);
	/* At once, and not when one has asked again. */
	expect_job(f, &other);
	assert_int_equal(other.job.flags & JOB_CAREFUL, 0);
	agent_end_close(&one);
	agent_end_close(&other);
}

/* An agent that ends meanwhile owes it. */
static void
what_waits_for_another_job_is_not_forgotten(void **state)
{
	struct manager_fixture *f = *state;
	struct agent_end agent;

	take_job(f, &agent);
	agent.verdict_flags = VERDICT_BEHIND;
	answer(&agent, 0, 'T', "4.3.0", "6C32BNCB0GAEX");
	step(f);
	agent_end_close(&agent);
	step_until_idle(f);
	assert_true(is_queued(f, f->id));
	assert_true((schedule_find(f->manager.schedule, f->id)->flags &
			ENTRY_RETRY) != 0);
}

static void
care_is_for_mailboxes_and_ends(void **state)
{
	static const char *const there[] = { "x@there.test", NULL };
	struct manager_fixture *f = *state;
	struct agent_end agent;

	put_message(f, "s@far.test", there);
	expect_agent(f, SPAWNER_REMOTE, &agent);
	expect_job(f, &agent);
	assert_int_equal(agent.job.flags & JOB_CAREFUL, 0);
	/* From a relay it is any other answer. */
	answer_behind(&agent, "6C32BNCB0GAEX");
	step_until_idle(f);
	assert_true(is_queued(f, f->id));
	agent_end_close(&agent);
	f->manager.started -= BEHIND_MS;
	take_job(f, &agent);
	assert_int_equal(agent.job.flags & JOB_CAREFUL, 0);
	agent_end_close(&agent);
}

int
main(void)
{
#define TEST(name)                                                             \
	cmocka_unit_test_setup_teardown(name, manager_setup, manager_teardown)
	const struct CMUnitTest tests[] = {
		TEST(nothing_is_waited_for_that_does_not_come),
		TEST(a_message_waits_for_the_last_one_in_its_mbox),
		TEST(two_do_not_wait_for_each_other),
		TEST(what_waits_for_another_job_is_not_forgotten),
		TEST(care_is_for_mailboxes_and_ends),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
