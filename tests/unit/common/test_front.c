/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "common/front.h"

#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#include "common/auth.h"
#include "common/control.h"
#include "common/handover.h"
#include "common/inject.h"
#include "common/io.h"
#include "common/log.h"
#include "common/pipemsg.h"
#include "common/program.h"

#include "tests/unit/unit.h"

/*
 * The front under test runs in a child with a loopback connection; the
 * compartments are functions of this file, and so are the sessions. A
 * session writes "done" when it got as far as it should.
 */
static bool
ask(enum control_type type)
{
	struct control control = { .type = (uint8_t)type };

	return control_send(SESSION_CONTROL, control) == IO_OK;
}

static int
answer(void)
{
	struct control control;

	if (control_receive(SESSION_CONTROL, &control, io_deadline(20)) !=
	    IO_OK)
		return -1;
	return control.type;
}

static int
done(void)
{
	return write(SESSION_OUTPUT, "done", 4) == 4 ? 0 : 1;
}

/* Echoes one message and says how the facts were. */
static int
fake_enqueue(const struct settings *settings, int argc, char *const argv[])
{
	struct inject_facts facts;
	char text[64] = "";

	(void)settings;
	(void)argv;
	if (argc != 1 ||
	    io_read_all(ENQUEUE_FACTS, &facts, sizeof(facts),
		io_deadline(20)) != IO_OK ||
	    facts.magic != INJECT_FACTS_MAGIC)
		return 1;
	if (read(ENQUEUE_SESSION, text, 5) == 5 &&
	    io_read_all(
		ENQUEUE_FACTS, &facts, sizeof(facts), io_deadline(20)) == IO_OK)
		snprintf(text, sizeof(text), "login=%.50s", facts.login);
	return write(ENQUEUE_SESSION, text, strlen(text)) < 0;
}

/* "good" is right, "root" would be a user that nobody may become. */
static int
fake_auth(const struct settings *settings, int argc, char *const argv[])
{
	struct auth_verdict verdict = { .magic = AUTH_VERDICT_MAGIC };
	struct message message;
	struct slice user;
	bool ok;

	(void)settings;
	(void)argc;
	(void)argv;
	message_init(&message);
	ok = message_receive(&message, AUTH_CREDENTIAL, io_deadline(20)) ==
	     IO_OK;
	message_get_slice(&message, &user);
	if (slice_eq(user, S("good")) || slice_eq(user, S("root"))) {
		verdict.answer = AUTH_ANSWER_YES;
		snprintf(verdict.user.name, sizeof(verdict.user.name), "good");
		snprintf(verdict.user.home, sizeof(verdict.user.home), "/");
		snprintf(verdict.user.mail, sizeof(verdict.user.mail), "/m/");
		verdict.user.uid = slice_eq(user, S("good")) ? 65534 : 0;
		verdict.user.gid = 65534;
	}
	message_free(&message);
	return !ok || write(AUTH_VERDICT, &verdict, sizeof(verdict)) < 0;
}

/* Tells the network who it serves and what was left unread. */
static int
fake_mailbox(const struct settings *settings, int argc, char *const argv[])
{
	struct handover handover;
	struct buf tag, unread;
	struct why why;

	(void)settings;
	(void)argc;
	(void)argv;
	buf_init(&tag, HANDOVER_MAX);
	buf_init(&unread, HANDOVER_MAX);
	if (!handover_receive(MAILBOX_HANDOVER, &handover, &tag, &unread, &why))
		return 1;
	return dprintf(1, "%s %s %s %s", handover.user.name, handover.listener,
		   buf_string(&tag), buf_string(&unread)) < 0;
}

const struct program program_table[] = {
	{ "enqueue", fake_enqueue },
	{ "auth", fake_auth },
	{ "test-mailbox", fake_mailbox },
	{ NULL, NULL },
};

static bool
log_in(const char *user, int *got)
{
	if (!auth_send(SESSION_AUTH, slice_of(user), S("password"), "test") ||
	    !ask(CONTROL_AUTH))
		return false;
	*got = answer();
	return true;
}

static int
session_quits(const struct connection *c)
{
	return strlen(c->id) == 13 && !c->is_tls ? done() : 1;
}

