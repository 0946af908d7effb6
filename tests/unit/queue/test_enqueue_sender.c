/* SPDX-License-Identifier: ISC */
/*
 * What who is logged in may write as sender, and what becomes of a
 * submission's header.
 */
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
#include "common/spooldir.h"
#include "common/spoolfile.h"
#include "common/table.h"

#include "queue/enqueue.h"

struct fixture {
	char path[64], users[96], aliases[96], senders[96];
	char names[5][32];
	char *domains[2];
	struct settings settings;
	struct inject_facts facts;
	struct enqueue_tables tables;
	struct enqueue *enqueue;
	struct message message;
	struct inject_reply reply;
};

static const char users_text[] = "alice@here.test * uid=20001 gid=20001\n"
				 "bob@here.test * uid=20002 gid=20002\n";
static const char aliases_text[] = "boss@here.test: alice@here.test\n"
				   "team@here.test: alice@here.test, "
				   "bob@here.test\n"
				   "away@here.test: alice@there.test\n"
				   "@all.test: alice@here.test\n";
static const char senders_text[] = "info@here.test bob@here.test, "
				   "alice@here.test\n"
				   "work@there.test alice@here.test\n"
				   "@granted.test alice@here.test\n"
				   "bob@here.test\tcarol@here.test\n";

static void
set_names(struct fixture *f)
{
	struct settings *s = &f->settings;

	snprintf(f->names[0], sizeof(f->names[0]), "here.test");
	snprintf(f->names[1], sizeof(f->names[1]), "nobody");
	snprintf(f->names[2], sizeof(f->names[2]), "Maildir/");
	snprintf(f->names[3], sizeof(f->names[3]), "+");
	snprintf(f->names[4], sizeof(f->names[4]), "all.test");
	f->domains[0] = f->names[0];
	f->domains[1] = f->names[4];
	s->hostname = s->origin = f->names[0];
	s->virtual_user = f->names[1];
	s->home_mailbox = f->names[2];
	s->recipient_delimiter = f->names[3];
	s->domains.count = 2;
	s->domains.items = f->domains;
	s->users = f->users;
	s->virtual_aliases = f->aliases;
	s->senders = f->senders;
	s->queue_directory = s->state_directory = s->virtual_home = f->path;
	s->minimum_uid = 1000;
	s->message_size_limit = 1000000;
	s->queue_minimum_free = 1;
	s->hide_client = true;
}

static bool
write_tables(struct fixture *f)
{
	snprintf(f->users, sizeof(f->users), "%s/users", f->path);
	snprintf(f->aliases, sizeof(f->aliases), "%s/aliases", f->path);
	snprintf(f->senders, sizeof(f->senders), "%s/senders", f->path);
	return fs_replace(
		   AT_FDCWD, f->users, slice_of(users_text), 0600, NULL) &&
	       fs_replace(
		   AT_FDCWD, f->aliases, slice_of(aliases_text), 0600, NULL) &&
	       fs_replace(
		   AT_FDCWD, f->senders, slice_of(senders_text), 0600, NULL);
}

