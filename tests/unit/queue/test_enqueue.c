/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "tests/unit/unit.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/fsutil.h"
#include "common/spoolfile.h"

#include "queue/enqueue.h"
#include "queue/enqueue_header.h"

#include "tests/unit/queue/enqueue_fixture.h"

static void
strangers_never_relay(void **state)
{
	static const struct {
		enum who who;
		const char *recipient;
		unsigned int code;
		const char *status;
	} cases[] = {
		{ STRANGER, "alice@here.test", 250, "2.1.5" },
		{ STRANGER, "alice+x@HERE.test", 250, "2.1.5" },
		{ STRANGER, "postmaster", 250, "2.1.5" },
		{ STRANGER, "unknown@here.test", 550, "5.1.1" },
		{ STRANGER, "x@there.test", 550, "5.7.1" },
		{ STRANGER, "x@here.test.there.test", 550, "5.7.1" },
		{ STRANGER, "x@sub.here.test", 550, "5.7.1" },
		{ STRANGER, "alice@[192.0.2.1]", 550, "5.7.1" },
		{ STRANGER, "x%there.test@here.test", 550, "5.1.1" },
		{ STRANGER, "there.test!x@here.test", 550, "5.1.1" },
		{ STRANGER, "\"x@there.test\"@here.test", 550, "5.1.1" },
		{ STRANGER, "\"x@there.test\"", 550, "5.1.1" },
		{ STRANGER, "@here.test:x@there.test", 501, "5.1.3" },
		{ STRANGER, "x@there.test@here.test", 501, "5.1.3" },
		{ STRANGER, "<x@there.test>", 501, "5.1.3" },
		{ STRANGER, "x@there.test\r\nDATA", 501, "5.1.3" },
		{ STRANGER, "", 501, "5.1.3" },
		{ STRANGER, "@here.test", 501, "5.1.3" },
		{ LOOPBACK, "x@there.test", 250, "2.1.5" },
		{ LOOPBACK, "unknown@here.test", 550, "5.1.1" },
		{ LOGGED_IN, "x@there.test", 250, "2.1.5" },
		{ DROP, "x@there.test", 250, "2.1.5" },
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		become(f, cases[i].who);
		assert_int_equal(mail(f, "alice@here.test", 0), 250);
		if (rcpt(f, cases[i].recipient) != cases[i].code)
			fail_msg("%s: %u %s", cases[i].recipient, f->reply.code,
			    f->reply.text);
		assert_string_equal(f->reply.status, cases[i].status);
		abort_transaction(f);
	}
}

static void
without_internet_only_routes_lead_away(void **state)
{
	struct fixture *f = *state;

	f->settings.internet = INTERNET_NO;
	become(f, LOGGED_IN);
	assert_int_equal(mail(f, "alice@here.test", 0), 250);
	assert_int_equal(rcpt(f, "x@there.test"), 550);
	assert_string_equal(f->reply.status, "5.4.4");
	assert_int_equal(rcpt(f, "bob@here.test"), 250);
}

static void
mail_is_refused_early(void **state)
{
	struct fixture *f = *state;

	become(f, STRANGER);
	assert_int_equal(mail(f, "a@b.test", 1000001), 552);
	assert_int_equal(mail(f, "no-domain", 0), 553);
	assert_int_equal(mail(f, "a@b@c", 0), 553);
	f->facts.listener = LISTENER_SUBMISSION;
	assert_int_equal(mail(f, "a@b.test", 0), 530);
	f->facts.listener = LISTENER_SUBMISSIONS;
	assert_int_equal(mail(f, "a@b.test", 0), 530);
	become(f, STRANGER);
	f->settings.queue_minimum_free = UINT64_MAX / 2;
	assert_int_equal(mail(f, "a@b.test", 0), 452);
	assert_string_equal(f->reply.status, "4.3.1");
}

static void
recipients_are_counted_and_not_doubled(void **state)
{
	struct fixture *f = *state;
	struct buf file;

	become(f, LOOPBACK);
	assert_int_equal(mail(f, "", 0), 250);
	assert_int_equal(ask(f, INJECT_DATA), 554);
	assert_int_equal(rcpt(f, "alice@here.test"), 250);
	assert_int_equal(rcpt(f, "ALICE@here.test"), 250);
	assert_int_equal(rcpt(f, "bob@here.test"), 250);
	assert_int_equal(rcpt(f, "x@there.test"), 452);
	assert_int_equal(send_text(f, S("Subject: x\r\n\r\n"), 100), 250);
	(void)read_body(f, &file);
	assert_int_equal((unsigned char)file.ptr[24], 2);
	buf_free(&file);
}

