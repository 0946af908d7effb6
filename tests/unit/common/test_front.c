/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "common/front.h"

#include <fcntl.h>
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
#include "common/passing.h"
#include "common/pipemsg.h"
#include "common/program.h"
#include "common/server_notice.h"

#include "tests/unit/common/front_session.h"

/*
 * The front under test runs in a child with a loopback connection; the
 * compartments are functions of this file, and so are the sessions. A
 * session writes "done" when it got as far as it should.
 */
/* Takes the session that comes with the facts. */
static bool
take_session(struct inject_facts *facts, int *session, int64_t deadline)
{
	int attached[PASSING_MAX];

	if (passing_receive(ENQUEUE_FACTS, facts, sizeof(*facts), attached,
		deadline) != IO_OK ||
	    facts->magic != INJECT_FACTS_MAGIC)
		return false;
	if (attached[INJECT_SESSION] < 0)
		return true;
	if (*session >= 0)
		close(*session);
	*session = attached[INJECT_SESSION];
	return true;
}

/* Echoes one message of each session, and says who logged in and which of
 * its sessions this is. */
static int
fake_enqueue(const struct settings *settings, int argc, char *const argv[])
{
	struct inject_facts facts;
	char text[64] = "";
	int session = -1, sessions = 0;

	(void)settings;
	(void)argv;
	while (argc == 1 && take_session(&facts, &session, IO_FOREVER)) {
		sessions++;
		if (read(session, text, 5) == 5 &&
		    take_session(&facts, &session, io_deadline(20)))
			snprintf(text, sizeof(text), "login=%.30s session=%d",
			    facts.login, sessions);
		if (write(session, text, strlen(text)) < 0)
			return 1;
	}
	return 0;
}

/* "good" is right, "root" would be a user that nobody may become. */
static int
fake_auth(const struct settings *settings, int argc, char *const argv[])
{
	struct auth_verdict verdict = { .magic = AUTH_VERDICT_MAGIC };
	struct auth_facts facts;
	struct message message;
	struct slice mechanism, user;
	bool ok;

	(void)settings;
	(void)argc;
	(void)argv;
	message_init(&message);
	ok = message_receive(&message, AUTH_CREDENTIAL, io_deadline(20)) ==
	     IO_OK;
	ok = ok &&
	     io_read_all(AUTH_FACTS, &facts, sizeof(facts), io_deadline(20)) ==
		 IO_OK &&
	     facts.magic == AUTH_FACTS_MAGIC &&
	     facts.service == AUTH_SERVICE_SMTP &&
	     (facts.mechanisms & AUTH_PLAIN) != 0;
	message_get_slice(&message, &mechanism);
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

/* auth_ask, for a session that may do what is not allowed. */
static bool
log_in(const char *user, int *got)
{
	struct message message;
	bool ok;

	message_init(&message);
	message_begin(&message, AUTH_CREDENTIAL_MESSAGE);
	message_put_string(&message, "PLAIN");
	message_put_string(&message, user);
	message_put_string(&message, "password");
	ok = message_send(&message, SESSION_AUTH, io_deadline(20)) == IO_OK &&
	     ask(CONTROL_AUTH);
	message_free(&message);
	if (ok)
		*got = answer();
	return ok;
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
	    strncmp(text, "login=good", 10) != 0)
		return 1;
	return write(SESSION_OUTPUT, text + 11, strlen(text + 11)) < 0;
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
session_begins_mail(const struct connection *c)
{
	(void)c;
	return ask(CONTROL_MAIL) ? done() : 1;
}

static int
session_begins_mail_twice(const struct connection *c)
{
	(void)c;
	if (!ask(CONTROL_MAIL))
		return 1;
	ask(CONTROL_MAIL);
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
	if (write(SESSION_CONTROL, "MPC\x1f\0\0\0\0", 8) != 8)
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
	{ "submits", session_submits, "submission", EX_OK, "session=1" },
	{ "twice", session_asks_for_enqueue_twice, "submission", EX_PROTOCOL,
	    "" },
	{ "mail", session_begins_mail, "submission", EX_OK, "done" },
	{ "mail twice", session_begins_mail_twice, "submission", EX_PROTOCOL,
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

_Noreturn static void
front_child(const struct front_case *c, int network)
{
	struct front front = { .program = "smtpd",
		.jail = "smtpd-session",
		.session = c->session,
		.has_enqueue = true,
		.mailbox = "test-mailbox" };
	char none[] = "";
	struct settings settings = { .minimum_uid = 1000,
		.users = none,
		.auth_pam = none,
		.checkpassword = none,
		.oauth_command = none };
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
		"submission", EX_OK, "session=1" };

	(void)state;
	run_case(&c, SIG_IGN);
}

struct kept {
	pid_t pid;
	int offers, notices;
	char users[64]; /* a table that can change */
};

_Noreturn static void
kept_child(const struct kept *kept, session_fn *session, int pool, int notice)
{
	const struct front front = { .program = "smtpd",
		.jail = "smtpd-session",
		.session = session,
		.has_enqueue = true };
	struct settings settings = { .minimum_uid = 1000 };
	struct network loopback;
	char name[] = "smtpd", option[] = "-p", none[] = "", users[64];
	char *arguments[] = { name, option, NULL };

	if (!network_parse(S("127.0.0.0/8"), &loopback))
		_exit(99);
	memcpy(users, kept->users, sizeof(users));
	settings.users = users;
	settings.aliases = settings.virtual_aliases = settings.route_map = none;
	settings.auth_pam = settings.checkpassword = none;
	settings.oauth_command = none;
	settings.cleartext_auth.count = 1;
	settings.cleartext_auth.items = &loopback;
	pool = fcntl(pool, F_DUPFD, 20);
	notice = fcntl(notice, F_DUPFD, 20);
	if (dup2(pool, FRONT_POOL) < 0 || dup2(notice, FRONT_NOTICE) < 0)
		_exit(99);
	close(pool);
	close(notice);
	close_range(FRONT_NOTICE + 1, 100, 0);
	_exit(front_run(&front, &settings, 2, arguments));
}

static void
keep_front(struct kept *kept, session_fn *session)
{
	int pool[2], notice[2], fd;

	snprintf(kept->users, sizeof(kept->users), "/tmp/merpati-XXXXXX");
	fd = mkstemp(kept->users);
	assert_true(fd >= 0);
	close(fd);
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pool), 0);
	assert_int_equal(pipe(notice), 0);
	kept->pid = fork();
	if (kept->pid == 0)
		kept_child(kept, session, pool[1], notice[1]);
	close(pool[1]);
	close(notice[1]);
	kept->offers = pool[0];
	kept->notices = notice[0];
}

