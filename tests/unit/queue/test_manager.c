/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "tests/unit/unit.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "common/fsutil.h"

#include "tests/unit/queue/manager_fixture.h"

#define DEVICE 77

static const char *const to_alice[] = { "alice@here.test", NULL };
static const char *const to_both[] = { "alice@here.test", "bob@here.test",
	NULL };
static const char *const to_there[] = { "x@there.test", NULL };

static void
local_mail_is_removed_only_after_the_mailbox_is_synced(void **state)
{
	struct manager_fixture *f = *state;
	struct agent_end agent;

	put_message(f, "s@there.test", to_alice);
	expect_agent(f, SPAWNER_LOCAL, &agent);
	expect_job(f, &agent);
	assert_string_equal(agent.job.id, f->id);
	assert_string_equal(agent.job.user.name, "alice@here.test");
	assert_int_equal(agent.job.user.uid, 20001);
	assert_int_equal(agent.job.flags & JOB_RETRY, 0);
	answer(&agent, 0, 'D', "2.0.0", "delivered to Maildir");
	answer_done(&agent, DEVICE);
	expect_sync(f, &agent);
	assert_true(is_queued(f, f->id));
	answer_synced(&agent, true);
	expect_removed(f, f->id);
	assert_int_equal(schedule_count(f->manager.schedule), 0);
	agent_end_close(&agent);
}

static void
what_needs_no_sync_is_removed_at_once(void **state)
{
	struct manager_fixture *f = *state;
	struct agent_end agent;

	put_message(f, "s@there.test", to_alice);
	expect_agent(f, SPAWNER_LOCAL, &agent);
	expect_job(f, &agent);
	answer(&agent, 0, 'D', "2.0.0", "delivered to mbox");
	answer_done(&agent, 0);
	expect_removed(f, f->id);
	agent_end_close(&agent);
}

static void
an_agent_that_waits_gets_the_next_message_of_its_user(void **state)
{
	struct manager_fixture *f = *state;
	struct agent_end agent;

	put_message(f, "s@there.test", to_alice);
	expect_agent(f, SPAWNER_LOCAL, &agent);
	for (int i = 0; i < 3; i++) {
		expect_job(f, &agent);
		answer(&agent, 0, 'D', "2.0.0", "delivered");
		put_message(f, "s@there.test", to_alice);
		answer_done(&agent, 0);
	}
	expect_job(f, &agent);
	assert_false(is_agent_asked_for(f, SPAWNER_LOCAL));
	agent_end_close(&agent);
}

static void
one_deferred_recipient_keeps_only_itself(void **state)
{
	struct manager_fixture *f = *state;
	struct agent_end agents[2];
	struct spool_message message;

	put_message(f, "s@there.test", to_both);
	for (int i = 0; i < 2; i++) {
		expect_agent(f, SPAWNER_LOCAL, &agents[i]);
		expect_job(f, &agents[i]);
		if (agents[i].job.recipients[0].index == 0)
			answer(&agents[i], 0, 'D', "2.0.0", "delivered");
		else
			answer(&agents[i], 1, 'T', "4.2.2", "mailbox full");
		answer_done(&agents[i], 0);
	}
	step_until_idle(f);
	read_back(f, f->id, &message);
	assert_int_equal(message.recipients[0].status, RECIPIENT_DONE);
	assert_int_equal(message.recipients[1].status, RECIPIENT_TODO);
	assert_int_equal(message.schedule.attempts, 1);
	assert_true(message.schedule.next > (uint64_t)time(NULL));
	for (int i = 0; i < 2; i++)
		agent_end_close(&agents[i]);
}

static void
an_agent_that_dies_means_another_try_that_looks_first(void **state)
{
	struct manager_fixture *f = *state;
	struct agent_end agent;

	put_message(f, "s@there.test", to_alice);
	expect_agent(f, SPAWNER_LOCAL, &agent);
	expect_job(f, &agent);
	agent_end_close(&agent);
	step_until_idle(f);
	assert_true(is_queued(f, f->id));
	say(f, "retry all\n");
	expect_agent(f, SPAWNER_LOCAL, &agent);
	expect_job(f, &agent);
	assert_int_equal(agent.job.flags & JOB_RETRY, JOB_RETRY);
	answer(&agent, 0, 'D', "2.0.0", "found");
	answer_done(&agent, 0);
	expect_removed(f, f->id);
	agent_end_close(&agent);
}