static void
the_wrong_order_ends_the_session(void **state)
{
	static const enum inject_type types[] = { INJECT_DATA, INJECT_CHUNK,
		INJECT_END, INJECT_RCPT, INJECT_REPLY };
	struct fixture *f = *state;

	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		message_begin(&f->message, (uint8_t)types[i]);
		if (types[i] == INJECT_RCPT || types[i] == INJECT_CHUNK)
			message_put_string(&f->message, "x");
		if (types[i] == INJECT_RCPT) {
			message_put_u8(&f->message, 0);
			message_put_string(&f->message, "");
		}
		assert_int_equal(step(f), ENQUEUE_BROKEN);
	}
	message_begin(&f->message, INJECT_MAIL);
	message_put_string(&f->message, "truncated");
	assert_int_equal(step(f), ENQUEUE_BROKEN);
}

static void
typed_mail_becomes_well_formed_and_keeps_its_bytes(void **state)
{
	static const struct {
		const char *text, *header, *body;
	} cases[] = {
		{ "From: User1\r\nTo: Hendro\r\nDate: 29/04\r\n"
		  "Subject: Tumbas Rokok\r\nDear Sarol\r\n",
		    "From: User1\r\nTo: Hendro\r\nDate: 29/04\r\n"
		    "Subject: Tumbas Rokok\r\n",
		    "Dear Sarol\r\n" },
		{ "A: b\r\n c: d\r\n\te\r\nplain text: here\r\nB: c\r\n",
		    "A: b\r\n c: d\r\n\te\r\n",
		    "plain text: here\r\nB: c\r\n" },
		{ "Subject: x\r\n\r\nbody\r\n", "Subject: x\r\n", "body\r\n" },
		{ "no header at all\r\n", "", "no header at all\r\n" },
		{ " indented\r\n", "", " indented\r\n" },
		{ "\r\nbody only\r\n", "", "body only\r\n" },
		{ "A: b\r\n:\r\n", "A: b\r\n", ":\r\n" },
	};
	struct fixture *f = *state;
	struct slice body, wanted;
	struct buf file, expected;
	size_t size;

	become(f, STRANGER);
	buf_init(&expected, 4096);
	for (size_t i = 0; i < 3 * sizeof(cases) / sizeof(cases[0]); i++) {
		size = i % 3 == 0 ? 1 : i % 3 == 1 ? 7 : 4096;
		assert_int_equal(mail(f, "user1@there.test", 0), 250);
		assert_int_equal(rcpt(f, "alice@here.test"), 250);
		assert_int_equal(
		    send_text(f, slice_of(cases[i / 3].text), size), 250);
		body = read_body(f, &file);
		buf_clear(&expected);
		buf_add_format(&expected, "%s\r\n%s", cases[i / 3].header,
		    cases[i / 3].body);
		wanted = buf_slice(&expected);
		assert_true(slice_starts(body,
		    S("Received: from client.test ([192.0.2.9])\r\n\tby ")));
		assert_true(
		    slice_find(body, S("for <alice@here.test>;")) < body.len);
		assert_true(slice_ends(body, wanted));
		assert_int_equal(
		    slice_find(slice_first(body, body.len - wanted.len),
			S("\r\n\r\n")),
		    body.len - wanted.len);
		buf_free(&file);
	}
	buf_free(&expected);
}

static void
submissions_get_the_fields_they_lack(void **state)
{
	static const struct {
		enum who who;
		const char *text;
		bool has_date, has_id, has_from;
	} cases[] = {
		{ STRANGER, "Subject: x\r\n\r\n", false, false, false },
		{ LOGGED_IN, "Subject: x\r\n\r\n", true, true, false },
		{ DROP, "Subject: x\r\n\r\n", true, true, true },
		{ DROP, "Date: a\r\nMessage-ID: b\r\nFrom: c\r\n\r\n", true,
		    true, true },
	};
	struct fixture *f = *state;
	struct header_facts facts;
	struct slice body;
	struct buf file;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		become(f, cases[i].who);
		assert_int_equal(mail(f, "alice@here.test", 0), 250);
		assert_int_equal(rcpt(f, "bob@here.test"), 250);
		assert_int_equal(
		    send_text(f, slice_of(cases[i].text), 99), 250);
		body = read_body(f, &file);
		header_facts_read(body, &facts);
		assert_int_equal(facts.has_date, cases[i].has_date);
		assert_int_equal(facts.has_message_id, cases[i].has_id);
		assert_int_equal(facts.has_from, cases[i].has_from);
		assert_int_equal(facts.hops, 1);
		buf_free(&file);
	}
}