/* One connection; what was said. False: no notice followed. */
static bool
offer_connection(const struct kept *kept, char *output, size_t size)
{
	struct front_offer offer = { .listener = 0 };
	size_t got, n = 0;
	struct notice notice;
	int ends[2];

	while (strcmp(listener_table[offer.listener].name, "submission") != 0)
		offer.listener++;
	connect_pair(ends);
	assert_true(passing_send(
	    kept->offers, slice_make(&offer, sizeof(offer)), &ends[1], 1));
	close(ends[1]);
	while (n < size - 1 && io_read_some(ends[0], output + n, size - 1 - n,
				   &got, io_deadline(60)) == IO_OK)
		n += got;
	output[n] = '\0';
	close(ends[0]);
	while (io_read_all(kept->notices, &notice, sizeof(notice),
		   io_deadline(60)) == IO_OK)
		if (notice.kind == NOTICE_DONE)
			return notice.pid == kept->pid;
	return false;
}

static int
end_kept(const struct kept *kept)
{
	int status;

	close(kept->offers);
	close(kept->notices);
	unlink(kept->users);
	assert_int_equal(waitpid(kept->pid, &status, 0), kept->pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

/* Each connection logs in anew: nothing is left of the one before. */
static void
a_kept_front_serves_connections_apart(void **state)
{
	struct kept kept;
	char output[256], wanted[32];

	(void)state;
	keep_front(&kept, session_submits);
	for (int i = 1; i <= 5; i++) {
		assert_true(offer_connection(&kept, output, sizeof(output)));
		snprintf(wanted, sizeof(wanted), "session=%d", i);
		assert_string_equal(output, wanted);
	}
	assert_int_equal(end_kept(&kept), EX_OK);
}

static void
an_edited_table_gets_a_fresh_enqueue(void **state)
{
	struct kept kept;
	char output[256];
	FILE *users;

	(void)state;
	keep_front(&kept, session_submits);
	assert_true(offer_connection(&kept, output, sizeof(output)));
	assert_string_equal(output, "session=1");
	users = fopen(kept.users, "a");
	assert_non_null(users);
	fputs("more\n", users);
	fclose(users);
	assert_true(offer_connection(&kept, output, sizeof(output)));
	assert_string_equal(output, "session=1");
	assert_int_equal(end_kept(&kept), EX_OK);
}

static void
a_session_out_of_order_is_its_fronts_last(void **state)
{
	struct kept kept;
	char output[256];

	(void)state;
	keep_front(&kept, session_goes_on_after_starttls);
	assert_false(offer_connection(&kept, output, sizeof(output)));
	assert_int_equal(end_kept(&kept), EX_PROTOCOL);
}

/* Accounts of the jails are not there: everything runs as one user. */
int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    a_session_gets_what_the_table_permits_and_no_more),
		cmocka_unit_test(a_starter_that_ignores_children_does_no_harm),
		cmocka_unit_test(a_kept_front_serves_connections_apart),
		cmocka_unit_test(an_edited_table_gets_a_fresh_enqueue),
		cmocka_unit_test(a_session_out_of_order_is_its_fronts_last),
	};

	if (getuid() == 0 && (setgid(65534) != 0 || setuid(65534) != 0))
		return EXIT_FAILURE;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
