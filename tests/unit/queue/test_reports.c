/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "tests/unit/unit.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "tests/unit/queue/manager_fixture.h"

/* The manager, and what MAIL and RCPT asked for. */

static const char *const to_alice[] = { "alice@here.test", NULL };
static const char *const to_both[] = { "alice@here.test", "bob@here.test",
	NULL };
static const char *const to_there[] = { "x@there.test", NULL };
static const char *const to_two_there[] = { "x@there.test", "y@there.test",
	NULL };

/* One job for this kind of agent, answered for all its recipients. */
static void
serve(struct manager_fixture *f, enum spawner kind, char status,
    uint8_t verdict_flags)
{
	struct agent_end agent;

	expect_agent(f, kind, &agent);
	agent.verdict_flags = verdict_flags;
	expect_job(f, &agent);
	for (size_t i = 0; i < agent.job.recipient_count; i++)
		answer(&agent, agent.job.recipients[i].index, status,
		    status == 'D'   ? "2.0.0"
		    : status == 'F' ? "5.1.1"
				    : "4.2.0",
		    "as told");
	answer_done(&agent, 0);
	step(f);
	agent_end_close(&agent);
}

/* The id of the only message but f->id that is queued; false: there is none. */
struct other {
	const char *not_this;
	char id[SPOOL_ID_SIZE];
	size_t count;
};

static void
look_at_entry(void *context, struct entry *entry)
{
	struct other *other = context;

	if (strcmp(entry->id, other->not_this) == 0)
		return;
	memcpy(other->id, entry->id, sizeof(other->id));
	other->count++;
}

static bool
find_report(struct manager_fixture *f, char id[SPOOL_ID_SIZE])
{
	struct other other = { .not_this = f->id };

	for (int i = 0; i < 3; i++)
		step(f);
	schedule_each(f->manager.schedule, look_at_entry, &other);
	assert_true(other.count <= 1);
	memcpy(id, other.id, SPOOL_ID_SIZE);
	return other.count == 1;
}

/* One message: what was asked, what became of it, what is reported. */
static const struct {
	const char *name;
	const char *const *to;
	uint8_t notify;
	uint32_t mail_flags;
	char status;
	uint8_t verdict_flags;
	const char *action; /* NULL: no report */
	const char *type;
} rows[] = {
	{ "a failure, nothing said", to_there, 0, 0, 'F', 0, "failed",
	    "message/rfc822" },
	{ "a failure, all of it", to_there, NOTIFY_FAILURE, MAIL_RET_FULL, 'F',
	    0, "failed", "message/rfc822" },
	{ "a failure, headers", to_there, NOTIFY_FAILURE, MAIL_RET_HEADERS, 'F',
	    0, "failed", "text/rfc822-headers" },
	{ "a failure, binary", to_there, 0, MAIL_BINARY, 'F', 0, "failed",
	    "text/rfc822-headers" },
	{ "a failure, TLS required", to_there, 0,
	    MAIL_REQUIRETLS | MAIL_RET_FULL, 'F', 0, "failed",
	    "text/rfc822-headers" },
	{ "a failure, UTF-8", to_there, 0, MAIL_UTF8, 'F', 0, "failed",
	    "message/global" },
	{ "a failure nobody wants to hear of", to_there, NOTIFY_NEVER, 0, 'F',
	    0, NULL, NULL },
	{ "a failure, only success wanted", to_there, NOTIFY_SUCCESS, 0, 'F', 0,
	    NULL, NULL },
	{ "success here", to_alice, NOTIFY_SUCCESS, 0, 'D', 0, "delivered",
	    "text/rfc822-headers" },
	{ "success here, full: not of success", to_alice, NOTIFY_SUCCESS,
	    MAIL_RET_FULL, 'D', 0, "delivered", "text/rfc822-headers" },
	{ "success here, not wanted", to_alice, NOTIFY_FAILURE, 0, 'D', 0, NULL,
	    NULL },
	{ "success here, nothing said", to_alice, 0, 0, 'D', 0, NULL, NULL },
	{ "relayed to a host without DSN", to_there, NOTIFY_SUCCESS, 0, 'D', 0,
	    "relayed", "text/rfc822-headers" },
	{ "relayed to a host that will report", to_there, NOTIFY_SUCCESS, 0,
	    'D', VERDICT_TAKEN_ON, NULL, NULL },
	{ "relayed to a host without time", to_there, 0, MAIL_BY_NOTIFY, 'D',
	    VERDICT_TAKEN_ON | VERDICT_UNTIMED, "relayed",
	    "text/rfc822-headers" },
	{ "relayed to a host without time, never", to_there, NOTIFY_NEVER,
	    MAIL_BY_NOTIFY, 'D', VERDICT_UNTIMED, NULL, NULL },
	{ "relayed, to be traced", to_there, 0, MAIL_BY_NOTIFY | MAIL_BY_TRACE,
	    'D', VERDICT_TAKEN_ON, "relayed", "text/rfc822-headers" },
};

