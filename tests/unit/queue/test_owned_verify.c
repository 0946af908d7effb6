/* SPDX-License-Identifier: ISC */
/*
 * An owned verify: whoever took it over says what he likes to enqueue. He
 * can spoil the one message at work, and nothing else.
 */
#include "config.h"

#include "tests/unit/queue/verify_fixture.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static const struct inject_case {
	const char *name, *value;
} bad_fields[] = {
	{ "X-A", "b\r\nBcc: victim@there.test" },
	{ "X-A\r\nX-B", "b" },
	{ "X A", "b" },
	{ "", "b" },
	{ "X:A", "b" },
	{ "X-A", "\x80" },
};

/* An owned verify: after a wrong word it is not heard any more, and the
 * mail goes on as the tables want it. */
static void
a_field_that_could_be_two_ends_the_talk(void **state)
{
	struct fixture *f = *state;

	for (size_t i = 0; i < sizeof(bad_fields) / sizeof(*bad_fields); i++) {
		play_will_pass(f, 1);
		play_say_change(f, EDIT_HEADER_INSERT, 0, bad_fields[i].name,
		    bad_fields[i].value);
		assert_int_equal(play_mail(f), 250);
		assert_int_equal(play_rcpt(f, "alice@here.test"), 250);
		assert_int_equal(play_rcpt(f, "victim@there.test"), 550);
		play_again(f);
	}
}

/* Every type and action there can be, with texts that look like facts. */
static void
no_answer_makes_a_stranger_a_friend(void **state)
{
	struct fixture *f = *state;
	struct inject_facts forged = { .magic = INJECT_FACTS_MAGIC,
		.listener = INJECT_LOCAL };
	struct message message;

	snprintf(forged.login, sizeof(forged.login), "alice@here.test");
	message_init(&message);
	for (int i = 0; i < 80; i++) {
		for (int n = 0; n < 4; n++) {
			message_begin(&message, (uint8_t)i);
			message_put_u8(&message, (uint8_t)n);
			message_put_slice(
			    &message, slice_make(&forged, sizeof(forged)));
			(void)message_send(&message, f->verify, io_deadline(5));
		}
		if (play_mail(f) == 250)
			assert_int_equal(
			    play_rcpt(f, "victim@there.test"), 550);
		play_again(f);
	}
	message_free(&message);
	assert_int_equal(play_count_queued(f), 0);
}

static const char *const tricks[] = {
	"victim@there.test",
	"<victim@there.test>",
	"@here.test:victim@there.test",
	"@here.test,@there.test:victim@there.test",
	"victim%there.test@here.test",
	"there.test!victim@here.test",
	"\"victim@there.test\"@here.test",
	"victim@there.test@here.test",
	"victim@[192.0.2.1]",
	"alice@here.test, victim@there.test",
	"alice@here.test\r\nR victim@there.test",
	"|/bin/sh",
	"/etc/passwd",
	":include:/etc/passwd",
	"\\victim@there.test",
	"",
};

/* Up to the last chunk of a stranger's message. */
static unsigned int
play_message(struct fixture *f)
{
	if (play_mail(f) != 250 || play_rcpt(f, "alice@here.test") != 250 ||
	    play_simple(f, INJECT_DATA) != 354)
		return f->reply.code;
	play_chunk(f, "Subject: x\r\n");
	play_chunk(f, "\r\nbody\r\n");
	return 354;
}

/* What is queued goes to alice, whoever it says it is from. */
static void
assert_for_alice_only(struct fixture *f)
{
	struct arena *arena = arena_new("test", 1 << 22);
	struct spool_message message;
	struct buf file;

	buf_init(&file, 1 << 22);
	assert_true(play_read_queued(f, arena, &message, &file));
	for (size_t i = 0; i < message.recipient_count; i++) {
		assert_int_equal(message.recipients[i].kind, TARGET_MAILBOX);
		assert_slice_equal(
		    message.recipients[i].address, S("alice@here.test"));
	}
	buf_free(&file);
	arena_free(&arena);
}

