/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "tests/unit/unit.h"

#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "common/resolve.h"
#include "deliver/command.h"
#include "deliver/deliver.h"
#include "deliver/spawn.h"
#include "tests/unit/common/mailbox/scratch.h"

#define ID "0123456789ABC"

struct fixture {
	struct scratch scratch;
	struct job job;
	struct job_recipient recipient;
	struct verdict verdict;
	struct job_done done;
	const char *fault;
};

/* clang-format off */
static const char body[] =
	"Received: from a by b; id " ID "\r\nSubject: x\r\n\r\n"
	"From here\r\n.dot\r\n";
/* clang-format on */

static char host[] = "b";

static int
make(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	scratch_make(&f->scratch);
	scratch_write(&f->scratch, "queued", body);
	f->recipient = (struct job_recipient){ .index = 3,
		.kind = TARGET_MAILBOX,
		.address = SLICE("alice@x.test"),
		.original = SLICE("info@x.test") };
	memcpy(f->job.id, ID, sizeof(ID));
	f->job.sender = S("bob@y.test");
	f->job.created = 1700000000;
	f->job.body_length = sizeof(body) - 1;
	f->job.user = f->scratch.user;
	f->job.recipients = &f->recipient;
	f->job.recipient_count = 1;
	*state = f;
	return 0;
}

static int
unmake(void **state)
{
	struct fixture *f = *state;

	scratch_remove(&f->scratch);
	free(f);
	return 0;
}

static pid_t
start_agent(const struct fixture *f, int fd, int other)
{
	static const struct settings settings = { .hostname = host };
	struct agent agent = {
		.settings = &settings, .socket = fd, .maildir = -1
	};
	pid_t pid = fork();

	if (pid != 0)
		return pid;
	close(other);
	signal(SIGPIPE, SIG_IGN);
	unsetenv("MERPATI_FAULT_POINT");
	if (f->fault != NULL)
		setenv("MERPATI_FAULT_POINT", f->fault, 1);
	_exit(deliver_serve(&agent));
}

/* Run the job in an agent of its own; false when it died. */
static bool
deliver(struct fixture *f)
{
	int ends[2], spool, status;
	struct message message;
	bool ok;
	pid_t pid;

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
	pid = start_agent(f, ends[1], ends[0]);
	close(ends[1]);
	spool = openat(f->scratch.fd, "queued", O_RDONLY);
	message_init(&message);
	job_encode(&message, &f->job);
	assert_int_equal(
	    message_send_fd(&message, ends[0], spool, io_deadline(10)), IO_OK);
	close(spool);
	ok = message_receive(&message, ends[0], io_deadline(10)) == IO_OK &&
	     verdict_decode(&message, &f->verdict) &&
	     message_receive(&message, ends[0], io_deadline(10)) == IO_OK &&
	     job_done_decode(&message, &f->done);
	if (ok) {
		message_begin(&message, SYNC);
		message_put_string(&message, f->scratch.user.mail);
		message_send(&message, ends[0], io_deadline(10));
		ok = message_receive(&message, ends[0], io_deadline(10)) ==
		     IO_OK;
		assert_true(!ok || message.type == SYNCED);
	}
	message_free(&message);
	close(ends[0]);
	waitpid(pid, &status, 0);
	return ok;
}

static size_t
files_in(struct fixture *f, const char *part, char name[512])
{
	char path[128];
	struct dirent *entry;
	size_t count = 0;
	DIR *directory;
	int fd;

	snprintf(path, sizeof(path), "Maildir/%s", part);
	fd = openat(f->scratch.fd, path, O_RDONLY | O_DIRECTORY);
	if (fd < 0)
		return 0;
	directory = fdopendir(fd);
	while ((entry = readdir(directory)) != NULL)
		if (entry->d_name[0] != '.') {
			snprintf(name, 512, "Maildir/%.20s/%.400s", part,
			    entry->d_name);
			count++;
		}
	closedir(directory);
	return count;
}

static void
copy_has_trace_fields_and_the_bytes(void **state)
{
	struct fixture *f = *state;
	char name[512], text[4096];

	assert_true(deliver(f));
	assert_int_equal(f->verdict.status, 'D');
	assert_int_equal(f->verdict.index, 3);
	assert_true(f->done.may_continue && f->done.device != 0);
	assert_int_equal(files_in(f, "new", name), 1);
	assert_non_null(strstr(name, "/1700000000.Q" ID "R3."));
	assert_non_null(strstr(name, ",S="));
	scratch_read(&f->scratch, name, text);
	assert_memory_equal(text,
	    "Return-Path: <bob@y.test>\r\n"
	    "X-Original-To: info@x.test\r\n"
	    "Delivered-To: alice@x.test\r\nReceived:",
	    90);
	assert_string_equal(text + strlen(text) - sizeof(body) + 1, body);
}

