/* SPDX-License-Identifier: ISC */
/* enqueue and its verify: when it is asked, and what each answer does. */
#include "config.h"

#include "tests/unit/queue/verify_fixture.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/front.h"

#include "queue/reason.h"

static void
it_is_asked_at_each_stage_in_order(void **state)
{
	struct fixture *f = *state;
	struct arena *arena = arena_new("test", 1 << 20);
	struct verify_question q;
	struct spool_message message;
	struct buf file;

	play_will_say(f, VERIFY_PASS, 0, "", "mx.there.test");
	play_will_pass(f, 2);
	play_will_say(f, VERIFY_PASS, 354, "", "");
	play_will_pass(f, 1);
	assert_int_equal(play_mail(f), 250);
	assert_int_equal(play_rcpt(f, "alice@here.test"), 250);
	assert_int_equal(play_simple(f, INJECT_DATA), 354);
	play_chunk(f, "Subject: x\r\n\r\n");
	play_chunk(f, "text\r\n");
	assert_int_equal(play_simple(f, INJECT_END), 250);

	buf_init(&file, 1 << 20);
	assert_true(play_read_queued(f, arena, &message, &file));
	assert_int_equal(message.schedule.flags, 0);
	assert_true(
	    slice_find(buf_slice(&file),
		S("from client.test (mx.there.test [192.0.2.9])")) < file.len);
	assert_int_equal(play_asked(f, &q), VERIFY_CONNECT);
	assert_int_equal(q.facts.listener, LISTENER_SMTP);
	assert_int_equal(play_asked(f, &q), VERIFY_MAIL);
	assert_slice_equal(q.sender, S("s@there.test"));
	assert_slice_equal(q.helo, S("client.test"));
	assert_int_equal(play_asked(f, &q), VERIFY_RCPT);
	assert_slice_equal(q.recipient, S("alice@here.test"));
	assert_true(q.is_local);
	assert_int_equal(play_asked(f, &q), VERIFY_DATA);
	assert_slice_equal(q.id, slice_of(message.id));
	assert_int_equal(play_asked(f, &q), VERIFY_CHUNK);
	assert_slice_equal(q.bytes, S("Subject: x\r\n\r\n"));
	assert_int_equal(play_asked(f, &q), VERIFY_CHUNK);
	assert_int_equal(play_asked(f, &q), VERIFY_END);
	/* The connection is known: no second CONNECT. */
	play_will_pass(f, 1);
	assert_int_equal(play_mail(f), 250);
	assert_int_equal(play_asked(f, &q), VERIFY_MAIL);
	(void)play_simple(f, INJECT_ABORT);
	assert_int_equal(play_asked(f, &q), VERIFY_ABORT);
	buf_free(&file);
	arena_free(&arena);
}

static void
a_message_nobody_wants_is_not_sent_there(void **state)
{
	struct fixture *f = *state;
	struct verify_question q;

	play_will_pass(f, 5);
	assert_int_equal(play_mail(f), 250);
	assert_int_equal(play_rcpt(f, "alice@here.test"), 250);
	assert_int_equal(play_simple(f, INJECT_DATA), 354);
	play_chunk(f, "Subject: x\r\n\r\n");
	assert_int_equal(play_simple(f, INJECT_END), 250);
	for (int i = 0; i < 4; i++)
		(void)play_asked(f, &q);
	assert_int_equal(play_asked(f, &q), VERIFY_END);
}

/* The tables speak first: verify hears of no recipient they refuse. */
static void
a_refusal_of_the_tables_is_not_asked_about(void **state)
{
	struct fixture *f = *state;
	struct verify_question q;

	play_will_pass(f, 3);
	assert_int_equal(play_mail(f), 250);
	assert_int_equal(play_rcpt(f, "victim@there.test"), 550);
	assert_int_equal(play_rcpt(f, "unknown@here.test"), 550);
	assert_int_equal(play_rcpt(f, "alice@here.test"), 250);
	assert_int_equal(play_asked(f, &q), VERIFY_CONNECT);
	assert_int_equal(play_asked(f, &q), VERIFY_MAIL);
	assert_int_equal(play_asked(f, &q), VERIFY_RCPT);
	assert_slice_equal(q.recipient, S("alice@here.test"));
}