static void
edits_at_the_end_make_no_relay(void **state)
{
	struct fixture *f = *state;

	for (size_t i = 0; i < sizeof(tricks) / sizeof(*tricks); i++) {
		play_again(f);
		play_will_pass(f, 3);
		play_will_say(f, VERIFY_PASS, 354, "", "");
		assert_int_equal(play_message(f), 354);
		/* As a user of this host, as a friend, with no sender. */
		play_say_change(f, EDIT_SENDER, 0, "", "alice@here.test");
		play_say_change(f, EDIT_RCPT_ADD, 0, "", tricks[i]);
		play_say_change(f, EDIT_SENDER, 0, "", "");
		play_say_change(f, EDIT_RCPT_ADD, 0, "", tricks[i]);
		play_will_pass(f, 1);
		if (play_simple(f, INJECT_END) != 250)
			continue;
		assert_for_alice_only(f);
	}
	assert_true(play_count_queued(f) > 0);
}

static unsigned int
next_random(unsigned int *seed)
{
	*seed = *seed * 1103515245 + 12345;
	return *seed >> 16;
}

/* One frame that could be right. */
static void
say_something(struct fixture *f, unsigned int *seed)
{
	static const char *const names[] = { "Subject", "X", "", "A B" };
	static const unsigned int codes[] = { 0, 354, 421, 451, 550, 1 };
	const char *value =
	    tricks[next_random(seed) % (sizeof(tricks) / sizeof(*tricks))];
	unsigned int what = next_random(seed) % 8;
	struct verify_change change = { (enum verify_edit)(
					    next_random(seed) % 9),
		next_random(seed) % 4, slice_of(names[next_random(seed) % 4]),
		slice_of(value) };
	struct verify_reply reply = { .code = codes[next_random(seed) % 6] };
	struct message message;

	reply.action = what < 6 ? VERIFY_PASS
				: (enum verify_action)(next_random(seed) % 6);
	snprintf(reply.text, sizeof(reply.text), "%.200s", value);
	message_init(&message);
	if (what % 2 == 0)
		verify_reply_put(&message, &reply);
	else
		verify_change_put(&message, &change);
	(void)message_send(&message, f->verify, io_deadline(5));
	message_free(&message);
}

/* Frames that could be right, then one that is spoilt, then noise. */
static void
say_all(struct fixture *f, unsigned int *seed)
{
	unsigned char noise[512];
	unsigned int frames = next_random(seed) % 12;
	size_t size = next_random(seed) % sizeof(noise);

	if (next_random(seed) % 2 == 0)
		play_will_pass(f, 3);
	if (next_random(seed) % 4 == 0)
		play_will_say(f, VERIFY_PASS, 354, "", "");
	while (frames-- > 0)
		say_something(f, seed);
	for (size_t i = 0; i < size; i++)
		noise[i] = (unsigned char)next_random(seed);
	/* The header of a frame that it might wait for. */
	if (size >= 8 && next_random(seed) % 2 == 0)
		memcpy(noise, "\0\0\0\0\x10\0\0\0", 8);
	(void)io_write_all(f->verify, slice_make(noise, size), io_deadline(5));
	assert_int_equal(shutdown(f->verify, SHUT_WR), 0);
}

/* Where its bytes end and are not what they should be, enqueue goes on
 * without it; nothing gets in that could not without it. */
static void
no_bytes_make_a_relay_a_crash_or_a_hang(void **state)
{
	struct fixture *f = *state;
	size_t before = 0;

	for (unsigned int i = 0; i < 500; i++) {
		unsigned int seed = i;

		play_again(f);
		f->settings.verify_required = i % 2 == 0;
		say_all(f, &seed);
		if (play_mail(f) == 250)
			assert_true(play_rcpt(f, "victim@there.test") >= 400);
		(void)play_simple(f, INJECT_ABORT);
		before = play_count_queued(f);
		/* One that verify discarded is "queued", too. */
		if (play_message(f) == 354 &&
		    play_simple(f, INJECT_END) == 250 &&
		    play_count_queued(f) > before)
			assert_for_alice_only(f);
	}
	assert_true(before > 0);
}

int
main(void)
{
#define TEST(name)                                                             \
	cmocka_unit_test_setup_teardown(name, play_setup, play_teardown)
	const struct CMUnitTest tests[] = {
		TEST(a_field_that_could_be_two_ends_the_talk),
		TEST(no_answer_makes_a_stranger_a_friend),
		TEST(edits_at_the_end_make_no_relay),
		TEST(no_bytes_make_a_relay_a_crash_or_a_hang),
	};

	signal(SIGPIPE, SIG_IGN);
	/* A hang is a failure. */
	alarm(300);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