static void
second_try_makes_no_second_copy(void **state)
{
	struct fixture *f = *state;
	char name[512], seen[512];

	assert_true(deliver(f));
	f->job.flags = JOB_RETRY;
	assert_true(deliver(f));
	assert_int_equal(f->verdict.status, 'D');
	assert_int_equal(files_in(f, "new", name), 1);
	/* Read meanwhile. */
	snprintf(seen, sizeof(seen), "Maildir/cur/%.400s:2,S",
	    strrchr(name, '/') + 1);
	renameat(f->scratch.fd, name, f->scratch.fd, seen);
	assert_true(deliver(f));
	assert_int_equal(f->verdict.status, 'D');
	assert_int_equal(files_in(f, "new", name), 0);
	assert_int_equal(files_in(f, "cur", name), 1);
}

static void
torn_copy_is_replaced_where_it_is(void **state)
{
	struct fixture *f = *state;
	char name[512], torn[512], text[4096];

	assert_true(deliver(f));
	assert_int_equal(files_in(f, "new", torn), 1);
	scratch_write(&f->scratch, torn, "Return-Pa");
	f->job.flags = JOB_RETRY;
	assert_true(deliver(f));
	assert_int_equal(files_in(f, "new", name), 1);
	assert_string_equal(name, torn);
	scratch_read(&f->scratch, name, text);
	assert_non_null(strstr(text, ".dot\r\n"));
	/* Right length, wrong bytes. */
	memset(text, 0, sizeof(text));
	memset(text, 'x', sizeof(body) - 1);
	scratch_write(&f->scratch, name, text);
	assert_true(deliver(f));
	scratch_read(&f->scratch, name, text);
	assert_non_null(strstr(text, ".dot\r\n"));
	assert_int_equal(files_in(f, "new", name), 1);
}

static void
killed_at_any_commit_point_it_arrives_once(void **state)
{
#ifdef WITH_FAULT_POINTS
	static const char *const points[] = { "D1", "D2", "D3", "D4" };
	struct fixture *f = *state;
	char name[512];

	for (size_t i = 0; i < 4; i++) {
		f->fault = points[i];
		f->job.created++;
		f->job.flags = 0;
		assert_false(deliver(f));
		f->fault = NULL;
		f->job.flags = JOB_RETRY;
		assert_true(deliver(f));
		assert_int_equal(files_in(f, "new", name), i + 1);
		assert_int_equal(files_in(f, "tmp", name), 0);
	}
#else
	(void)state;
	skip();
#endif
}

static void
mbox_gets_one_quoted_copy(void **state)
{
	struct fixture *f = *state;
	char text[4096], again[4096];

	snprintf(f->job.user.mail, sizeof(f->job.user.mail), "%.500s/mbox",
	    f->scratch.path);
	assert_true(deliver(f));
	assert_int_equal(f->verdict.status, 'D');
	assert_int_equal(f->done.device, 0);
	scratch_read(&f->scratch, "mbox", text);
	assert_memory_equal(text, "From bob@y.test ", 16);
	assert_non_null(strstr(text, "\n\n>From here\n.dot\n\n"));
	assert_null(strchr(text, '\r'));
	f->job.flags = JOB_RETRY;
	assert_true(deliver(f));
	scratch_read(&f->scratch, "mbox", again);
	assert_string_equal(again, text);
	f->recipient.address = S("other@x.test");
	assert_true(deliver(f));
	scratch_read(&f->scratch, "mbox", again);
	assert_int_equal(strlen(again), 2 * strlen(text));
	assert_false(scratch_has(&f->scratch, "mbox.lock"));
}

#define OLD_MAIL "From a Thu\n\nold\n\n"

/* A delivered mbox in text; the next delivery is a retry. */
static void
fill_mbox(struct fixture *f, char text[4096])
{
	snprintf(f->job.user.mail, sizeof(f->job.user.mail), "%.500s/mbox",
	    f->scratch.path);
	scratch_write(&f->scratch, "mbox", OLD_MAIL);
	assert_true(deliver(f));
	scratch_read(&f->scratch, "mbox", text);
	f->job.flags = JOB_RETRY;
}