static void
refusals_are_told_where_they_belong(void **state)
{
	struct fixture *f = *state;

	/* Of the client: at each recipient, before its existence shows. */
	play_will_say(f, VERIFY_REFUSE, 554, "5.7.1", "listed");
	play_will_pass(f, 1);
	assert_int_equal(play_mail(f), 250);
	assert_int_equal(play_rcpt(f, "alice@here.test"), 554);
	assert_string_equal(f->reply.text, "listed");
	assert_int_equal(play_rcpt(f, "unknown@here.test"), 554);
	assert_int_equal(play_simple(f, INJECT_DATA), 554);
	assert_int_equal(play_count_queued(f), 0);
}

static void
each_stage_can_refuse(void **state)
{
	struct fixture *f = *state;

	play_will_pass(f, 1);
	play_will_say(f, VERIFY_REFUSE, 450, "4.7.1", "slow down");
	assert_int_equal(play_mail(f), 450);
	play_will_pass(f, 1);
	play_will_say(f, VERIFY_REFUSE, 451, "4.7.1", "greylisted");
	assert_int_equal(play_mail(f), 250);
	assert_int_equal(play_rcpt(f, "alice@here.test"), 451);
	assert_string_equal(f->reply.status, "4.7.1");
	play_will_pass(f, 1);
	play_will_say(f, VERIFY_REFUSE, 550, "5.7.1", "no data");
	assert_int_equal(play_rcpt(f, "alice@here.test"), 250);
	assert_int_equal(play_simple(f, INJECT_DATA), 550);
	play_will_pass(f, 1);
	play_will_say(f, VERIFY_REFUSE, 550, "5.7.1", "spam");
	assert_int_equal(play_simple(f, INJECT_DATA), 354);
	play_chunk(f, "Subject: x\r\n\r\n");
	assert_int_equal(play_simple(f, INJECT_END), 550);
	assert_string_equal(f->reply.text, "spam");
	play_will_say(f, VERIFY_CLOSE, 450, "4.7.1", "go away");
	assert_int_equal(play_mail(f), 421);
	assert_int_equal(play_count_queued(f), 0);
}

static void
a_held_message_is_queued_with_its_reason(void **state)
{
	struct fixture *f = *state;
	struct arena *arena = arena_new("test", 1 << 20);
	struct spool_message message;
	struct reason reason;
	struct buf file;

	for (int stage = 0; stage < 2; stage++) {
		play_will_pass(f, stage == 0 ? 2 : 1);
		if (stage == 0)
			play_will_say(f, VERIFY_HOLD, 0, "", "too many");
		play_will_pass(f, stage == 0 ? 1 : 2);
		play_will_say(f, stage == 0 ? VERIFY_PASS : VERIFY_HOLD, 0, "",
		    "quarantine");
		assert_int_equal(play_mail(f), 250);
		assert_int_equal(play_rcpt(f, "alice@here.test"), 250);
		assert_int_equal(play_simple(f, INJECT_DATA), 354);
		play_chunk(f, "Subject: x\r\n\r\n");
		assert_int_equal(play_simple(f, INJECT_END), 250);
		buf_init(&file, 1 << 20);
		assert_true(play_read_queued(f, arena, &message, &file));
		assert_int_equal(message.schedule.flags, SCHEDULE_HOLD);
		reason_read(f->tables.spool_fd, message.id, arena, &reason, 1);
		assert_slice_equal(reason.text,
		    stage == 0 ? S("held: too many") : S("held: quarantine"));
		buf_free(&file);
	}
	arena_free(&arena);
}

/* The header is on disk by then; the slot is changed in the file. */
static void
a_long_message_is_held_at_its_end(void **state)
{
	struct fixture *f = *state;
	struct arena *arena = arena_new("test", 1 << 20);
	struct spool_message message;
	struct buf file, body;

	buf_init(&body, 1 << 18);
	while (body.len < 60000)
		buf_add_string(&body, "a line of the body\r\n");
	play_will_pass(f, 4);
	play_will_say(f, VERIFY_HOLD, 0, "", "quarantine");
	assert_int_equal(play_mail(f), 250);
	assert_int_equal(play_rcpt(f, "alice@here.test"), 250);
	assert_int_equal(play_simple(f, INJECT_DATA), 354);
	play_chunk(f, "Subject: x\r\n\r\n");
	for (int i = 0; i < 4; i++)
		play_chunk(f, buf_string(&body));
	assert_int_equal(play_simple(f, INJECT_END), 250);
	buf_init(&file, 1 << 20);
	assert_true(play_read_queued(f, arena, &message, &file));
	assert_int_equal(message.schedule.flags, SCHEDULE_HOLD);
	buf_free(&file);
	buf_free(&body);
	arena_free(&arena);
}