static void
a_failed_sync_delivers_again(void **state)
{
	struct manager_fixture *f = *state;
	struct agent_end agent;

	put_message(f, "s@there.test", to_alice);
	expect_agent(f, SPAWNER_LOCAL, &agent);
	expect_job(f, &agent);
	answer(&agent, 0, 'D', "2.0.0", "delivered");
	answer_done(&agent, DEVICE);
	expect_sync(f, &agent);
	answer_synced(&agent, false);
	step_until_idle(f);
	assert_true(is_queued(f, f->id));
	say(f, "retry all\n");
	expect_job(f, &agent);
	assert_int_equal(agent.job.flags & JOB_RETRY, JOB_RETRY);
	agent_end_close(&agent);
}

static void
a_new_agent_syncs_when_the_old_one_is_gone(void **state)
{
	struct manager_fixture *f = *state;
	struct agent_end agent;

	put_message(f, "s@there.test", to_alice);
	expect_agent(f, SPAWNER_LOCAL, &agent);
	expect_job(f, &agent);
	answer(&agent, 0, 'D', "2.0.0", "delivered");
	answer_done(&agent, DEVICE);
	agent_end_close(&agent);
	expect_agent(f, SPAWNER_LOCAL, &agent);
	expect_sync(f, &agent);
	answer_synced(&agent, true);
	expect_removed(f, f->id);
	agent_end_close(&agent);
}

static void
a_lying_agent_is_closed_and_nothing_is_believed(void **state)
{
	struct manager_fixture *f = *state;
	struct agent_end agent;
	struct spool_message message;

	put_message(f, "s@there.test", to_alice);
	expect_agent(f, SPAWNER_LOCAL, &agent);
	expect_job(f, &agent);
	answer(&agent, 7, 'D', "2.0.0", "somebody else's");
	step_until_idle(f);
	read_back(f, f->id, &message);
	assert_int_equal(message.recipients[0].status, RECIPIENT_TODO);
	agent_end_close(&agent);
}

static void
done_without_a_verdict_is_not_believed(void **state)
{
	struct manager_fixture *f = *state;
	struct agent_end agent;

	put_message(f, "s@there.test", to_alice);
	expect_agent(f, SPAWNER_LOCAL, &agent);
	expect_job(f, &agent);
	answer_done(&agent, 0);
	step_until_idle(f);
	assert_true(is_queued(f, f->id));
	agent_end_close(&agent);
}

static void
a_dead_host_gets_no_second_agent(void **state)
{
	struct manager_fixture *f = *state;
	struct agent_end agent;

	put_message(f, "s@here.test", to_there);
	expect_agent(f, SPAWNER_REMOTE, &agent);
	expect_job(f, &agent);
	assert_slice_equal(agent.job.domain, S("there.test"));
	answer(&agent, 0, 'T', "4.4.1", "connection refused");
	answer_done(&agent, 0);
	step_until_idle(f);
	put_message(f, "s@here.test", to_there);
	put_message(f, "s@here.test", to_alice);
	assert_false(is_agent_asked_for(f, SPAWNER_REMOTE));
	assert_true(is_agent_asked_for(f, SPAWNER_LOCAL));
	assert_int_equal(f->manager.active_count, 1);
	say(f, "retry all\n");
	assert_true(is_agent_asked_for(f, SPAWNER_REMOTE) ||
		    f->manager.active_count > 1);
	agent_end_close(&agent);
}

static void
a_route_names_the_host_and_the_login(void **state)
{
	static const char *const to_far[] = { "x@FAR.test", NULL };
	struct manager_fixture *f = *state;
	struct agent_end agent;

	put_message(f, "s@here.test", to_far);
	expect_agent(f, SPAWNER_REMOTE, &agent);
	expect_job(f, &agent);
	assert_slice_equal(agent.job.nexthop, S("[192.0.2.7]:2525"));
	assert_slice_equal(agent.job.login, S("me"));
	assert_slice_equal(agent.job.password, S("secret"));
	answer(&agent, 0, 'D', "2.0.0", "250 queued");
	answer_done(&agent, 0);
	expect_removed(f, f->id);
	agent_end_close(&agent);
}

static void
a_failure_is_reported_to_the_sender_once(void **state)
{
	struct manager_fixture *f = *state;
	struct agent_end remote, local;
	char original[SPOOL_ID_SIZE];
	struct spool_message report;

	put_message(f, "alice@here.test", to_there);
	memcpy(original, f->id, sizeof(original));
	expect_agent(f, SPAWNER_REMOTE, &remote);
	expect_job(f, &remote);
	answer(&remote, 0, 'F', "5.1.1", "550 no such user");
	answer_done(&remote, 0);
	expect_agent(f, SPAWNER_LOCAL, &local);
	expect_job(f, &local);
	assert_false(is_queued(f, original));
	assert_int_equal(local.job.sender.len, 0);
	assert_string_equal(local.job.user.name, "alice@here.test");
	read_back(f, local.job.id, &report);
	assert_true((report.flags & SPOOL_BOUNCE) != 0);
	answer(&local, 0, 'D', "2.0.0", "delivered");
	answer_done(&local, 0);
	expect_removed(f, local.job.id);
	assert_int_equal(schedule_count(f->manager.schedule), 0);
	agent_end_close(&remote);
	agent_end_close(&local);
}

