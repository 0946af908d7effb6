/* SPDX-License-Identifier: ISC */
/* What MAIL and RCPT may ask for, by who asks (enqueue_options.h). */
#include "config.h"

#include "tests/unit/unit.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "queue/enqueue_options.h"

#include "tests/unit/queue/enqueue_fixture.h"

enum {
	NOW = 1700000000
};

static void
put_mail(struct message *message, const struct mail_options *options)
{
	message_init(message);
	message_begin(message, INJECT_MAIL);
	message_put_u32(message, options->flags);
	message_put_u32(message, (uint32_t)options->priority);
	message_put_u64(message, options->hold_until);
	message_put_u64(message, options->deliver_by);
	message_put_slice(message, options->envelope_id);
	(void)message_finish(message);
	message->position = PIPEMSG_HEADER_SIZE;
}

static void
only_what_a_session_sends_is_read(void **state)
{
	static const struct {
		struct mail_options options;
		bool ok;
	} cases[] = {
		{ { .flags = 0 }, true },
		{ { .flags = MAIL_UTF8 | MAIL_REQUIRETLS, .priority = -9 },
		    true },
		{ { .envelope_id = SLICE("an id") }, true },
		{ { .flags = MAIL_TLS_OPTIONAL }, false },
		{ { .flags = MAIL_FLAGS_ALL + 1 }, false },
		{ { .flags = MAIL_8BIT | MAIL_BINARY }, false },
		{ { .priority = 10 }, false },
		{ { .priority = INT32_MIN }, false },
		{ { .hold_until = UINT64_MAX }, false },
		{ { .deliver_by = NOW }, false },
		{ { .envelope_id = SLICE("a\nb") }, false },
	};
	struct mail_options back;
	struct message message;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		put_mail(&message, &cases[i].options);
		assert_int_equal(
		    options_get_mail(&message, &back), cases[i].ok);
		if (cases[i].ok) {
			assert_int_equal(back.flags, cases[i].options.flags);
			assert_int_equal(
			    back.priority, cases[i].options.priority);
			assert_slice_equal(
			    back.envelope_id, cases[i].options.envelope_id);
		}
		message_free(&message);
	}
}

static void
establish(struct inject_facts *facts, enum who who, bool is_tls)
{
	memset(facts, 0, sizeof(*facts));
	facts->is_tls = is_tls;
	(void)netaddr_parse(
	    who == LOOPBACK ? S("127.0.0.1") : S("192.0.2.9"), &facts->peer);
	facts->listener = who == LOGGED_IN ? LISTENER_SUBMISSION
			  : who == DROP    ? INJECT_LOCAL
					   : LISTENER_SMTP;
	if (who == LOGGED_IN)
		facts->login[0] = 'a';
}

static void
each_may_ask_for_what_is_offered_to_him(void **state)
{
	static const struct {
		enum who who;
		bool is_tls;
		struct mail_options options;
		unsigned int code; /* 0: allowed */
	} cases[] = {
		{ STRANGER, false, { .flags = MAIL_UTF8 | MAIL_BINARY }, 0 },
		{ STRANGER, true, { .flags = MAIL_REQUIRETLS }, 0 },
		{ STRANGER, false, { .flags = MAIL_REQUIRETLS }, 530 },
		{ DROP, false, { .flags = MAIL_REQUIRETLS }, 0 },
		{ STRANGER, false, { .priority = 1 }, 550 },
		{ STRANGER, false, { .priority = -1 }, 550 },
		{ LOOPBACK, false, { .priority = 9 }, 0 },
		{ LOGGED_IN, true, { .priority = 9 }, 0 },
		{ STRANGER, true, { .hold_until = NOW + 5 }, 550 },
		{ LOOPBACK, true, { .hold_until = NOW + 5 }, 550 },
		{ LOGGED_IN, true, { .hold_until = NOW + 3600 }, 0 },
		{ LOGGED_IN, true, { .hold_until = NOW + 3601 }, 501 },
		{ DROP, false, { .hold_until = NOW + 3600 }, 0 },
	};
	struct network network;
	struct settings settings = { .maximal_hold_time = 3600,
		.mynetworks = { 1, &network } };
	struct inject_reply reply;
	struct inject_facts facts;

	(void)state;
	assert_true(network_parse(S("127.0.0.0/8"), &network));
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		bool ok;

		establish(&facts, cases[i].who, cases[i].is_tls);
		ok = options_are_allowed(
		    &settings, &facts, &cases[i].options, NOW, &reply);
		assert_int_equal(ok, cases[i].code == 0);
		if (!ok)
			assert_int_equal(reply.code, cases[i].code);
	}
}

static void
options_come_into_the_spool(void **state)
{
	struct arena *arena = arena_new("test", 1 << 20);
	struct fixture *f = *state;
	struct spool_message m;

	become(f, LOGGED_IN);
	f->options = (struct mail_options){
		.flags = MAIL_RET_FULL, .priority = 3, .envelope_id = S("id 1")
	};
	f->recipient =
	    (struct rcpt_options){ NOTIFY_NEVER, S("rfc822;Al@here.test") };
	assert_int_equal(mail(f, "alice@here.test", 0), 250);
	assert_int_equal(rcpt(f, "j\xc3\xb6rg@there.test"), 250);
	assert_int_equal(ask(f, INJECT_DATA), 354);
	chunk(f, S("TLS-Required: No\r\n\r\n"));
	assert_int_equal(ask(f, INJECT_END), 250);
	read_envelope(f, arena, &m);
	assert_int_equal(
	    m.options.flags, MAIL_RET_FULL | MAIL_UTF8 | MAIL_TLS_OPTIONAL);
	assert_int_equal(m.options.priority, 3);
	assert_slice_equal(m.options.envelope_id, S("id 1"));
	assert_int_equal(m.recipients[0].options.notify, NOTIFY_NEVER);
	assert_slice_equal(
	    m.recipients[0].options.original, S("rfc822;Al@here.test"));
	/* The parameter is stronger than the field of the header. */
	f->facts.is_tls = 1;
	f->options = (struct mail_options){ .flags = MAIL_REQUIRETLS };
	assert_int_equal(mail(f, "alice@here.test", 0), 250);
	assert_int_equal(rcpt(f, "bob@here.test"), 250);
	assert_int_equal(ask(f, INJECT_DATA), 354);
	chunk(f, S("TLS-Required: No\r\n\r\n"));
	assert_int_equal(ask(f, INJECT_END), 250);
	read_envelope(f, arena, &m);
	assert_int_equal(m.options.flags, MAIL_REQUIRETLS);
	arena_free(&arena);
}

