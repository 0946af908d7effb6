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

#include "common/front.h"
#include "common/fsutil.h"
#include "common/spoolfile.h"

#include "queue/enqueue.h"
#include "queue/enqueue_header.h"

struct fixture {
	char path[64];
	char users[96], empty[2];
	char names[4][32];
	char *domains[1];
	struct network network;
	struct settings settings;
	struct inject_facts facts;
	struct enqueue_tables tables;
	struct enqueue *enqueue;
	struct message message;
	struct inject_reply reply;
	char id[SPOOL_ID_SIZE];
};

static void
set_names(struct fixture *f)
{
	struct settings *s = &f->settings;

	snprintf(f->names[0], sizeof(f->names[0]), "here.test");
	snprintf(f->names[1], sizeof(f->names[1]), "nobody");
	snprintf(f->names[2], sizeof(f->names[2]), "Maildir/");
	snprintf(f->names[3], sizeof(f->names[3]), "+");
	f->domains[0] = f->names[0];
	s->path = s->aliases = s->virtual_aliases = f->empty;
	s->catch_all = s->route_map = f->empty;
	s->hostname = s->origin = f->names[0];
	s->virtual_user = f->names[1];
	s->home_mailbox = f->names[2];
	s->recipient_delimiter = f->names[3];
	s->domains.count = 1;
	s->domains.items = f->domains;
	s->users = f->users;
	s->queue_directory = s->state_directory = s->virtual_home = f->path;
	s->minimum_uid = 1000;
	s->message_size_limit = 1000000;
	s->max_recipients = 3;
	s->queue_minimum_free = 1;
	s->strict_sync = true;
	s->mynetworks.count = 1;
	s->mynetworks.items = &f->network;
}

static int
setup(void **state)
{
	static const char users[] = "alice@here.test * uid=20001 gid=20001\n"
				    "bob@here.test * uid=20002 gid=20002\n";
	struct fixture *f = test_calloc(1, sizeof(*f));
	char bucket[SPOOL_PATH_SIZE];

	snprintf(f->path, sizeof(f->path), "/tmp/test_enqueue.XXXXXX");
	if (mkdtemp(f->path) == NULL)
		return -1;
	snprintf(f->users, sizeof(f->users), "%s/users", f->path);
	if (!network_parse(S("127.0.0.0/8"), &f->network) ||
	    !fs_replace(AT_FDCWD, f->users, slice_of(users), 0600, NULL))
		return -1;
	set_names(f);
	f->tables.spool_fd = open(f->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (mkdirat(f->tables.spool_fd, "queue", 0700) < 0)
		return -1;
	for (unsigned int i = 0; i < SPOOL_BUCKETS; i++) {
		snprintf(bucket, sizeof(bucket), "queue/%02x", i);
		if (mkdirat(f->tables.spool_fd, bucket, 0700) < 0)
			return -1;
	}
	f->tables.resolver = resolver_new(&f->settings);
	f->enqueue = enqueue_new(&f->settings, &f->tables);
	f->facts.magic = INJECT_FACTS_MAGIC;
	f->facts.listener = LISTENER_SMTP;
	(void)netaddr_parse(S("192.0.2.9"), &f->facts.peer);
	message_init(&f->message);
	*state = f;
	return 0;
}

static int
teardown(void **state)
{
	struct fixture *f = *state;
	int status = 0;
	pid_t pid = fork();

	if (pid == 0) {
		execlp("rm", "rm", "-rf", f->path, (char *)NULL);
		_exit(127);
	}
	waitpid(pid, &status, 0);
	message_free(&f->message);
	enqueue_free(&f->enqueue);
	resolver_free(&f->tables.resolver);
	close(f->tables.spool_fd);
	test_free(f);
	return status;
}

/* What was put into message, as enqueue gets it. */
static enum enqueue_step
step(struct fixture *f)
{
	enum enqueue_step result;

	(void)message_finish(&f->message);
	f->message.position = PIPEMSG_HEADER_SIZE;
	memset(&f->reply, 0, sizeof(f->reply));
	result = enqueue_step(f->enqueue, &f->message, &f->reply);
	enqueue_replied(f->enqueue);
	return result;
}

static unsigned int
mail(struct fixture *f, const char *sender, uint64_t size)
{
	assert_true(enqueue_set_facts(f->enqueue, &f->facts));
	message_begin(&f->message, INJECT_MAIL);
	message_put_string(&f->message, sender);
	message_put_string(&f->message, "client.test");
	message_put_u8(&f->message, 1);
	message_put_u64(&f->message, size);
	message_put_u8(&f->message, 0);
	assert_int_equal(step(f), ENQUEUE_REPLY);
	return f->reply.code;
}

static unsigned int
rcpt(struct fixture *f, const char *recipient)
{
	message_begin(&f->message, INJECT_RCPT);
	message_put_string(&f->message, recipient);
	assert_int_equal(step(f), ENQUEUE_REPLY);
	return f->reply.code;
}

static unsigned int
ask(struct fixture *f, enum inject_type type)
{
	message_begin(&f->message, (uint8_t)type);
	assert_int_equal(step(f), ENQUEUE_REPLY);
	return f->reply.code;
}

static void
chunk(struct fixture *f, struct slice bytes)
{
	message_begin(&f->message, INJECT_CHUNK);
	message_put_slice(&f->message, bytes);
	assert_int_equal(step(f), ENQUEUE_SILENT);
}

static void
abort_transaction(struct fixture *f)
{
	message_begin(&f->message, INJECT_ABORT);
	assert_int_equal(step(f), ENQUEUE_SILENT);
}

/* Send text in pieces of size; the reply to END. */
static unsigned int
send_text(struct fixture *f, struct slice text, size_t size)
{
	assert_int_equal(ask(f, INJECT_DATA), 354);
	while (text.len > 0) {
		chunk(f, slice_first(text, size));
		text = slice_from(text, size);
	}
	(void)ask(f, INJECT_END);
	if (f->reply.code == 250)
		snprintf(f->id, sizeof(f->id), "%s",
		    f->reply.text + strlen("Ok: queued as "));
	return f->reply.code;
}

static struct slice
read_body(struct fixture *f, struct buf *out)
{
	char path[SPOOL_PATH_SIZE];
	struct spool_message message;
	struct arena *arena = arena_new("test", 1 << 24);
	struct why why = { 0 };
	struct slice body;
	int fd;

	buf_init(out, 4 << 20);
	spool_path(f->id, path);
	fd = openat(f->tables.spool_fd, path, O_RDONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	assert_int_equal(spool_verify(fd, &why), RESULT_OK);
	assert_int_equal(
	    spool_read(fd, f->id, arena, &message, &why), RESULT_OK);
	assert_true(fs_read_fd(fd, out, &why));
	close(fd);
	body = slice_first(slice_from(buf_slice(out), message.body_offset),
	    message.body_length);
	arena_free(&arena);
	return body;
}

enum who {
	STRANGER,
	LOOPBACK,
	LOGGED_IN,
	DROP
};

static void
become(struct fixture *f, enum who who)
{
	(void)netaddr_parse(
	    who == LOOPBACK ? S("127.0.0.1") : S("192.0.2.9"), &f->facts.peer);
	f->facts.listener = who == DROP ? INJECT_LOCAL : LISTENER_SMTP;
	if (who == LOGGED_IN)
		f->facts.listener = LISTENER_SUBMISSION;
	snprintf(f->facts.login, sizeof(f->facts.login), "%s",
	    who == LOGGED_IN ? "alice@here.test" : "");
}

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
		assert_int_equal(mail(f, "s@there.test", 0), 250);
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

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

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