static void
loops_and_large_messages_end_at_end_of_data(void **state)
{
	struct fixture *f = *state;
	struct buf text;

	buf_init(&text, 2 << 20);
	for (int i = 0; i <= LIMIT_HOPS; i++)
		buf_add_string(&text, "Received: x\r\n");
	become(f, STRANGER);
	assert_int_equal(mail(f, "a@b.test", 0), 250);
	assert_int_equal(rcpt(f, "alice@here.test"), 250);
	assert_int_equal(send_text(f, buf_slice(&text), 60000), 554);
	assert_string_equal(f->reply.status, "5.4.6");
	buf_clear(&text);
	buf_add_string(&text, "A: b\r\n\r\n");
	while (text.len < 1100000)
		buf_add_string(&text, "some text of a line\r\n");
	assert_int_equal(mail(f, "a@b.test", 0), 250);
	assert_int_equal(rcpt(f, "alice@here.test"), 250);
	assert_int_equal(send_text(f, buf_slice(&text), 60000), 552);
	buf_clear(&text);
	while (text.len < LIMIT_HEADER + 100)
		buf_add_string(&text, "A: b\r\n");
	assert_int_equal(mail(f, "a@b.test", 0), 250);
	assert_int_equal(rcpt(f, "alice@here.test"), 250);
	assert_int_equal(send_text(f, buf_slice(&text), 60000), 552);
	buf_free(&text);
}

static void
large_messages_keep_their_bytes(void **state)
{
	struct fixture *f = *state;
	struct buf text, file;
	struct slice body;

	buf_init(&text, 1 << 20);
	buf_add_string(&text, "A: b\r\n\r\n");
	for (int i = 0; text.len < 700000; i++)
		buf_add_format(&text, "line %d\r\n", i);
	become(f, STRANGER);
	assert_int_equal(mail(f, "a@b.test", 700000), 250);
	assert_int_equal(rcpt(f, "alice@here.test"), 250);
	assert_int_equal(send_text(f, buf_slice(&text), 65536), 250);
	body = read_body(f, &file);
	assert_true(slice_ends(body, buf_slice(&text)));
	buf_free(&file);
	buf_free(&text);
}

static void
a_drop_file_is_queued_once(void **state)
{
	struct fixture *f = *state;
	char first[SPOOL_ID_SIZE];

	become(f, DROP);
	snprintf(f->facts.id, sizeof(f->facts.id), "6C32CTKF7JB1C");
	for (int round = 0; round < 2; round++) {
		assert_int_equal(mail(f, "alice@here.test", 0), 250);
		assert_int_equal(rcpt(f, "bob@here.test"), 250);
		assert_int_equal(send_text(f, S("A: b\r\n\r\n"), 99), 250);
		assert_string_equal(f->id, "6C32CTKF7JB1C");
	}
	memcpy(first, f->id, sizeof(first));
	/* Another message under the same id is put off, not lost. */
	assert_int_equal(mail(f, "other@here.test", 0), 250);
	assert_int_equal(rcpt(f, "bob@here.test"), 250);
	assert_int_equal(send_text(f, S("A: b\r\n\r\n"), 99), 451);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(strangers_never_relay),
		TEST(without_internet_only_routes_lead_away),
		TEST(mail_is_refused_early),
		TEST(recipients_are_counted_and_not_doubled),
		TEST(the_wrong_order_ends_the_session),
		TEST(typed_mail_becomes_well_formed_and_keeps_its_bytes),
		TEST(submissions_get_the_fields_they_lack),
		TEST(loops_and_large_messages_end_at_end_of_data),
		TEST(large_messages_keep_their_bytes),
		TEST(a_drop_file_is_queued_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