static int
session_submits(const struct connection *c)
{
	char text[64] = "";
	int got = 0;

	(void)c;
	if (!ask(CONTROL_ENQUEUE) || answer() != CONTROL_READY ||
	    !log_in("good", &got) || got != CONTROL_AUTH_OK ||
	    write(SESSION_ENQUEUE, "hello", 5) != 5 ||
	    read(SESSION_ENQUEUE, text, sizeof(text) - 1) <= 0 ||
	    strcmp(text, "login=good") != 0)
		return 1;
	return done();
}

static int
session_asks_for_enqueue_twice(const struct connection *c)
{
	(void)c;
	if (!ask(CONTROL_ENQUEUE) || answer() != CONTROL_READY)
		return 1;
	ask(CONTROL_ENQUEUE);
	return answer() == CONTROL_READY ? done() : 1;
}

static int
session_hands_over_without_login(const struct connection *c)
{
	(void)c;
	handover_send(SESSION_HANDOVER, S("a"), S("b"));
	return ask(CONTROL_HANDOVER) ? 0 : 1;
}

static int
session_sends_an_unknown_type(const struct connection *c)
{
	(void)c;
	if (write(SESSION_CONTROL, "MPC\x05\0\0\0\0", 8) != 8)
		return 1;
	return answer() >= 0 ? done() : 1;
}

static int
session_sends_an_answer(const struct connection *c)
{
	(void)c;
	ask(CONTROL_AUTH_OK);
	return answer() >= 0 ? done() : 1;
}

static int
session_sends_bad_magic(const struct connection *c)
{
	(void)c;
	if (write(SESSION_CONTROL, "ABC\x01\0\0\0\0", 8) != 8)
		return 1;
	return answer() >= 0 ? done() : 1;
}

static int
session_logs_in_twice(const struct connection *c)
{
	int got = 0;

	(void)c;
	if (!log_in("good", &got) || got != CONTROL_AUTH_OK)
		return 1;
	return log_in("good", &got) && got >= 0 ? done() : 1;
}

static int
session_goes_on_after_starttls(const struct connection *c)
{
	(void)c;
	ask(CONTROL_STARTTLS);
	ask(CONTROL_ENQUEUE);
	return answer() >= 0 ? done() : 1;
}

static int
session_claims_to_be_root(const struct connection *c)
{
	int got = 0;

	(void)c;
	return log_in("root", &got) && got == CONTROL_AUTH_LATER ? done() : 1;
}

/* Whatever it writes first, the mailbox reads the front's facts first. */
static int
session_hands_over(const struct connection *c)
{
	int got = 0;

	(void)c;
	if (!log_in("good", &got) || got != CONTROL_AUTH_OK ||
	    !handover_send(SESSION_HANDOVER, S("a1"), S("NOOP")))
		return 1;
	return ask(CONTROL_HANDOVER) ? 0 : 1;
}

static int
session_forges_a_handover(const struct connection *c)
{
	struct handover forged = { .magic = HANDOVER_MAGIC };

	snprintf(forged.user.name, sizeof(forged.user.name), "victim");
	if (write(SESSION_HANDOVER, &forged, sizeof(forged)) < 0)
		return 1;
	return session_hands_over(c);
}

static const struct front_case {
	const char *what;
	session_fn *session;
	const char *listener;
	int code;
	const char *output;
} front_cases[] = {
	{ "quits", session_quits, "submission", EX_OK, "done" },
	{ "submits", session_submits, "submission", EX_OK, "done" },
	{ "twice", session_asks_for_enqueue_twice, "submission", EX_PROTOCOL,
	    "" },
	{ "wrong phase", session_hands_over_without_login, "submission",
	    EX_PROTOCOL, "" },
	{ "unknown type", session_sends_an_unknown_type, "submission",
	    EX_PROTOCOL, "" },
	{ "an answer", session_sends_an_answer, "submission", EX_PROTOCOL, "" },
	{ "bad magic", session_sends_bad_magic, "submission", EX_PROTOCOL, "" },
	{ "second login", session_logs_in_twice, "submission", EX_PROTOCOL,
	    "" },
	{ "login on port 25", session_logs_in_twice, "smtp", EX_PROTOCOL, "" },
	{ "life after STARTTLS", session_goes_on_after_starttls, "submission",
	    EX_PROTOCOL, "" },
	{ "root", session_claims_to_be_root, "submission", EX_OK, "done" },
	{ "hands over", session_hands_over, "submission", EX_OK,
	    "good submission a1 NOOP" },
	{ "forges", session_forges_a_handover, "submission", 1, "" },
};