static void
a_dropped_message_is_said_to_be_queued(void **state)
{
	struct fixture *f = *state;

	play_will_pass(f, 4);
	play_will_say(f, VERIFY_DROP, 0, "", "");
	assert_int_equal(play_mail(f), 250);
	assert_int_equal(play_rcpt(f, "alice@here.test"), 250);
	assert_int_equal(play_simple(f, INJECT_DATA), 354);
	play_chunk(f, "Subject: x\r\n\r\n");
	assert_int_equal(play_simple(f, INJECT_END), 250);
	assert_int_equal(strncmp(f->reply.text, "Ok: queued as ", 14), 0);
	assert_int_equal(play_count_queued(f), 0);
}

static void
a_field_known_at_rcpt_goes_in_front(void **state)
{
	struct fixture *f = *state;
	struct arena *arena = arena_new("test", 1 << 20);
	struct spool_message message;
	struct buf file;

	play_will_pass(f, 2);
	play_say_change(f, EDIT_HEADER_INSERT, 0, "X-Greylist", "delayed 60 s");
	play_will_pass(f, 3);
	assert_int_equal(play_mail(f), 250);
	assert_int_equal(play_rcpt(f, "alice@here.test"), 250);
	assert_int_equal(play_simple(f, INJECT_DATA), 354);
	play_chunk(f, "Subject: x\r\n\r\n");
	assert_int_equal(play_simple(f, INJECT_END), 250);
	buf_init(&file, 1 << 20);
	assert_true(play_read_queued(f, arena, &message, &file));
	assert_true(slice_find(buf_slice(&file),
			S("\r\nX-Greylist: delayed 60 s\r\nSubject: x\r\n")) <
		    file.len);
	buf_free(&file);
	arena_free(&arena);
}

static void
a_verify_that_is_gone_is_left_out_unless_required(void **state)
{
	struct fixture *f = *state;

	close(f->verify);
	f->verify = -1;
	assert_int_equal(play_mail(f), 250);
	assert_int_equal(play_rcpt(f, "alice@here.test"), 250);
	(void)play_simple(f, INJECT_ABORT);
	f->settings.verify_required = true;
	assert_int_equal(play_mail(f), 451);
	assert_string_equal(f->reply.status, "4.3.0");
}

static void
the_greeting_waits_as_long_as_it_says(void **state)
{
	struct fixture *f = *state;
	struct verify_question q;

	play_will_pass(f, 1);
	play_will_say(f, VERIFY_PASS, 5500, "", "");
	assert_int_equal(play_greet(f, EARLY_ASK), 220);
	assert_string_equal(f->reply.text, "5500");
	assert_int_equal(play_asked(f, &q), VERIFY_CONNECT);
	assert_int_equal(play_asked(f, &q), VERIFY_GREET);
	assert_int_equal(q.early, EARLY_ASK);
	play_will_say(f, VERIFY_REFUSE, 550, "5.5.1", "spoke too early");
	assert_int_equal(play_greet(f, EARLY_TALK), 220);
	play_will_pass(f, 1);
	assert_int_equal(play_mail(f), 250);
	assert_int_equal(play_rcpt(f, "alice@here.test"), 550);
	play_will_say(f, VERIFY_CLOSE, 421, "4.7.0", "bye");
	assert_int_equal(play_greet(f, EARLY_PIPELINE), 421);
}

int
main(void)
{
#define TEST(name)                                                             \
	cmocka_unit_test_setup_teardown(name, play_setup, play_teardown)
	const struct CMUnitTest tests[] = {
		TEST(it_is_asked_at_each_stage_in_order),
		TEST(a_message_nobody_wants_is_not_sent_there),
		TEST(a_refusal_of_the_tables_is_not_asked_about),
		TEST(refusals_are_told_where_they_belong),
		TEST(each_stage_can_refuse),
		TEST(a_held_message_is_queued_with_its_reason),
		TEST(a_long_message_is_held_at_its_end),
		TEST(a_dropped_message_is_said_to_be_queued),
		TEST(a_field_known_at_rcpt_goes_in_front),
		TEST(a_verify_that_is_gone_is_left_out_unless_required),
		TEST(the_greeting_waits_as_long_as_it_says),
	};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
