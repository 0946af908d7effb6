/* SPDX-License-Identifier: ISC */
/*
 * The loop on real descriptors: a child runs the session on socket pairs, the
 * test plays client, front and enqueue.
 */
#include "config.h"

#include "tests/unit/unit.h"

#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/control.h"
#include "common/inject.h"
#include "common/io.h"
#include "common/log.h"
#include "smtpd/session_io.h"

/* Added to the clock by which the session sees a message begin. */
static int64_t begun_before;
int64_t __real_io_now(void);
int64_t __wrap_io_now(void);

int64_t
__wrap_io_now(void)
{
	return __real_io_now() - begun_before;
}

struct stage {
	int network, control, enqueue;
	pid_t pid;
	char got[4096];
};

static const struct listener smtp = { "smtp", LISTENER_SMTP, "smtpd", 25,
	false };

static void
run_child(int network, int control, int enqueue)
{
	static char hostname[] = "mx.example.org";
	const struct settings settings = { .hostname = hostname,
		.message_size_limit = 30000000 };
	struct connection connection = {
		.settings = &settings, .listener = &smtp, .id = "CONNECTION000"
	};
	int null = open("/dev/null", O_RDWR);

	network = fcntl(network, F_DUPFD, 20);
	control = fcntl(control, F_DUPFD, 20);
	enqueue = fcntl(enqueue, F_DUPFD, 20);
	dup2(network, SESSION_INPUT);
	dup2(network, SESSION_OUTPUT);
	dup2(null, STDERR_FILENO);
	dup2(control, SESSION_CONTROL);
	dup2(enqueue, SESSION_ENQUEUE);
	for (int fd = SESSION_ENQUEUE + 1; fd < 64; fd++)
		close(fd);
	_exit(session_io_run(&connection));
}

static void
stage_open(struct stage *stage)
{
	int network[2], control[2], enqueue[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, network), 0);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, control), 0);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, enqueue), 0);
	stage->pid = fork();
	if (stage->pid == 0)
		run_child(network[1], control[1], enqueue[1]);
	close(network[1]);
	close(control[1]);
	close(enqueue[1]);
	stage->network = network[0];
	stage->control = control[0];
	stage->enqueue = enqueue[0];
}

static void
stage_close(struct stage *stage)
{
	int status;

	close(stage->network);
	close(stage->control);
	close(stage->enqueue);
	assert_int_equal(waitpid(stage->pid, &status, 0), stage->pid);
	assert_int_equal(status, 0);
}

static void
say(struct stage *stage, const char *text)
{
	assert_int_equal(
	    io_write_all(stage->network, slice_of(text), io_deadline(10)),
	    IO_OK);
}

/* Read until what came ends in text. */
static const char *
hear(struct stage *stage, const char *text)
{
	size_t n = 0, got;

	do {
		assert_int_equal(
		    io_read_some(stage->network, stage->got + n,
			sizeof(stage->got) - n - 1, &got, io_deadline(10)),
		    IO_OK);
		n += got;
		stage->got[n] = '\0';
	} while (!slice_ends(slice_of(stage->got), slice_of(text)));
	return stage->got;
}

static void
start_enqueue(struct stage *stage, enum control_type type)
{
	struct control control;

	assert_int_equal(
	    control_receive(stage->control, &control, io_deadline(10)), IO_OK);
	assert_int_equal(control.type, CONTROL_ENQUEUE);
	control.type = (uint8_t)type;
	assert_int_equal(control_send(stage->control, control), IO_OK);
}

/* One request to enqueue, and its answer. */
static void
serve(struct stage *stage, enum inject_type type, bool has_answer)
{
	struct message message;

	message_init(&message);
	assert_int_equal(
	    message_receive(&message, stage->enqueue, io_deadline(10)), IO_OK);
	assert_int_equal(message.type, type);
	if (has_answer) {
		message_begin(&message, INJECT_REPLY);
		message_put_u32(&message, 250);
		message_put_string(&message, "2.0.0");
		message_put_string(&message, "Ok");
		message_send(&message, stage->enqueue, io_deadline(10));
	}
	message_free(&message);
}

static void
a_message_passes_through_the_descriptors(void **state)
{
	struct stage stage;

	(void)state;
	stage_open(&stage);
	hear(&stage, "ESMTP Merpati\r\n");
	say(&stage, "EHLO c\r\nMAIL FROM:<a@b.c>\r\nRCPT TO:<d@e.f>\r\n"
		    "DATA\r\n");
	start_enqueue(&stage, CONTROL_READY);
	serve(&stage, INJECT_MAIL, true);
	serve(&stage, INJECT_RCPT, true);
	serve(&stage, INJECT_DATA, true);
	hear(&stage, "a line with only a dot ends it\r\n");
	say(&stage, "text\r\n.\r\nQUIT\r\n");
	serve(&stage, INJECT_CHUNK, false);
	serve(&stage, INJECT_END, true);
	assert_string_equal(
	    hear(&stage, "Bye\r\n"), "250 2.0.0 Ok\r\n221 2.0.0 Bye\r\n");
	stage_close(&stage);
}