static void
each_outcome_is_reported_as_asked(void **state)
{
	struct manager_fixture *f = *state;
	char id[SPOOL_ID_SIZE], action[64], type[64];
	const char *text;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		print_message("%s\n", rows[i].name);
		f->mail = (struct mail_options){ .flags = rows[i].mail_flags,
			.envelope_id = S("QQ 7") };
		if (rows[i].mail_flags & (MAIL_BY_NOTIFY | MAIL_BY_RETURN))
			f->mail.deliver_by = (uint64_t)time(NULL) + 1000;
		f->rcpt = (struct rcpt_options){ .notify = rows[i].notify,
			.original = S("rfc822;first@here.test") };
		put_message(f, "bob@here.test", rows[i].to);
		serve(f,
		    rows[i].to == to_alice ? SPAWNER_LOCAL : SPAWNER_REMOTE,
		    rows[i].status, rows[i].verdict_flags);
		expect_removed(f, f->id);
		assert_int_equal(find_report(f, id), rows[i].action != NULL);
		if (rows[i].action == NULL)
			continue;
		text = read_body(f, id);
		snprintf(action, sizeof(action), "\r\nAction: %s\r\n",
		    rows[i].action);
		snprintf(type, sizeof(type), "\r\nContent-Type: %s\r\n",
		    rows[i].type);
		assert_non_null(strstr(text, action));
		assert_non_null(strstr(text, type));
		assert_non_null(
		    strstr(text, "\r\nOriginal-Envelope-Id: QQ 7\r\n"));
		assert_int_equal(strstr(text, "\r\nDeliver-By-Date: ") != NULL,
		    f->mail.deliver_by != 0);
		assert_non_null(strstr(text,
		    "\r\nOriginal-Recipient: rfc822; first@here.test\r\n"));
		assert_int_equal(strstr(text, "\r\nHi.\r\n") != NULL,
		    strcmp(rows[i].type, "message/rfc822") == 0 ||
			strcmp(rows[i].type, "message/global") == 0);
		serve(f, SPAWNER_LOCAL, 'D', 0);
		expect_removed(f, id);
	}
}

static void
a_report_of_mail_that_required_tls_requires_it(void **state)
{
	struct manager_fixture *f = *state;
	struct spool_message report;
	char id[SPOOL_ID_SIZE];

	f->mail.flags = MAIL_REQUIRETLS;
	put_message(f, "s@far.test", to_there);
	serve(f, SPAWNER_REMOTE, 'F', 0);
	assert_true(find_report(f, id));
	read_back(f, id, &report);
	assert_int_equal(
	    report.options.flags & MAIL_REQUIRETLS, MAIL_REQUIRETLS);
}

static void
the_null_sender_is_told_of_nothing_but_failures(void **state)
{
	struct manager_fixture *f = *state;
	char id[SPOOL_ID_SIZE];

	f->rcpt.notify = NOTIFY_SUCCESS;
	put_message(f, "", to_alice);
	serve(f, SPAWNER_LOCAL, 'D', 0);
	expect_removed(f, f->id);
	assert_false(find_report(f, id));
}

/* Success of one while another waits; then a stop of qmgr. */
/* All buckets: what is queued is known, and not found again. */
static void
end_scan(struct manager_fixture *f)
{
	while (f->manager.scan != NULL)
		step(f);
}

static void
restart_and_scan(struct manager_fixture *f)
{
	manager_restart(f);
	end_scan(f);
}

static void
success_is_reported_before_the_rest_is_done_and_once(void **state)
{
	struct manager_fixture *f = *state;
	struct agent_end agent;
	struct spool_message message;
	char id[SPOOL_ID_SIZE], again[SPOOL_ID_SIZE];

	f->rcpt.notify = NOTIFY_SUCCESS;
	put_message(f, "s@far.test", to_two_there);
	expect_agent(f, SPAWNER_REMOTE, &agent);
	expect_job(f, &agent);
	answer(&agent, 0, 'D', "2.0.0", "250 taken");
	answer(&agent, 1, 'T', "4.2.0", "450 later");
	answer_done(&agent, 0);
	assert_true(find_report(f, id));
	assert_null(strstr(read_body(f, id), "y@there.test"));
	read_back(f, f->id, &message);
	assert_int_equal(message.recipients[0].status, RECIPIENT_DONE);
	assert_int_equal(message.recipients[1].status, RECIPIENT_TODO);
	agent_end_close(&agent);
	restart_and_scan(f);
	assert_true(find_report(f, again));
	assert_string_equal(id, again);
}