/* Both ends of a connection over loopback. */
static void
connect_pair(int ends[2])
{
	struct sockaddr_in address = { .sin_family = AF_INET };
	socklen_t size = sizeof(address);
	int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_int_equal(bind(listener, (struct sockaddr *)&address, size), 0);
	assert_int_equal(listen(listener, 1), 0);
	assert_int_equal(
	    getsockname(listener, (struct sockaddr *)&address, &size), 0);
	ends[0] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(
	    connect(ends[0], (struct sockaddr *)&address, size), 0);
	ends[1] = accept(listener, NULL, NULL);
	assert_true(ends[1] >= 0);
	close(listener);
}

_Noreturn static void
front_child(const struct front_case *c, int network)
{
	struct front front = { .program = "smtpd",
		.jail = "smtpd-session",
		.session = c->session,
		.has_enqueue = true,
		.mailbox = "test-mailbox" };
	struct settings settings = { .minimum_uid = 1000 };
	struct network loopback;
	char name[] = "smtpd", option[] = "-s", listener[16];
	char *arguments[] = { name, option, listener, NULL };

	if (!network_parse(S("127.0.0.0/8"), &loopback))
		_exit(99);
	settings.cleartext_auth.count = 1;
	settings.cleartext_auth.items = &loopback;
	snprintf(listener, sizeof(listener), "%s", c->listener);
	dup2(network, 0);
	dup2(network, 1);
	close(network);
	_exit(front_run(&front, &settings, 3, arguments));
}

/* children: what the starter left for SIGCHLD. */
static void
run_case(const struct front_case *c, void (*children)(int))
{
	char output[256] = "";
	size_t got, n = 0;
	int ends[2], status;
	pid_t pid;

	connect_pair(ends);
	pid = fork();
	if (pid == 0) {
		close(ends[0]);
		signal(SIGCHLD, children);
		front_child(c, ends[1]);
	}
	close(ends[1]);
	while (n < sizeof(output) - 1 &&
	       io_read_some(ends[0], output + n, sizeof(output) - 1 - n, &got,
		   io_deadline(60)) == IO_OK)
		n += got;
	assert_int_equal(waitpid(pid, &status, 0), pid);
	close(ends[0]);
	if (!WIFEXITED(status) || WEXITSTATUS(status) != c->code ||
	    strcmp(output, c->output) != 0)
		fail_msg(
		    "%s: status %d, output \"%s\"", c->what, status, output);
}

static void
a_session_gets_what_the_table_permits_and_no_more(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(front_cases) / sizeof(front_cases[0]);
	     i++)
		run_case(&front_cases[i], SIG_DFL);
}

static void
a_starter_that_ignores_children_does_no_harm(void **state)
{
	static const struct front_case c = { "submits", session_submits,
		"submission", EX_OK, "done" };

	(void)state;
	run_case(&c, SIG_IGN);
}

static void
every_listener_is_found_by_its_name(void **state)
{
	(void)state;
	for (const struct listener *l = listener_table; l->name != NULL; l++)
		assert_ptr_equal(listener_find(slice_of(l->name)), l);
	assert_null(listener_find(S("telnet")));
	assert_null(listener_find(S("")));
}

static void
a_refusal_is_one_line_of_the_protocol(void **state)
{
	static const char *const starts[] = { "421 4.", NULL, NULL, "-ERR [",
		NULL, "* BYE [", NULL };
	char text[256];
	ssize_t n;
	int ends[2];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
	for (int r = REFUSAL_SETTINGS; r <= REFUSAL_FAILED; r++) {
		for (size_t i = 0; i < 7; i++) {
			if (starts[i] == NULL)
				continue;
			front_refuse(
			    &listener_table[i], ends[0], (enum refusal)r);
			n = read(ends[1], text, sizeof(text));
			assert_true(n > 20);
			assert_memory_equal(text, starts[i], strlen(starts[i]));
			assert_memory_equal(text + n - 2, "\r\n", 2);
		}
	}
	close(ends[0]);
	close(ends[1]);
}

/* Accounts of the jails are not there: everything runs as one user. */
int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    a_session_gets_what_the_table_permits_and_no_more),
		cmocka_unit_test(a_starter_that_ignores_children_does_no_harm),
		cmocka_unit_test(every_listener_is_found_by_its_name),
		cmocka_unit_test(a_refusal_is_one_line_of_the_protocol),
	};

	if (getuid() == 0 && (setgid(65534) != 0 || setuid(65534) != 0))
		return EXIT_FAILURE;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
