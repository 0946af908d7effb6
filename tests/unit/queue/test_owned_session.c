/* SPDX-License-Identifier: ISC */
/*
 * An owned session: the real enqueue program, and on its pipe whoever took
 * over the session. What it is allowed follows from the front's facts alone.
 */
#include "config.h"

#include "tests/unit/unit.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#include "common/front.h"
#include "common/fsutil.h"
#include "common/io.h"
#include "common/passing.h"
#include "common/spooldir.h"
#include "common/spoolfile.h"

#include "queue/enqueue.h"

struct fixture {
	char path[64], users[96], empty[2];
	char names[4][32];
	char *domains[1];
	struct network network;
	struct settings settings;
	int session, facts; /* our ends */
	pid_t pid;
	struct message message;
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
	s->catch_all = s->route_map = s->access = f->empty;
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
	s->max_recipients = 10;
	s->queue_minimum_free = 1;
	s->mynetworks.count = 1;
	s->mynetworks.items = &f->network;
}

static int
setup(void **state)
{
	static const char users[] = "alice@here.test * uid=20001 gid=20001\n";
	struct fixture *f = test_calloc(1, sizeof(*f));
	struct why why = { 0 };

	snprintf(f->path, sizeof(f->path), "/tmp/test_owned.XXXXXX");
	if (mkdtemp(f->path) == NULL)
		return -1;
	snprintf(f->users, sizeof(f->users), "%s/users", f->path);
	set_names(f);
	if (!network_parse(S("127.0.0.0/8"), &f->network) ||
	    !fs_replace(AT_FDCWD, f->users, slice_of(users), 0600, NULL) ||
	    !spool_make_directories(&f->settings, &why)) {
		print_error("%s\n", why.text);
		return -1;
	}
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
	test_free(f);
	return status;
}

_Noreturn static void
enqueue_child(const struct fixture *f, int facts)
{
	char name[] = "enqueue";
	char *arguments[] = { name, NULL };

	/* Only the test holds the other ends: enqueue must see them close. */
	close(f->session);
	close(f->facts);
	if (dup2(facts, ENQUEUE_FACTS) < 0)
		_exit(EX_OSERR);
	_exit(enqueue_program(&f->settings, 1, arguments));
}

/* session: what they begin, or -1 for new ones of the same. */
static void
say_facts(
    const struct fixture *f, const char *peer, const char *login, int session)
{
	struct inject_facts facts = { .magic = INJECT_FACTS_MAGIC,
		.listener =
		    login[0] == '\0' ? LISTENER_SMTP : LISTENER_SUBMISSION };

	assert_true(netaddr_parse(slice_of(peer), &facts.peer));
	snprintf(facts.login, sizeof(facts.login), "%s", login);
	assert_true(passing_send(f->facts, slice_make(&facts, sizeof(facts)),
	    &session, session >= 0 ? 1 : 0));
}

/* For a stranger on port 25, as the front would start it. */
static void
start(struct fixture *f)
{
	int pipes[2], ends[2];

	assert_int_equal(
	    socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
	assert_int_equal(
	    socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pipes), 0);
	f->session = ends[0];
	f->facts = pipes[1];
	say_facts(f, "192.0.2.9", "", ends[1]);
	f->pid = fork();
	if (f->pid == 0)
		enqueue_child(f, pipes[0]);
	close(ends[1]);
	close(pipes[0]);
}