static void
a_crash_before_the_report_of_success_loses_none(void **state)
{
	struct manager_fixture *f = *state;
	char path[SPOOL_PATH_SIZE], id[SPOOL_ID_SIZE];
	const char *text;
	int fd;

	f->rcpt.notify = NOTIFY_SUCCESS;
	put_message(f, "s@far.test", to_two_there);
	spool_path(f->id, path);
	fd = openat(f->spool_fd, path, O_RDWR);
	assert_true(spool_mark(fd, 0, RECIPIENT_RELAYED, NULL));
	assert_true(spool_mark(fd, 1, RECIPIENT_DELIVERED, NULL));
	close(fd);
	manager_restart(f);
	expect_removed(f, f->id);
	assert_true(find_report(f, id));
	text = read_body(f, id);
	assert_non_null(strstr(text, "\r\nAction: relayed\r\n"));
	assert_non_null(strstr(text, "\r\nAction: delivered\r\n"));
}

static void
an_alias_of_several_is_reported_as_expanded(void **state)
{
	struct manager_fixture *f = *state;
	char id[SPOOL_ID_SIZE];
	const char *text;

	f->rcpt.notify = NOTIFY_SUCCESS | NOTIFY_FAILURE;
	f->alias = "all@here.test";
	put_message(f, "s@far.test", to_both);
	serve(f, SPAWNER_LOCAL, 'D', 0);
	serve(f, SPAWNER_LOCAL, 'D', 0);
	expect_removed(f, f->id);
	assert_true(find_report(f, id));
	text = read_body(f, id);
	assert_non_null(strstr(text, "\r\nAction: expanded\r\n"));
	assert_non_null(
	    strstr(text, "\r\nFinal-Recipient: rfc822; all@here.test\r\n"));
	assert_null(strstr(text, "delivered\r\n"));
	assert_null(strstr(text, "alice"));
}

static void
members_of_an_alias_go_on_without_success(void **state)
{
	struct manager_fixture *f = *state;
	struct agent_end agent;

	f->rcpt.notify = NOTIFY_SUCCESS;
	f->alias = "all@here.test";
	put_message(f, "s@far.test", to_two_there);
	expect_agent(f, SPAWNER_REMOTE, &agent);
	expect_job(f, &agent);
	assert_int_equal(agent.job.recipients[0].options.notify, NOTIFY_NEVER);
	agent_end_close(&agent);
}

static void
what_was_asked_for_is_in_the_job(void **state)
{
	struct manager_fixture *f = *state;
	struct agent_end agent;

	f->mail = (struct mail_options){ .flags = MAIL_RET_FULL | MAIL_UTF8,
		.priority = 4,
		.envelope_id = S("QQ 8") };
	f->rcpt = (struct rcpt_options){ .notify = NOTIFY_DELAY,
		.original = S("rfc822;first@here.test") };
	put_message(f, "s@far.test", to_there);
	expect_agent(f, SPAWNER_REMOTE, &agent);
	expect_job(f, &agent);
	assert_int_equal(agent.job.options.flags, MAIL_RET_FULL | MAIL_UTF8);
	assert_int_equal(agent.job.options.priority, 4);
	assert_slice_equal(agent.job.options.envelope_id, S("QQ 8"));
	assert_int_equal(agent.job.recipients[0].options.notify, NOTIFY_DELAY);
	assert_slice_equal(agent.job.recipients[0].options.original,
	    S("rfc822;first@here.test"));
	agent_end_close(&agent);
}

static void
mail_to_be_returned_in_time_is_returned_then(void **state)
{
	struct manager_fixture *f = *state;
	char id[SPOOL_ID_SIZE];
	struct entry *entry;

	end_scan(f);
	f->mail.flags = MAIL_BY_RETURN;
	f->mail.deliver_by = (uint64_t)time(NULL) + 60;
	put_message(f, "s@far.test", to_there);
	serve(f, SPAWNER_REMOTE, 'T', 0);
	step_until_idle(f);
	/* It is looked at again when the time is over, not later. */
	entry = schedule_find(f->manager.schedule, f->id);
	assert_true(entry->due <= f->manager.now + 60 * 1000);
	f->mail.deliver_by = (uint64_t)time(NULL) - 1;
	put_message(f, "s@far.test", to_alice);
	expect_removed(f, f->id);
	schedule_remove(f->manager.schedule, entry);
	assert_true(find_report(f, id));
	assert_non_null(strstr(read_body(f, id), "\r\nStatus: 5.4.7\r\n"));
}