/* Two failures at different times, neither told by an agent. */
static void
each_failure_has_a_report_of_its_own(void **state)
{
	struct manager_fixture *f = *state;
	struct agent_end local, remote;
	char path[128];

	snprintf(path, sizeof(path), "%s/users", f->path);
	assert_true(fs_replace(AT_FDCWD, path,
	    S("alice@here.test * uid=20001 gid=20001 home=/h/a mail=/h/a/M/\n"),
	    0600, NULL));
	put_message(f, "x@there.test", to_both);
	expect_agent(f, SPAWNER_LOCAL, &local);
	expect_job(f, &local);
	agent_end_close(&local);
	expect_agent(f, SPAWNER_REMOTE, &remote);
	expect_job(f, &remote);
	assert_true(is_queued(f, f->id));
	assert_true(fs_replace(AT_FDCWD, path, S("# nobody\n"), 0600, NULL));
	say(f, "retry all\n");
	expect_removed(f, f->id);
	assert_int_equal(schedule_count(f->manager.schedule), 2);
	agent_end_close(&remote);
}

static void
a_failing_report_goes_to_postmaster_and_then_ends(void **state)
{
	struct manager_fixture *f = *state;
	struct agent_end remote, local;

	put_message(f, "", to_there);
	expect_agent(f, SPAWNER_REMOTE, &remote);
	expect_job(f, &remote);
	answer(&remote, 0, 'F', "5.1.1", "550 no such user");
	answer_done(&remote, 0);
	expect_agent(f, SPAWNER_LOCAL, &local);
	expect_job(f, &local);
	assert_string_equal(local.job.user.name, "bob@here.test");
	answer(&local, 0, 'F', "5.2.1", "mailbox disabled");
	answer_done(&local, 0);
	expect_removed(f, local.job.id);
	step(f);
	assert_int_equal(schedule_count(f->manager.schedule), 0);
	agent_end_close(&remote);
	agent_end_close(&local);
}

static void
a_crash_between_report_and_marks_writes_no_second_report(void **state)
{
	struct manager_fixture *f = *state;
	char original[SPOOL_ID_SIZE], path[SPOOL_PATH_SIZE];
	struct agent_end agent;
	int fd;

	put_message(f, "alice@here.test", to_there);
	memcpy(original, f->id, sizeof(original));
	spool_path(original, path);
	fd = openat(f->spool_fd, path, O_RDWR);
	assert_true(spool_mark(fd, 0, RECIPIENT_FAILED, NULL));
	close(fd);
	expect_agent(f, SPAWNER_LOCAL, &agent);
	expect_job(f, &agent);
	assert_int_equal(schedule_count(f->manager.schedule), 1);
	agent_end_close(&agent);
}

/* As after a stop between [Q5] and [Q6] when the first report had left. */
static void
a_report_made_again_has_the_same_id_and_time(void **state)
{
	struct manager_fixture *f = *state;
	char path[SPOOL_PATH_SIZE];
	struct agent_end first, again;
	int fd;

	put_message(f, "alice@here.test", to_there);
	spool_path(f->id, path);
	fd = openat(f->spool_fd, path, O_RDWR);
	assert_true(spool_mark(fd, 0, RECIPIENT_FAILED, NULL));
	assert_int_equal(linkat(f->spool_fd, path, f->spool_fd, "kept", 0), 0);
	expect_agent(f, SPAWNER_LOCAL, &first);
	expect_job(f, &first);
	answer(&first, 0, 'D', "2.0.0", "delivered");
	answer_done(&first, 0);
	expect_removed(f, first.job.id);
	manager_restart(f);
	assert_true(spool_mark(fd, 0, RECIPIENT_FAILED, NULL));
	assert_int_equal(linkat(f->spool_fd, "kept", f->spool_fd, path, 0), 0);
	expect_agent(f, SPAWNER_LOCAL, &again);
	expect_job(f, &again);
	assert_string_equal(again.job.id, first.job.id);
	assert_int_equal(again.job.created, first.job.created);
	assert_int_equal(again.job.flags & JOB_RETRY, JOB_RETRY);
	agent_end_close(&first);
	agent_end_close(&again);
	close(fd);
}

