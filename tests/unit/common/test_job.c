/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "tests/unit/unit.h"

#include <string.h>

#include "common/job.h"

static struct job_recipient recipients[JOB_RECIPIENTS_MAX + 1];

static struct job
sample_job(void)
{
	struct job job = { .id = "6C32BN8A7CKZB",
		.flags = JOB_RETRY | JOB_8BIT,
		.sender = S("s@there.test"),
		.options = { .flags = MAIL_8BIT | MAIL_BY_RETURN,
		    .priority = -4,
		    .deliver_by = 1795247999,
		    .hold_until = 1795247888,
		    .envelope_id = S("QQ 314159") },
		.created = 1795247921,
		.body_offset = 4096,
		.body_length = 1234567890123,
		.user = { .name = "alice@here.test",
		    .home = "/h/a",
		    .mail = "/h/a/Maildir/",
		    .uid = 20001,
		    .gid = 20002,
		    .is_virtual = true },
		.domain = S("there.test"),
		.nexthop = S("[192.0.2.1]:25"),
		.tls_level = TLS_LEVEL_MAY,
		.login = S("me"),
		.password = S("a b:c"),
		.recipient_count = 2,
		.recipients = recipients };

	recipients[0] = (struct job_recipient){ .index = 7,
		.kind = 'L',
		.address = S("alice@here.test"),
		.original = S("info@here.test"),
		.extension = S("tag"),
		.options = { .notify = NOTIFY_SUCCESS | NOTIFY_DELAY,
		    .original = S("rfc822;info@here.test") } };
	recipients[1] = (struct job_recipient){ .index = 0,
		.kind = 'P',
		.address = S("list@here.test"),
		.argument = S("/usr/bin/list --post") };
	return job;
}

static void
a_job_crosses_the_pipe_unchanged(void **state)
{
	struct job job = sample_job(), back;
	struct arena *arena = arena_new("test", 65536);
	struct message message;

	(void)state;
	message_init(&message);
	job_encode(&message, &job);
	assert_true(job_decode(&message, arena, &back));
	assert_string_equal(back.id, job.id);
	assert_int_equal(back.flags, job.flags);
	assert_slice_equal(back.sender, job.sender);
	assert_int_equal(back.body_length, job.body_length);
	assert_string_equal(back.user.mail, job.user.mail);
	assert_int_equal(back.user.gid, 20002);
	assert_true(back.user.is_virtual);
	assert_slice_equal(back.nexthop, job.nexthop);
	assert_slice_equal(back.password, job.password);
	assert_int_equal(back.options.flags, MAIL_8BIT | MAIL_BY_RETURN);
	assert_int_equal(back.options.priority, -4);
	assert_int_equal(back.options.deliver_by, 1795247999);
	assert_int_equal(back.options.hold_until, 1795247888);
	assert_slice_equal(back.options.envelope_id, S("QQ 314159"));
	assert_int_equal(back.recipient_count, 2);
	assert_int_equal(
	    back.recipients[0].options.notify, NOTIFY_SUCCESS | NOTIFY_DELAY);
	assert_slice_equal(
	    back.recipients[0].options.original, S("rfc822;info@here.test"));
	assert_int_equal(back.recipients[1].options.notify, 0);
	assert_int_equal(back.recipients[0].index, 7);
	assert_slice_equal(back.recipients[0].extension, S("tag"));
	assert_slice_equal(
	    back.recipients[1].argument, S("/usr/bin/list --post"));
	message_free(&message);
	arena_free(&arena);
}

static void
every_cut_of_a_job_is_refused(void **state)
{
	struct job job = sample_job(), back;
	struct arena *arena = arena_new("test", 65536);
	struct message message;
	size_t whole;

	(void)state;
	message_init(&message);
	job_encode(&message, &job);
	whole = message.frame.len;
	for (size_t cut = PIPEMSG_HEADER_SIZE; cut < whole; cut++) {
		message.frame.len = cut;
		message.position = PIPEMSG_HEADER_SIZE;
		message.failed = false;
		arena_reset(arena);
		assert_false(job_decode(&message, arena, &back));
	}
	message_free(&message);
	arena_free(&arena);
}

static void
too_many_or_no_recipients_are_refused(void **state)
{
	static const size_t counts[] = { 0, JOB_RECIPIENTS_MAX + 1 };
	struct arena *arena = arena_new("test", 65536);
	struct message message;
	struct job job, back;

	(void)state;
	message_init(&message);
	for (size_t i = 0; i < 2; i++) {
		job = sample_job();
		job.recipient_count = counts[i];
		job_encode(&message, &job);
		assert_false(job_decode(&message, arena, &back));
	}
	message_free(&message);
	arena_free(&arena);
}