static unsigned int
etrn(struct fixture *f, const char *domain)
{
	message_begin(&f->message, INJECT_ETRN);
	message_put_string(&f->message, domain);
	assert_int_equal(step(f), ENQUEUE_REPLY);
	return f->reply.code;
}

static void
etrn_writes_one_line_for_friends(void **state)
{
	struct fixture *f = *state;
	char line[64] = "";
	int fd;

	become(f, LOOPBACK);
	assert_true(enqueue_set_facts(f->enqueue, &f->facts));
	assert_int_equal(etrn(f, "there.test"), 458);
	assert_int_equal(mkfifoat(f->tables.spool_fd, "control", 0600), 0);
	assert_int_equal(etrn(f, "there.test"), 458);
	fd = openat(
	    f->tables.spool_fd, "control", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	assert_int_equal(etrn(f, "there.test"), 250);
	assert_int_equal(read(fd, line, sizeof(line) - 1), 24);
	assert_string_equal(line, "retry domain=there.test\n");
	assert_int_equal(etrn(f, "here.test"), 459);
	f->settings.internet = INTERNET_NO;
	assert_int_equal(etrn(f, "there.test"), 550);
	f->settings.internet = INTERNET_YES;
	become(f, STRANGER);
	assert_true(enqueue_set_facts(f->enqueue, &f->facts));
	assert_int_equal(etrn(f, "there.test"), 459);
	message_begin(&f->message, INJECT_ETRN);
	message_put_string(&f->message, "a.test\nretry all");
	assert_int_equal(step(f), ENQUEUE_BROKEN);
	assert_int_equal(read(fd, line, sizeof(line)), 0);
	close(fd);
}

/* Every byte, in one part that says binary. */
static void
send_binary(struct fixture *f, const char *header, size_t repeats)
{
	char bytes[256];

	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (char)i;
	assert_int_equal(ask(f, INJECT_DATA), 354);
	chunk(f, slice_of(header));
	for (size_t i = 0; i < repeats; i++)
		chunk(f, slice_make(bytes, sizeof(bytes)));
	(void)ask(f, INJECT_END);
}

static void
binary_is_converted_for_mailboxes_only(void **state)
{
	static const char header[] =
	    "MIME-Version: 1.0\r\nContent-Type: application/x\r\n"
	    "Content-Transfer-Encoding: binary\r\n\r\n";
	static const struct {
		const char *recipient;
		size_t repeats;
		bool is_binary;
	} cases[] = {
		{ "x@there.test", 2, true },
		{ "alice@here.test", 2, false },
		{ "x@there.test", 1000, true },
		{ "alice@here.test", 1000, false },
	};
	struct fixture *f = *state;

	become(f, LOGGED_IN);
	f->options = (struct mail_options){ .flags = MAIL_BINARY };
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct arena *arena = arena_new("test", 1 << 20);
		struct spool_message m;
		struct buf file;
		struct slice body;

		assert_int_equal(mail(f, "alice@here.test", 0), 250);
		assert_int_equal(rcpt(f, "bob@there.test"), 250);
		assert_int_equal(rcpt(f, cases[i].recipient), 250);
		send_binary(f, header, cases[i].repeats);
		assert_int_equal(f->reply.code, 250);
		read_envelope(f, arena, &m);
		assert_int_equal(
		    (m.options.flags & MAIL_BINARY) != 0, cases[i].is_binary);
		body = read_body(f, &file);
		assert_int_equal(
		    slice_index(body, '\0') < body.len, cases[i].is_binary);
		assert_int_equal(
		    slice_find(body, S("Content-Transfer-Encoding: base64")) <
			body.len,
		    !cases[i].is_binary);
		/* The id of the trace is the one that was told. */
		assert_true(slice_find(body, slice_of(f->id)) < body.len);
		buf_free(&file);
		arena_free(&arena);
	}
}

static void
binary_that_nobody_can_read_is_refused(void **state)
{
	struct fixture *f = *state;

	become(f, LOGGED_IN);
	f->options = (struct mail_options){ .flags = MAIL_BINARY };
	assert_int_equal(mail(f, "alice@here.test", 0), 250);
	assert_int_equal(rcpt(f, "bob@here.test"), 250);
	send_binary(f,
	    "MIME-Version: 1.0\r\nContent-Type: application/x\r\n"
	    "Content-Transfer-Encoding: x-odd\r\n\r\n",
	    2);
	assert_int_equal(f->reply.code, 554);
	assert_string_equal(f->reply.status, "5.6.3");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_what_a_session_sends_is_read),
		cmocka_unit_test(each_may_ask_for_what_is_offered_to_him),
		TEST(options_come_into_the_spool),
		TEST(etrn_writes_one_line_for_friends),
		TEST(binary_is_converted_for_mailboxes_only),
		TEST(binary_that_nobody_can_read_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