/* Deliver over what is left; from the message on it is as in text. */
static void
expect_repair(struct fixture *f, const char *left, size_t size, char *text)
{
	size_t whole = strlen(text), at = (size_t)(strstr(text, "Ret") - text);
	char again[4096];

	scratch_put(&f->scratch, "mbox", left, size);
	assert_true(deliver(f));
	assert_int_equal(f->verdict.status, 'D');
	scratch_read(&f->scratch, "mbox", again);
	/* The empty line at the end may be missing. */
	assert_in_range(strlen(again), whole - 1, whole);
	assert_memory_equal(again, text, sizeof(OLD_MAIL) - 1);
	assert_memory_equal(again + at, text + at, whole - 1 - at);
}

/* kill -9 or a power cut in the middle of an append: for every length that is
 * left, and with zeros where bytes were not written. */
static void
torn_copy_in_an_mbox_is_delivered_again(void **state)
{
	struct fixture *f = *state;
	char text[4096], left[4096];
	size_t whole, message;

	fill_mbox(f, text);
	whole = strlen(text);
	message = (size_t)(strstr(text, "Return-Path") - text);
	for (size_t kept = message + 1; kept <= whole; kept++) {
		memset(left, 0, sizeof(left));
		memcpy(left, text, kept);
		expect_repair(f, left, kept, text);
		expect_repair(f, left, whole, text);
	}
	memset(left, 0, sizeof(left));
	memcpy(left, OLD_MAIL, sizeof(OLD_MAIL) - 1);
	expect_repair(f, left, whole, text);
}

static void
whole_copies_in_an_mbox_stay(void **state)
{
	struct fixture *f = *state;
	char text[4096], again[4096], changed[4096];
	const char *message;

	fill_mbox(f, text);
	message = strstr(text, "Return-Path");
	snprintf(changed, sizeof(changed), "%.*sStatus: RO\n%s",
	    (int)(message - text), text, message);
	scratch_write(&f->scratch, "mbox", changed);
	assert_true(deliver(f));
	scratch_read(&f->scratch, "mbox", again);
	assert_string_equal(again, changed);
	/* Another program wrote behind a torn one: nothing of it is cut. */
	snprintf(changed, sizeof(changed), "%.*s\n\nFrom b\n\nx\n\n",
	    (int)strlen(text) - 8, text);
	scratch_write(&f->scratch, "mbox", changed);
	assert_true(deliver(f));
	scratch_read(&f->scratch, "mbox", again);
	assert_memory_equal(again, changed, strlen(changed));
	assert_non_null(strstr(again + strlen(changed), "\n.dot\n"));
}

/* It may be torn, and its own delivery has to find it last. */
static void
a_careful_job_goes_behind_no_other_message_of_ours(void **state)
{
	static const struct {
		const char *last; /* of the mbox */
		bool waits;
	} rows[] = {
		{ "Received: from a by B (Merpati) with ESMTP\n"
		  "\tid 6C32BNCB0GAEY; today\n",
		    true },
		{ "Received: from a by b id 6C32BNCB0GAEY\n", true },
		{ "Received: by other with ESMTP id 6C32BNCB0GAEY\n", false },
		{ "Received: by b with ESMTP id none\n", false },
		{ "X-Received: by b id 6C32BNCB0GAEY\n", false },
		{ "", false },
	};
	struct fixture *f = *state;
	char text[4096], again[4096];

	snprintf(f->job.user.mail, sizeof(f->job.user.mail), "%.500s/mbox",
	    f->scratch.path);
	f->job.flags = JOB_CAREFUL;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		snprintf(text, sizeof(text),
		    "From x\nReceived: by b id 6C32BNCB0GAEZ\n\nx\n\n"
		    "From y\nReturn-Path: <>\n%s\nto",
		    rows[i].last);
		scratch_write(&f->scratch, "mbox", text);
		assert_true(deliver(f));
		scratch_read(&f->scratch, "mbox", again);
		assert_int_equal(f->verdict.status, rows[i].waits ? 'T' : 'D');
		assert_int_equal(
		    f->verdict.flags, rows[i].waits ? VERDICT_BEHIND : 0);
		if (rows[i].waits) {
			assert_string_equal(f->verdict.text, "6C32BNCB0GAEY");
			assert_string_equal(again, text);
		}
	}
	/* Its own copy is no other message. */
	scratch_read(&f->scratch, "mbox", text);
	f->job.flags = JOB_CAREFUL | JOB_RETRY;
	assert_true(deliver(f));
	assert_int_equal(f->verdict.status, 'D');
	scratch_read(&f->scratch, "mbox", again);
	assert_string_equal(again, text);
}