/* One row: an option, and whether a reader may believe it. */
static void
options_are_held_to_their_limits(void **state)
{
	static char text[LIMIT_ORIGINAL_RECIPIENT + 1];
	static const struct {
		struct mail_options mail;
		struct rcpt_options rcpt;
		bool is_good;
	} rows[] = {
		{ { .flags = MAIL_FLAGS_ALL }, { 0 }, false },
		{ { .flags = MAIL_UTF8 | MAIL_REQUIRETLS }, { 0 }, true },
		{ { .priority = MAIL_PRIORITY_LOWEST }, { 0 }, true },
		{ { .priority = MAIL_PRIORITY_HIGHEST }, { 0 }, true },
		{ { .priority = MAIL_PRIORITY_HIGHEST + 1 }, { 0 }, false },
		{ { .envelope_id = { text, LIMIT_ENVELOPE_ID - 1 } }, { 0 },
		    true },
		{ { .envelope_id = { text, LIMIT_ENVELOPE_ID } }, { 0 }, true },
		{ { .envelope_id = { text, LIMIT_ENVELOPE_ID + 1 } }, { 0 },
		    false },
		{ { 0 }, { .notify = 14 }, true },
		{ { 0 }, { .notify = 15 }, false },
		{ { 0 }, { .original = { text, LIMIT_ORIGINAL_RECIPIENT - 1 } },
		    true },
		{ { 0 }, { .original = { text, LIMIT_ORIGINAL_RECIPIENT } },
		    true },
		{ { 0 }, { .original = { text, LIMIT_ORIGINAL_RECIPIENT + 1 } },
		    false },
	};
	struct arena *arena = arena_new("test", 65536);
	struct message message;
	struct job job, back;

	(void)state;
	memset(text, 'x', sizeof(text));
	text[1] = ';';
	message_init(&message);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		job = sample_job();
		job.options = rows[i].mail;
		recipients[1].options = rows[i].rcpt;
		job_encode(&message, &job);
		assert_int_equal(
		    job_decode(&message, arena, &back), rows[i].is_good);
	}
	message_free(&message);
	arena_free(&arena);
}

static void
verdicts_are_cleaned(void **state)
{
	static const struct {
		char status;
		const char *code, *text, *clean_code, *clean_text;
	} rows[] = {
		{ 'D', "2.0.0", "ok", "2.0.0", "ok" },
		{ 'F', "5.1.1", "no\nsuch\rone\x7f", "5.1.1", "no?such?one?" },
		{ 'F', "2.0.0", "liar", "5.0.0", "liar" },
		{ 'T', "4.x.1", "odd", "4.0.0", "odd" },
		{ 'T', "", "none", "4.0.0", "none" },
	};
	struct message message;
	struct verdict verdict, back;

	(void)state;
	message_init(&message);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		memset(&verdict, 0, sizeof(verdict));
		verdict.index = 9;
		verdict.status = rows[i].status;
		verdict.flags = VERDICT_TAKEN_ON;
		slice_to_array(
		    S("may/clear\n"), verdict.tls, sizeof(verdict.tls));
		slice_to_array(
		    slice_of(rows[i].code), verdict.code, sizeof(verdict.code));
		slice_to_array(
		    slice_of(rows[i].text), verdict.text, sizeof(verdict.text));
		verdict_encode(&message, &verdict);
		assert_true(verdict_decode(&message, &back));
		assert_int_equal(back.index, 9);
		assert_int_equal(back.flags, VERDICT_TAKEN_ON);
		assert_string_equal(back.tls, "may/clear?");
		assert_string_equal(back.code, rows[i].clean_code);
		assert_string_equal(back.text, rows[i].clean_text);
	}
	verdict.flags = VERDICT_BEHIND << 1;
	verdict_encode(&message, &verdict);
	assert_false(verdict_decode(&message, &back));
	verdict.flags = 0;
	verdict.status = 'X';
	verdict_encode(&message, &verdict);
	assert_false(verdict_decode(&message, &back));
	message_free(&message);
}

static void
job_done_names_its_file_system(void **state)
{
	struct job_done done = { .may_continue = true, .device = 65024 }, back;
	struct message message;

	(void)state;
	message_init(&message);
	job_done_encode(&message, &done);
	assert_true(job_done_decode(&message, &back));
	assert_true(back.may_continue);
	assert_int_equal(back.device, 65024);
	message_begin(&message, JOB_DONE);
	message_put_u8(&message, 1);
	assert_false(job_done_decode(&message, &back));
	message_free(&message);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_job_crosses_the_pipe_unchanged),
		cmocka_unit_test(every_cut_of_a_job_is_refused),
		cmocka_unit_test(too_many_or_no_recipients_are_refused),
		cmocka_unit_test(options_are_held_to_their_limits),
		cmocka_unit_test(verdicts_are_cleaned),
		cmocka_unit_test(job_done_names_its_file_system),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
