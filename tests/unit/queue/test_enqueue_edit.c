/* SPDX-License-Identifier: ISC */
/* What enqueue does with the edits of verify, and with hostile ones. */
#include "config.h"

#include "tests/unit/queue/verify_fixture.h"

#include <stdio.h>
#include <string.h>

#include "common/limits.h"

#define HEADER "A: 1\r\nSubject:  x\r\n"
#define BODY   "body\r\n"

/* To the end of the message, verify listening. */
static void
begin(struct fixture *f)
{
	play_again(f);
	play_will_pass(f, 3);
	play_will_say(f, VERIFY_PASS, 354, "", "");
	assert_int_equal(play_mail(f), 250);
	assert_int_equal(play_rcpt(f, "alice@here.test"), 250);
	assert_int_equal(play_simple(f, INJECT_DATA), 354);
	play_chunk(f, HEADER);
	play_chunk(f, "\r\n" BODY);
}

/* What is behind our own Received is exactly that. */
static void
assert_queued(struct fixture *f, const char *expected, const char *sender,
    size_t recipients)
{
	struct arena *arena = arena_new("test", 1 << 20);
	struct spool_message message;
	struct slice body;
	struct buf file;

	buf_init(&file, 1 << 22);
	assert_true(play_read_queued(f, arena, &message, &file));
	body = slice_first(
	    slice_from(buf_slice(&file), (size_t)message.body_offset),
	    (size_t)message.body_length);
	assert_true(slice_starts(body, S("Received: from client.test")));
	assert_true(slice_ends(body, slice_of(expected)));
	body = slice_first(body, body.len - strlen(expected));
	assert_true(
	    slice_ends(body, S("+0000\r\n")) || slice_ends(body, S("\r\n")));
	assert_int_equal(slice_find(body, S("\r\nA: ")), body.len);
	assert_slice_equal(message.sender, slice_of(sender));
	assert_int_equal(message.recipient_count, recipients);
	buf_free(&file);
	arena_free(&arena);
}

static void
without_an_edit_the_message_is_as_it_came(void **state)
{
	struct fixture *f = *state;

	begin(f);
	play_will_pass(f, 1);
	assert_int_equal(play_simple(f, INJECT_END), 250);
	assert_queued(f, HEADER "\r\n" BODY, "s@there.test", 1);
}

static void
edits_are_made_in_order(void **state)
{
	struct fixture *f = *state;

	begin(f);
	play_say_change(f, EDIT_HEADER_INSERT, 0, "First", " 0");
	play_say_change(f, EDIT_HEADER_CHANGE, 1, "subject", " new\n\tfold");
	play_say_change(f, EDIT_HEADER_CHANGE, 1, "A", "");
	play_say_change(f, EDIT_HEADER_ADD, 0, "Last", " 9");
	play_say_change(f, EDIT_BODY, 0, "", "new\r");
	play_say_change(f, EDIT_BODY, 0, "", "\nbody\r\n");
	play_say_change(f, EDIT_SENDER, 0, "", "new@there.test");
	play_will_pass(f, 1);
	assert_int_equal(play_simple(f, INJECT_END), 250);
	assert_queued(f,
	    "First: 0\r\nsubject: new\r\n\tfold\r\nLast: 9\r\n\r\n"
	    "new\r\nbody\r\n",
	    "new@there.test", 1);
}

static void
recipients_are_judged_like_the_clients_own(void **state)
{
	struct fixture *f = *state;

	begin(f);
	play_say_change(f, EDIT_RCPT_ADD, 0, "", "x@elsewhere.test");
	play_say_change(f, EDIT_RCPT_ADD, 0, "", "nobody@here.test");
	play_say_change(f, EDIT_RCPT_ADD, 0, "", "not an address");
	play_say_change(f, EDIT_RCPT_DELETE, 0, "", "who@there.test");
	play_say_change(f, EDIT_SENDER, 0, "", "<bad");
	play_will_pass(f, 1);
	assert_int_equal(play_simple(f, INJECT_END), 250);
	assert_queued(f, HEADER "\r\n" BODY, "s@there.test", 1);
	/* Of a client that may relay, one elsewhere is taken. */
	f->settings.mynetworks.count = 1;
	f->settings.mynetworks.items = &f->network;
	(void)netaddr_parse(S("127.0.0.1"), &f->facts.peer);
	begin(f);
	play_say_change(f, EDIT_RCPT_ADD, 0, "", "x@elsewhere.test");
	play_will_pass(f, 1);
	assert_int_equal(play_simple(f, INJECT_END), 250);
	assert_queued(f, HEADER "\r\n" BODY, "s@there.test", 2);
}