static void
loop_is_refused_for_good(void **state)
{
	struct fixture *f = *state;

	scratch_write(&f->scratch, "queued",
	    "Subject: x\r\nDELIVERED-TO:  Alice@x.test\r\n\r\n");
	f->job.body_length = 42;
	assert_true(deliver(f));
	assert_int_equal(f->verdict.status, 'F');
	assert_string_equal(f->verdict.code, "5.4.6");
}

static void
failures_are_temporary(void **state)
{
	struct fixture *f = *state;

	f->job.body_length = 100000;
	assert_true(deliver(f));
	assert_int_equal(f->verdict.status, 'T');
	f->job.body_length = sizeof(body) - 1;
	snprintf(f->job.user.home, sizeof(f->job.user.home), "/nowhere");
	assert_true(deliver(f));
	assert_int_equal(f->verdict.status, 'T');
	assert_string_equal(f->verdict.code, "4.2.0");
}

static void
commands_end_as_sysexits_say(void **state)
{
	static const struct {
		const char *command;
		char status;
		const char *code, *text;
	} cases[] = {
		{ "/bin/cat", 'D', "2.0.0", "delivered to command: .dot" },
		{ "sh -c 'echo no; exit 67'", 'F', "5.1.1",
		    "user unknown: no" },
		{ "sh -c 'exit 75'", 'T', "4.3.0", "temporary failure" },
		{ "sh -c \"kill -9 $$\"", 'T', "4.3.0",
		    "command ended by signal 9" },
		{ "sh -c 'echo $SENDER $RECIPIENT $LOCAL $DOMAIN $EXTENSION'",
		    'D', "2.0.0",
		    "delivered to command: bob@y.test alice@x.test alice "
		    "x.test" },
		{ "/no/such/program", 'T', "4.3.5", NULL },
		{ "cat > file", 'F', "5.3.5", NULL },
		{ "", 'F', "5.3.5", "the command is empty" },
	};
	struct fixture *f = *state;

	f->recipient.kind = TARGET_PROGRAM;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		f->recipient.argument = slice_of(cases[i].command);
		assert_true(deliver(f));
		assert_int_equal(f->verdict.status, cases[i].status);
		assert_string_equal(f->verdict.code, cases[i].code);
		if (cases[i].text != NULL)
			assert_string_equal(f->verdict.text, cases[i].text);
	}
}

static void
spawner_becomes_nobody_it_should_not(void **state)
{
	static const struct {
		uid_t own, virtual_uid, uid;
		gid_t gid;
		bool may;
	} cases[] = {
		{ 0, 500, 1000, 1000, true },
		{ 0, 500, 500, 500, true },
		{ 0, 500, 501, 501, false },
		{ 0, 500, 500, 42, false },
		{ 0, 500, 20001, 6, false },
		{ 0, 500, 20001, 20002, true },
		{ 0, 0, 0, 1000, false },
		{ 0, 0, 1000, 0, false },
		{ 0, 0, 33, 33, false },
		{ 0, 0, (uid_t)-1, 33, false },
		{ 1000, 0, 1000, 1000, true },
		{ 1000, 0, 1001, 1001, false },
		{ 1000, 0, 0, 0, false },
	};
	const struct settings settings = { .minimum_uid = 1000 };
	struct why why;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct spawn_rules rules = { .settings = &settings,
			.own = cases[i].own,
			.virtual_uid = cases[i].virtual_uid,
			.virtual_gid = (gid_t)cases[i].virtual_uid };

		assert_int_equal(
		    spawn_may_become(&rules, cases[i].uid, cases[i].gid, &why),
		    cases[i].may);
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, make, unmake)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(copy_has_trace_fields_and_the_bytes),
		TEST(second_try_makes_no_second_copy),
		TEST(torn_copy_is_replaced_where_it_is),
		TEST(killed_at_any_commit_point_it_arrives_once),
		TEST(mbox_gets_one_quoted_copy),
		TEST(torn_copy_in_an_mbox_is_delivered_again),
		TEST(whole_copies_in_an_mbox_stay),
		TEST(a_careful_job_goes_behind_no_other_message_of_ours),
		TEST(loop_is_refused_for_good),
		TEST(failures_are_temporary),
		TEST(commands_end_as_sysexits_say),
		cmocka_unit_test(spawner_becomes_nobody_it_should_not),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