static int
setup(void **state)
{
	struct fixture *f = test_calloc(1, sizeof(*f));
	struct why why = { 0 };
	static char empty[1];

	snprintf(f->path, sizeof(f->path), "/tmp/test_sender.XXXXXX");
	if (mkdtemp(f->path) == NULL || !write_tables(f))
		return -1;
	set_names(f);
	f->settings.aliases = f->settings.catch_all = empty;
	f->settings.route_map = f->settings.path = empty;
	if (!spool_make_directories(&f->settings, &why)) {
		print_error("%s\n", why.text);
		return -1;
	}
	f->tables.spool_fd = open(f->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	f->tables.resolver = resolver_new(&f->settings);
	f->tables.senders = table_open(f->senders, TABLE_KEY_VALUE, NULL, &why);
	f->enqueue = enqueue_new(&f->settings, &f->tables);
	f->facts.magic = INJECT_FACTS_MAGIC;
	f->facts.listener = LISTENER_SUBMISSION;
	(void)netaddr_parse(S("192.0.2.9"), &f->facts.peer);
	snprintf(f->facts.login, sizeof(f->facts.login), "alice@here.test");
	message_init(&f->message);
	*state = f;
	return 0;
}

static int
teardown(void **state)
{
	struct fixture *f = *state;
	int status = remove_folder(f->path);

	message_free(&f->message);
	enqueue_free(&f->enqueue);
	table_close(&f->tables.senders);
	resolver_free(&f->tables.resolver);
	close(f->tables.spool_fd);
	test_free(f);
	return status;
}

static unsigned int
step(struct fixture *f)
{
	(void)message_finish(&f->message);
	f->message.position = PIPEMSG_HEADER_SIZE;
	memset(&f->reply, 0, sizeof(f->reply));
	(void)enqueue_step(f->enqueue, &f->message, &f->reply);
	enqueue_replied(f->enqueue);
	return f->reply.code;
}

static unsigned int
mail(struct fixture *f, const char *sender)
{
	message_begin(&f->message, INJECT_ABORT);
	(void)step(f);
	assert_true(enqueue_set_facts(f->enqueue, &f->facts));
	message_begin(&f->message, INJECT_MAIL);
	message_put_string(&f->message, sender);
	message_put_string(&f->message, "client.test");
	message_put_u8(&f->message, 1);
	message_put_u64(&f->message, 0);
	message_put_u32(&f->message, 0);
	message_put_u32(&f->message, 0);
	message_put_u64(&f->message, 0);
	message_put_u64(&f->message, 0);
	message_put_string(&f->message, "");
	return step(f);
}

static unsigned int
send_text(struct fixture *f, const char *text)
{
	assert_int_equal(mail(f, ""), 250);
	message_begin(&f->message, INJECT_RCPT);
	message_put_string(&f->message, "bob@here.test");
	message_put_u8(&f->message, 0);
	message_put_string(&f->message, "");
	assert_int_equal(step(f), 250);
	message_begin(&f->message, INJECT_DATA);
	assert_int_equal(step(f), 354);
	message_begin(&f->message, INJECT_CHUNK);
	message_put_string(&f->message, text);
	(void)step(f);
	message_begin(&f->message, INJECT_END);
	return step(f);
}

static struct slice
queued(struct fixture *f, struct buf *out)
{
	const char *id = f->reply.text + strlen("Ok: queued as ");
	struct arena *arena = arena_new("test", 1 << 24);
	char path[SPOOL_PATH_SIZE];
	struct spool_message message;
	struct why why = { 0 };
	struct slice body;
	int fd;

	buf_init(out, 1 << 20);
	spool_path(id, path);
	fd = openat(f->tables.spool_fd, path, O_RDONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	assert_int_equal(spool_read(fd, id, arena, &message, &why), RESULT_OK);
	assert_true(fs_read_fd(fd, out, &why));
	close(fd);
	body = slice_first(slice_from(buf_slice(out), message.body_offset),
	    message.body_length);
	arena_free(&arena);
	return body;
}

/* Codes with sender_check own, domain, no. */
static const struct {
	const char *sender;
	unsigned int own, domain, no;
} senders[] = {
	{ "", 250, 250, 250 },
	{ "alice@here.test", 250, 250, 250 },
	{ "ALICE@Here.Test", 250, 250, 250 },
	{ "alice+lists@here.test", 250, 250, 250 },
	{ "alice", 250, 250, 250 },
	{ "boss@here.test", 250, 250, 250 },
	{ "anything@all.test", 250, 250, 250 },
	{ "info@here.test", 250, 250, 250 },
	{ "info+x@here.test", 250, 250, 250 },
	{ "work@there.test", 250, 250, 250 },
	{ "any@granted.test", 250, 250, 250 },
	/* several people's, another's, nobody's, granted to another */
	{ "team@here.test", 553, 250, 250 },
	{ "bob@here.test", 553, 250, 250 },
	{ "nobody-at-all@here.test", 553, 250, 250 },
	/* it leads to the same name in another place */
	{ "away@here.test", 553, 250, 250 },
	{ "alice@there.test", 553, 553, 250 },
	{ "x@sub.granted.test", 553, 553, 250 },
	{ "alice@here.test.there.test", 553, 553, 250 },
	{ "\"alice@here.test\"@there.test", 553, 553, 250 },
	{ "work%there.test@else.test", 553, 553, 250 },
};

static void
senders_are_ones_own_or_granted(void **state)
{
	struct fixture *f = *state;

	for (uint64_t check = SENDER_CHECK_OWN; check <= SENDER_CHECK_NO;
	     check++) {
		f->settings.sender_check = check;
		for (size_t i = 0; i < sizeof(senders) / sizeof(senders[0]);
		     i++) {
			unsigned int expected =
			    check == SENDER_CHECK_OWN      ? senders[i].own
			    : check == SENDER_CHECK_DOMAIN ? senders[i].domain
							   : senders[i].no;

			if (mail(f, senders[i].sender) != expected)
				fail_msg("%s: %u %s", senders[i].sender,
				    f->reply.code, f->reply.text);
			if (expected == 553)
				assert_string_equal(f->reply.status, "5.7.1");
		}
	}
}

static void
a_login_that_is_nobody_owns_nothing(void **state)
{
	struct fixture *f = *state;

	snprintf(f->facts.login, sizeof(f->facts.login), "zoe@here.test");
	assert_int_equal(mail(f, "alice@here.test"), 553);
	assert_int_equal(mail(f, "zoe@here.test"), 553);
	f->settings.sender_check = SENDER_CHECK_DOMAIN;
	assert_int_equal(mail(f, "zoe@here.test"), 553);
	/* Grants are by login, and carol has one. */
	snprintf(f->facts.login, sizeof(f->facts.login), "carol@here.test");
	assert_int_equal(mail(f, "bob@here.test"), 250);
}

static void
without_a_login_nobody_is_asked(void **state)
{
	struct fixture *f = *state;

	f->facts.login[0] = '\0';
	f->facts.listener = LISTENER_SMTP;
	assert_int_equal(mail(f, "bob@here.test"), 250);
	assert_int_equal(
	    send_text(f, "From: bob@here.test\r\nFrom: x@y.test\r\n\r\n"), 250);
	f->facts.listener = INJECT_LOCAL;
	assert_int_equal(mail(f, "bob@here.test"), 250);
}

static const struct {
	const char *header;
	unsigned int code;
} headers[] = {
	{ "Subject: x\r\n\r\n", 250 },
	{ "From: alice@here.test\r\n\r\n", 250 },
	{ "From: \"Boss, the\" <boss@here.test>\r\n\r\n", 250 },
	{ "From: Alice <alice@here.test>,\r\n info@here.test\r\n\r\n", 250 },
	{ "From: alice\r\n\r\n", 250 },
	{ "From: Alice <alice@here.test>\r\nSender: boss@here.test\r\n\r\n",
	    250 },
	{ "From: bob@here.test\r\n\r\n", 550 },
	{ "From : bob@here.test\r\n\r\n", 550 },
	{ "from: Alice <bob@here.test>\r\n\r\n", 550 },
	{ "From: \"alice@here.test\" <bob@here.test>\r\n\r\n", 550 },
	{ "From: alice@here.test (x), bob@here.test\r\n\r\n", 550 },
	{ "From: alice@here.test,\r\n\tbob@here.test\r\n\r\n", 550 },
	{ "From: x: alice@here.test, bob@here.test;\r\n\r\n", 550 },
	{ "From: alice@here.test\r\nSender: bob@here.test\r\n\r\n", 550 },
	{ "From: team@here.test\r\nSender: alice@here.test\r\n\r\n", 550 },
	{ "From: <>\r\n\r\n", 554 },
	{ "From:\r\n\r\n", 554 },
	{ "From: nobody:;\r\n\r\n", 554 },
	{ "From: alice@here.test\r\nfrom: alice@here.test\r\n\r\n", 554 },
	{ "Subject: x\r\nSubject: y\r\n\r\n", 554 },
	{ "To: a@b.test\r\nTo: c@d.test\r\n\r\n", 554 },
	{ "Date: x\r\nDate: y\r\n\r\n", 554 },
	/* Not fields: after the header anything may stand. */
	{ "Subject: x\r\n\r\nFrom: bob@here.test\r\n", 250 },
	/* As many as there are, of these. */
	{ "Received: x\r\nReceived: y\r\nComments: a\r\nComments: b\r\n\r\n",
	    250 },
};

static void
authors_in_the_header_are_the_user(void **state)
{
	struct fixture *f = *state;

	for (size_t i = 0; i < sizeof(headers) / sizeof(headers[0]); i++)
		if (send_text(f, headers[i].header) != headers[i].code)
			fail_msg("%s: %u %s", headers[i].header, f->reply.code,
			    f->reply.text);
	f->settings.sender_check = SENDER_CHECK_NO;
	assert_int_equal(send_text(f, "From: bob@here.test\r\n\r\n"), 250);
	assert_int_equal(
	    send_text(f, "From: a@b.test\r\nFrom: c@d.test\r\n"), 554);
}

/* Does the queued message have this text? */
static bool
has(struct fixture *f, const char *text)
{
	struct buf file;
	struct slice body = queued(f, &file);
	bool yes = slice_find(body, slice_of(text)) < body.len;

	buf_free(&file);
	return yes;
}

static void
blind_copies_are_taken_off(void **state)
{
	static const char text[] =
	    "Bcc: secret@here.test\r\nTo: bob@here.test\r\n"
	    "bcc : x@here.test,\r\n secret@here.test\r\nSubject: keep\r\n"
	    "Resent-Bcc: secret@here.test\r\n\r\nBcc: body stays\r\n";
	struct fixture *f = *state;

	assert_int_equal(send_text(f, text), 250);
	assert_false(has(f, "secret"));
	assert_true(has(f, "\r\nTo: bob@here.test\r\nSubject: keep\r\n\r\n"
			   "Bcc: body stays\r\n"));
	/* What only passes through is not changed. */
	f->facts.login[0] = '\0';
	f->facts.listener = LISTENER_SMTP;
	assert_int_equal(send_text(f, text), 250);
	assert_true(has(f, text));
}

static void
the_client_is_hidden_when_logged_in(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(send_text(f, "Subject: x\r\n\r\n"), 250);
	assert_false(has(f, "192.0.2.9"));
	assert_false(has(f, "client.test"));
	assert_true(has(f, "Received: from here.test (submission)\r\n"
			   "\tby here.test (Merpati) with ESMTPA id "));
	assert_true(has(f, "\r\nDate: "));
	assert_true(has(f, "\r\nMessage-ID: <"));
	f->settings.hide_client = false;
	assert_int_equal(send_text(f, "Subject: x\r\n\r\n"), 250);
	assert_true(has(f, "from client.test ([192.0.2.9])"));
	f->settings.hide_client = true;
	f->facts.login[0] = '\0';
	f->facts.listener = LISTENER_SMTP;
	assert_int_equal(send_text(f, "Subject: x\r\n\r\n"), 250);
	assert_true(has(f, "from client.test ([192.0.2.9])"));
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(senders_are_ones_own_or_granted),
		TEST(a_login_that_is_nobody_owns_nothing),
		TEST(without_a_login_nobody_is_asked),
		TEST(authors_in_the_header_are_the_user),
		TEST(blind_copies_are_taken_off),
		TEST(the_client_is_hidden_when_logged_in),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