static void
without_recipients_nothing_is_kept(void **state)
{
	struct fixture *f = *state;
	size_t before = play_count_queued(f);

	begin(f);
	play_say_change(f, EDIT_RCPT_DELETE, 0, "", "ALICE@here.test");
	play_will_pass(f, 1);
	assert_int_equal(play_simple(f, INJECT_END), 250);
	assert_int_equal(play_count_queued(f), before);
}

static const struct {
	enum verify_edit kind;
	const char *name, *value;
} hostile[] = {
	{ EDIT_BODY, "", "bare\nline\r\n" },
	{ EDIT_BODY, "", "bare\rreturn\r\n" },
	{ EDIT_HEADER_ADD, "X Y", " v" },
	{ EDIT_HEADER_ADD, "", " v" },
	{ EDIT_HEADER_ADD, "X", " a\rb" },
};

static void
hostile_edits_are_the_end_of_verify(void **state)
{
	struct fixture *f = *state;

	for (size_t i = 0; i < sizeof(hostile) / sizeof(hostile[0]); i++) {
		/* Where its word is needed, mail is put off. */
		f->settings.verify_required = true;
		begin(f);
		play_say_change(f, EDIT_HEADER_ADD, 0, "Half", " 1");
		play_say_change(
		    f, hostile[i].kind, 0, hostile[i].name, hostile[i].value);
		assert_int_equal(play_simple(f, INJECT_END), 451);
		/* Else it goes on as it came, with no half of the edits. */
		f->settings.verify_required = false;
		begin(f);
		play_say_change(f, EDIT_HEADER_ADD, 0, "Half", " 1");
		play_say_change(f, EDIT_SENDER, 0, "", "half@there.test");
		play_say_change(f, EDIT_BODY, 0, "", "half\r\n");
		play_say_change(
		    f, hostile[i].kind, 0, hostile[i].name, hostile[i].value);
		assert_int_equal(play_simple(f, INJECT_END), 250);
		assert_queued(f, HEADER "\r\n" BODY, "s@there.test", 1);
	}
}

static void
a_body_that_ends_in_half_a_line_end_is_put_off(void **state)
{
	struct fixture *f = *state;

	begin(f);
	play_say_change(f, EDIT_BODY, 0, "", "x\r");
	play_will_pass(f, 1);
	assert_int_equal(play_simple(f, INJECT_END), 451);
}

static void
a_refused_message_leaves_nothing(void **state)
{
	struct fixture *f = *state;
	size_t before = play_count_queued(f);

	begin(f);
	play_say_change(f, EDIT_BODY, 0, "", "x\r\n");
	play_will_say(f, VERIFY_REFUSE, 550, "5.7.1", "no");
	assert_int_equal(play_simple(f, INJECT_END), 550);
	begin(f);
	play_will_say(f, VERIFY_DROP, 0, "", "");
	assert_int_equal(play_simple(f, INJECT_END), 250);
	assert_int_equal(play_count_queued(f), before);
}

int
main(void)
{
#define TEST(name)                                                             \
	cmocka_unit_test_setup_teardown(name, play_setup, play_teardown)
	const struct CMUnitTest tests[] = {
		TEST(without_an_edit_the_message_is_as_it_came),
		TEST(edits_are_made_in_order),
		TEST(recipients_are_judged_like_the_clients_own),
		TEST(without_recipients_nothing_is_kept),
		TEST(hostile_edits_are_the_end_of_verify),
		TEST(a_body_that_ends_in_half_a_line_end_is_put_off),
		TEST(a_refused_message_leaves_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