static void
held_mail_waits_for_its_release(void **state)
{
	struct manager_fixture *f = *state;
	struct agent_end agent;
	char line[64];

	put_message(f, "s@there.test", to_alice);
	snprintf(line, sizeof(line), "hold %s\n", f->id);
	say(f, line);
	manager_restart(f);
	assert_false(is_agent_asked_for(f, SPAWNER_LOCAL));
	snprintf(line, sizeof(line), "release %s\n", f->id);
	say(f, line);
	expect_agent(f, SPAWNER_LOCAL, &agent);
	agent_end_close(&agent);
}

static void
deleted_mail_is_gone_without_a_report(void **state)
{
	struct manager_fixture *f = *state;
	struct agent_end agent;
	char line[64];

	put_message(f, "alice@here.test", to_there);
	expect_agent(f, SPAWNER_REMOTE, &agent);
	expect_job(f, &agent);
	snprintf(line, sizeof(line), "delete %s\n", f->id);
	say(f, line);
	answer(&agent, 0, 'F', "5.1.1", "550 no such user");
	answer_done(&agent, 0);
	expect_removed(f, f->id);
	assert_int_equal(schedule_count(f->manager.schedule), 0);
	agent_end_close(&agent);
}

static void
given_up_mail_is_reported_at_once(void **state)
{
	struct manager_fixture *f = *state;
	struct agent_end remote, local;
	char line[64];

	put_message(f, "alice@here.test", to_there);
	expect_agent(f, SPAWNER_REMOTE, &remote);
	expect_job(f, &remote);
	answer(&remote, 0, 'T', "4.4.1", "connection timed out");
	answer_done(&remote, 0);
	step_until_idle(f);
	snprintf(line, sizeof(line), "bounce %s\n", f->id);
	say(f, line);
	expect_removed(f, f->id);
	expect_agent(f, SPAWNER_LOCAL, &local);
	agent_end_close(&local);
	agent_end_close(&remote);
}

static void
a_damaged_file_goes_to_bad(void **state)
{
	struct manager_fixture *f = *state;
	char path[SPOOL_PATH_SIZE];
	int fd;

	put_message(f, "s@there.test", to_alice);
	spool_path(f->id, path);
	fd = openat(f->spool_fd, path, O_WRONLY);
	assert_int_equal(pwrite(fd, "XX", 2, 4100), 2);
	close(fd);
	step(f);
	step(f);
	assert_false(is_queued(f, f->id));
	snprintf(path, sizeof(path), "bad/%s", f->id);
	assert_int_equal(faccessat(f->spool_fd, path, F_OK, 0), 0);
	assert_int_equal(schedule_count(f->manager.schedule), 0);
}

static void
a_restart_finds_everything_and_looks_before_it_delivers(void **state)
{
	struct manager_fixture *f = *state;
	struct agent_end agent;

	put_message(f, "s@there.test", to_alice);
	manager_restart(f);
	expect_agent(f, SPAWNER_LOCAL, &agent);
	expect_job(f, &agent);
	assert_int_equal(agent.job.flags & JOB_RETRY, JOB_RETRY);
	agent_end_close(&agent);
}

#define TEST(name)                                                             \
	cmocka_unit_test_setup_teardown(name, manager_setup, manager_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(local_mail_is_removed_only_after_the_mailbox_is_synced),
		TEST(what_needs_no_sync_is_removed_at_once),
		TEST(an_agent_that_waits_gets_the_next_message_of_its_user),
		TEST(one_deferred_recipient_keeps_only_itself),
		TEST(an_agent_that_dies_means_another_try_that_looks_first),
		TEST(a_failed_sync_delivers_again),
		TEST(a_new_agent_syncs_when_the_old_one_is_gone),
		TEST(a_lying_agent_is_closed_and_nothing_is_believed),
		TEST(done_without_a_verdict_is_not_believed),
		TEST(a_dead_host_gets_no_second_agent),
		TEST(a_route_names_the_host_and_the_login),
		TEST(a_failure_is_reported_to_the_sender_once),
		TEST(each_failure_has_a_report_of_its_own),
		TEST(a_failing_report_goes_to_postmaster_and_then_ends),
		TEST(a_crash_between_report_and_marks_writes_no_second_report),
		TEST(a_report_made_again_has_the_same_id_and_time),
		TEST(held_mail_waits_for_its_release),
		TEST(deleted_mail_is_gone_without_a_report),
		TEST(given_up_mail_is_reported_at_once),
		TEST(a_damaged_file_goes_to_bad),
		TEST(a_restart_finds_everything_and_looks_before_it_delivers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