static void
mail_that_is_late_is_said_to_be(void **state)
{
	struct manager_fixture *f = *state;
	struct spool_message message;
	char id[SPOOL_ID_SIZE];

	f->mail.flags = MAIL_BY_NOTIFY;
	f->mail.deliver_by = (uint64_t)time(NULL) - 1;
	f->rcpt.notify = NOTIFY_FAILURE;
	put_message(f, "s@far.test", to_there);
	serve(f, SPAWNER_REMOTE, 'T', 0);
	assert_true(find_report(f, id));
	assert_non_null(strstr(read_body(f, id), "\r\nAction: delayed\r\n"));
	read_back(f, f->id, &message);
	assert_int_equal(message.schedule.flags & SCHEDULE_LATE, SCHEDULE_LATE);
}

static void
mail_for_later_waits_across_a_restart(void **state)
{
	struct manager_fixture *f = *state;
	struct agent_end agent;
	struct entry *entry;

	f->mail.hold_until = (uint64_t)time(NULL) + 100;
	put_message(f, "s@far.test", to_alice);
	assert_false(is_agent_asked_for(f, SPAWNER_LOCAL));
	say(f, "retry all\n");
	assert_false(is_agent_asked_for(f, SPAWNER_LOCAL));
	restart_and_scan(f);
	assert_false(is_agent_asked_for(f, SPAWNER_LOCAL));
	entry = schedule_find(f->manager.schedule, f->id);
	assert_non_null(entry);
	assert_true(entry->due > f->manager.now + 90 * 1000);
	f->mail.hold_until = (uint64_t)time(NULL) - 1;
	put_message(f, "s@far.test", to_alice);
	expect_agent(f, SPAWNER_LOCAL, &agent);
	agent_end_close(&agent);
}

/* As many tasks as may be are under way; the rest stands in line. */
static void
what_is_urgent_passes_in_the_line_of_its_host(void **state)
{
	struct manager_fixture *f = *state;
	size_t limit = (size_t)f->settings->initial_destination_concurrency;
	static struct agent_end agents[64];
	char urgent[SPOOL_ID_SIZE];

	assert_true(limit < 64);
	for (size_t i = 0; i < limit; i++) {
		put_message(f, "s@far.test", to_there);
		expect_agent(f, SPAWNER_REMOTE, &agents[i]);
		expect_job(f, &agents[i]);
	}
	put_message(f, "s@far.test", to_there);
	step(f);
	f->mail.priority = 2;
	put_message(f, "s@far.test", to_there);
	memcpy(urgent, f->id, sizeof(urgent));
	step(f);
	answer(&agents[0], 0, 'D', "2.0.0", "done");
	answer_done(&agents[0], 0);
	expect_job(f, &agents[0]);
	assert_string_equal(agents[0].job.id, urgent);
	for (size_t i = 0; i < limit; i++)
		agent_end_close(&agents[i]);
}

static void
what_is_no_file_goes_to_bad(void **state)
{
	struct manager_fixture *f = *state;
	char path[SPOOL_PATH_SIZE], bad[SPOOL_PATH_SIZE];
	const char *id = "6C32BNCB0GAZZ";

	spool_path(id, path);
	snprintf(bad, sizeof(bad), "bad/%s", id);
	for (int kind = 0; kind < 2; kind++) {
		if (kind == 0)
			assert_int_equal(
			    symlinkat("/etc/passwd", f->spool_fd, path), 0);
		else
			assert_int_equal(mkdirat(f->spool_fd, path, 0700), 0);
		manager_add(&f->manager, id, false);
		step_until_idle(f);
		step(f);
		assert_int_equal(schedule_count(f->manager.schedule), 0);
		assert_false(is_queued(f, id));
		assert_int_equal(
		    unlinkat(f->spool_fd, bad, kind == 0 ? 0 : AT_REMOVEDIR),
		    0);
	}
}

#define TEST(name)                                                             \
	cmocka_unit_test_setup_teardown(name, manager_setup, manager_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(each_outcome_is_reported_as_asked),
		TEST(a_report_of_mail_that_required_tls_requires_it),
		TEST(the_null_sender_is_told_of_nothing_but_failures),
		TEST(success_is_reported_before_the_rest_is_done_and_once),
		TEST(a_crash_before_the_report_of_success_loses_none),
		TEST(an_alias_of_several_is_reported_as_expanded),
		TEST(members_of_an_alias_go_on_without_success),
		TEST(what_was_asked_for_is_in_the_job),
		TEST(mail_to_be_returned_in_time_is_returned_then),
		TEST(mail_that_is_late_is_said_to_be),
		TEST(mail_for_later_waits_across_a_restart),
		TEST(what_is_urgent_passes_in_the_line_of_its_host),
		TEST(what_is_no_file_goes_to_bad),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