static void
a_half_closed_client_gets_all_its_replies(void **state)
{
	struct stage stage;
	size_t got;

	(void)state;
	stage_open(&stage);
	hear(&stage, "ESMTP Merpati\r\n");
	say(&stage, "HELO c\r\nNOOP\r\nNOOP\r\n");
	shutdown(stage.network, SHUT_WR);
	hear(&stage, "250 mx.example.org\r\n250 2.0.0 Ok\r\n"
		     "250 2.0.0 Ok\r\n");
	assert_int_equal(
	    io_read_some(stage.network, stage.got, 1, &got, io_deadline(10)),
	    IO_EOF);
	stage_close(&stage);
}

static void
a_client_that_vanishes_ends_the_session(void **state)
{
	struct stage stage;

	(void)state;
	stage_open(&stage);
	hear(&stage, "ESMTP Merpati\r\n");
	say(&stage, "NOOP\r\n");
	stage_close(&stage);
}

static void
an_enqueue_that_cannot_start_is_451(void **state)
{
	struct stage stage;

	(void)state;
	stage_open(&stage);
	hear(&stage, "ESMTP Merpati\r\n");
	say(&stage, "EHLO c\r\nMAIL FROM:<a@b.c>\r\n");
	start_enqueue(&stage, CONTROL_FAILED);
	hear(&stage, "451 4.3.0 The mail queue is not available, try again "
		     "later\r\n");
	say(&stage, "MAIL FROM:<a@b.c>\r\nQUIT\r\n");
	hear(&stage, "Bye\r\n");
	stage_close(&stage);
}

static void
an_enqueue_that_dies_is_451(void **state)
{
	struct stage stage;

	(void)state;
	stage_open(&stage);
	hear(&stage, "ESMTP Merpati\r\n");
	say(&stage, "EHLO c\r\nMAIL FROM:<a@b.c>\r\nRCPT TO:<d@e.f>\r\n");
	start_enqueue(&stage, CONTROL_READY);
	serve(&stage, INJECT_MAIL, true);
	shutdown(stage.enqueue, SHUT_RDWR);
	hear(&stage, "451 4.3.0 The mail queue is not available, try again "
		     "later\r\n");
	say(&stage, "QUIT\r\n");
	hear(&stage, "Bye\r\n");
	stage_close(&stage);
}

static void
starttls_is_asked_for_after_its_reply(void **state)
{
	struct stage stage;
	struct control control;

	(void)state;
	stage_open(&stage);
	hear(&stage, "ESMTP Merpati\r\n");
	say(&stage, "STARTTLS\r\nNOOP\r\n");
	assert_int_equal(
	    control_receive(stage.control, &control, io_deadline(10)), IO_OK);
	assert_int_equal(control.type, CONTROL_STARTTLS);
	hear(&stage, "220 2.0.0 Ready to start TLS\r\n");
	assert_int_equal(
	    control_receive(stage.control, &control, io_deadline(10)), IO_EOF);
	stage_close(&stage);
}

/* Bytes that come one by one renew the time of a block, but not that of the
 * message. */
static void
a_message_that_crawls_is_cut(void **state)
{
	static const char *const messages[] = { "DATA\r\n",
		"BDAT 100000 LAST\r\n" };
	struct stage stage;

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		begun_before = (int64_t)TIMEOUT_SMTP_MESSAGE * 1000 - 500;
		stage_open(&stage);
		begun_before = 0;
		hear(&stage, "ESMTP Merpati\r\n");
		say(&stage, "EHLO c\r\nMAIL FROM:<a@b.c>\r\n"
			    "RCPT TO:<d@e.f>\r\n");
		start_enqueue(&stage, CONTROL_READY);
		serve(&stage, INJECT_MAIL, true);
		serve(&stage, INJECT_RCPT, true);
		say(&stage, messages[i]);
		serve(&stage, INJECT_DATA, true);
		say(&stage, "x");
		hear(&stage, "421 4.4.2 Timeout, closing the connection\r\n");
		stage_close(&stage);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_message_passes_through_the_descriptors),
		cmocka_unit_test(a_half_closed_client_gets_all_its_replies),
		cmocka_unit_test(a_client_that_vanishes_ends_the_session),
		cmocka_unit_test(an_enqueue_that_cannot_start_is_451),
		cmocka_unit_test(an_enqueue_that_dies_is_451),
		cmocka_unit_test(starttls_is_asked_for_after_its_reply),
		cmocka_unit_test(a_message_that_crawls_is_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