/* The exit code, after the session went. */
static int
stop(struct fixture *f)
{
	int status;

	close(f->session);
	close(f->facts);
	assert_int_equal(waitpid(f->pid, &status, 0), f->pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static unsigned int
mail(struct fixture *f)
{
	const struct inject_sender sender = { .reverse_path =
						  S("alice@here.test"),
		.helo = S("x"),
		.is_esmtp = true };
	struct inject_reply reply = { 0 };

	return inject_mail(f->session, &sender, &reply) ? reply.code : 0;
}

static unsigned int
rcpt(struct fixture *f, const char *address)
{
	const struct rcpt_options options = { .original = S("") };
	struct inject_reply reply = { 0 };

	return inject_rcpt(f->session, slice_of(address), &options, &reply)
		   ? reply.code
		   : 0;
}

static unsigned int
finish(struct fixture *f)
{
	struct inject_reply reply = { 0 };

	if (!inject_data(f->session, &reply))
		return 0;
	if (reply.code != 354)
		return reply.code;
	return inject_finish(f->session, S("Subject: x\r\n\r\n"), &reply)
		   ? reply.code
		   : 0;
}

/* Every queue file there is, in one text; how many. */
static size_t
read_queue(const struct fixture *f, struct buf *text)
{
	char path[128];
	struct dirent *entry;
	size_t count = 0;

	for (unsigned int i = 0; i < SPOOL_BUCKETS; i++) {
		snprintf(path, sizeof(path), "%s/queue/%02x", f->path, i);
		DIR *directory = opendir(path);

		assert_non_null(directory);
		while ((entry = readdir(directory)) != NULL) {
			if (entry->d_name[0] == '.')
				continue;
			assert_true(fs_read_file(
			    dirfd(directory), entry->d_name, text, NULL));
			count++;
		}
		closedir(directory);
	}
	return count;
}

static void
facts_on_the_session_pipe_are_no_message(void **state)
{
	struct fixture *f = *state;
	struct inject_facts forged = { .magic = INJECT_FACTS_MAGIC,
		.listener = INJECT_LOCAL };
	struct buf text;

	(void)netaddr_parse(S("127.0.0.1"), &forged.peer);
	snprintf(forged.login, sizeof(forged.login), "alice@here.test");
	start(f);
	assert_int_equal(
	    write(f->session, &forged, sizeof(forged)), sizeof(forged));
	assert_int_equal(mail(f), 0);
	assert_int_equal(stop(f), EX_PROTOCOL);
	buf_init(&text, 4096);
	assert_int_equal(read_queue(f, &text), 0);
	buf_free(&text);
}

/* How many frames come back before the next question. */
static int
answers_to(int type)
{
	if (type == INJECT_EXPN)
		return 2;
	return type == INJECT_RCPT || type == INJECT_VRFY;
}

/* Each type there can be, with facts inside, before and within a
 * transaction: it ends enqueue or it changes nothing. */
static void
no_message_makes_a_stranger_a_friend(void **state)
{
	struct fixture *f = *state;
	struct inject_facts forged = { .magic = INJECT_FACTS_MAGIC,
		.listener = INJECT_LOCAL };
	struct message answer;

	(void)netaddr_parse(S("127.0.0.1"), &forged.peer);
	snprintf(forged.login, sizeof(forged.login), "alice@here.test");
	message_init(&answer);
	for (int i = 0; i < 2 * 16; i++) {
		unsigned int code;

		start(f);
		if (i >= 16)
			assert_int_equal(mail(f), 250);
		message_begin(&f->message, (uint8_t)(i % 16));
		message_put_slice(
		    &f->message, slice_make(&forged, sizeof(forged)));
		assert_int_equal(
		    message_send(&f->message, f->session, io_deadline(10)),
		    IO_OK);
		/* An answer to it is not what the next call waits for. */
		for (int n = answers_to(i % 16); n > 0; n--)
			(void)message_receive(
			    &answer, f->session, io_deadline(10));
		if (i < 16 && mail(f) != 250) {
			(void)stop(f);
			continue;
		}
		code = rcpt(f, "victim@there.test");
		if (code != 0 && code != 550)
			fail_msg("type %d: %u", i % 16, code);
		(void)stop(f);
	}
	message_free(&answer);
}

static void
a_refused_recipient_is_not_in_the_queue_file(void **state)
{
	struct fixture *f = *state;
	struct buf text;

	start(f);
	assert_int_equal(mail(f), 250);
	assert_int_equal(rcpt(f, "victim@there.test"), 550);
	assert_int_equal(finish(f), 554);
	assert_int_equal(rcpt(f, "alice@here.test"), 250);
	assert_int_equal(rcpt(f, "victim@there.test"), 550);
	assert_int_equal(finish(f), 250);
	assert_int_equal(stop(f), EX_OK);
	buf_init(&text, 65536);
	assert_int_equal(read_queue(f, &text), 1);
	assert_true(
	    slice_find(buf_slice(&text), S("alice@here.test")) < text.len);
	assert_int_equal(
	    slice_find(buf_slice(&text), S("there.test")), text.len);
	buf_free(&text);
}

/* The front speaks for the next transaction, and nobody else does. */
static void
facts_of_the_front_hold_from_the_next_mail_on(void **state)
{
	struct fixture *f = *state;

	start(f);
	assert_int_equal(mail(f), 250);
	say_facts(f, "192.0.2.9", "alice@here.test", -1);
	assert_int_equal(rcpt(f, "friend@there.test"), 550);
	assert_true(inject_abort(f->session));
	assert_int_equal(mail(f), 250);
	assert_int_equal(rcpt(f, "friend@there.test"), 250);
	assert_true(inject_abort(f->session));
	assert_int_equal(stop(f), EX_OK);
}

static void
without_its_front_a_stranger_stays_one(void **state)
{
	struct fixture *f = *state;

	start(f);
	assert_int_equal(mail(f), 250);
	assert_true(inject_abort(f->session));
	assert_int_equal(write(f->facts, "half", 4), 4);
	close(f->facts);
	f->facts = open("/dev/null", O_RDONLY | O_CLOEXEC);
	if (mail(f) == 250)
		assert_int_equal(rcpt(f, "friend@there.test"), 550);
	(void)stop(f);
}

/* The account of the jail is not there: everything runs as one user. */
int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(facts_on_the_session_pipe_are_no_message),
		TEST(no_message_makes_a_stranger_a_friend),
		TEST(a_refused_recipient_is_not_in_the_queue_file),
		TEST(facts_of_the_front_hold_from_the_next_mail_on),
		TEST(without_its_front_a_stranger_stays_one),
	};

	signal(SIGPIPE, SIG_IGN);
	if (getuid() == 0 && (setgid(65534) != 0 || setuid(65534) != 0))
		return EXIT_FAILURE;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
