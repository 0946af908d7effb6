/* SPDX-License-Identifier: ISC */
/*
 * Sessions that speak for others, and owned ones that try: the front under
 * test runs in a child with a loopback connection. A session writes "done"
 * when it got as far as it should, or further than it may.
 */
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

#include "common/control.h"
#include "common/io.h"
#include "common/log.h"
#include "common/program.h"

#include "tests/unit/common/front_session.h"

const struct program program_table[] = { { NULL, NULL } };

static struct claim
make_claim(const char *peer, const char *login)
{
	struct claim claim = { .magic = CLAIM_MAGIC,
		.given = CLAIM_ADDRESS | CLAIM_LOGIN | CLAIM_NAME };

	(void)netaddr_parse(slice_of(peer), &claim.peer);
	snprintf(claim.login, sizeof(claim.login), "%s", login);
	snprintf(claim.name, sizeof(claim.name), "client.example");
	return claim;
}

static bool
send_claim(enum control_type type, const struct claim *claim)
{
	return ask(type) && write(SESSION_CONTROL, claim, sizeof(*claim)) ==
				(ssize_t)sizeof(*claim);
}

/* The session after it has the facts, and can claim others. */
static int
session_speaks_for_another(const struct connection *c)
{
	struct claim claim = make_claim("203.0.113.7", "alice");

	if (!c->is_claimed)
		return send_claim(CONTROL_XCLIENT, &claim) ? 0 : 1;
	if (c->peer.bytes[0] != 203 || c->may_auth_in_clear ||
	    !c->may_xclient || strcmp(c->claim.name, "client.example") != 0)
		return 1;
	claim = make_claim("203.0.113.8", "");
	if (strcmp(c->login, "alice") == 0)
		return send_claim(CONTROL_XCLIENT, &claim) ? 0 : 1;
	return c->login[0] == '\0' && c->peer.bytes[3] == 8 ? done() : 1;
}

static int
session_claims_unlisted(const struct connection *c)
{
	struct claim claim = make_claim("127.0.0.1", "root");

	send_claim(CONTROL_XCLIENT, &claim);
	return c->is_claimed || answer() >= 0 ? done() : 1;
}

static int
session_forwards_unlisted(const struct connection *c)
{
	struct claim claim = make_claim("127.0.0.1", "root");

	(void)c;
	send_claim(CONTROL_XFORWARD, &claim);
	return answer() >= 0 ? done() : 1;
}

/* A string without end, and one that would break a log line. */
static int
session_claims_without_end(const struct connection *c)
{
	struct claim claim = make_claim("203.0.113.7", "alice");

	memset(claim.name, 'x', sizeof(claim.name));
	send_claim(CONTROL_XCLIENT, &claim);
	return c->is_claimed || answer() >= 0 ? done() : 1;
}

static int
session_forwards_a_line(const struct connection *c)
{
	struct claim claim = make_claim("203.0.113.7", "a\nmerpati: forged");

	(void)c;
	send_claim(CONTROL_XFORWARD, &claim);
	return answer() >= 0 ? done() : 1;
}

static int
session_forwards(const struct connection *c)
{
	struct claim claim = make_claim("203.0.113.7", "");

	claim.given = CLAIM_ADDRESS | CLAIM_FRESH;
	if (!send_claim(CONTROL_XFORWARD, &claim) ||
	    answer() != CONTROL_READY ||
	    !send_claim(CONTROL_XFORWARD, &claim) || answer() != CONTROL_READY)
		return 1;
	return c->peer.bytes[0] == 127 ? done() : 1;
}

/* What no PROXY header precedes is nobody's. */
static int
session_begins(const struct connection *c)
{
	return c->peer.bytes[0] == 192 && !c->may_xclient ? done() : 1;
}

static const struct front_case {
	const char *what; /* "listed": the peer may claim; "proxy": it does */
	session_fn *session;
	const char *input;
	int code;
	const char *output;
} front_cases[] = {
	{ "listed XCLIENT", session_speaks_for_another, "", EX_OK, "done" },
	{ "listed XFORWARD", session_forwards, "", EX_OK, "done" },
	{ "XCLIENT", session_claims_unlisted, "", EX_PROTOCOL, "" },
	{ "XFORWARD", session_forwards_unlisted, "", EX_PROTOCOL, "" },
	{ "listed, no end", session_claims_without_end, "", EX_PROTOCOL, "" },
	{ "listed, a line", session_forwards_a_line, "", EX_PROTOCOL, "" },
	{ "proxy", session_begins, "PROXY TCP4 192.0.2.7 192.0.2.1 1 25\r\n",
	    EX_OK, "done" },
	{ "proxy, none", session_begins, "EHLO client.example.org\r\n",
	    EX_PROTOCOL, "" },
	{ "proxy, half", session_begins, "PROXY TCP4 192.0.2.7\r\n",
	    EX_PROTOCOL, "" },
};

static void
set_lists(struct settings *settings, const char *what,
    const struct network_list *loopback)
{
	settings->cleartext_auth = *loopback;
	if (slice_starts(slice_of(what), S("listed")))
		settings->xclient_hosts = settings->xforward_hosts = *loopback;
	if (slice_starts(slice_of(what), S("proxy")))
		settings->proxy_networks = *loopback;
}

_Noreturn static void
front_child(const struct front_case *c, int network)
{
	struct front front = { .program = "smtpd",
		.jail = "smtpd-session",
		.session = c->session,
		.has_enqueue = true };
	char none[] = "";
	struct settings settings = { .minimum_uid = 1000,
		.users = none,
		.auth_pam = none,
		.checkpassword = none,
		.oauth_command = none };
	struct network loopback;
	struct network_list list = { 1, &loopback };
	char name[] = "smtpd", option[] = "-s", listener[] = "submission";
	char *arguments[] = { name, option, listener, NULL };

	if (!network_parse(S("127.0.0.0/8"), &loopback))
		_exit(99);
	set_lists(&settings, c->what, &list);
	dup2(network, 0);
	dup2(network, 1);
	close(network);
	_exit(front_run(&front, &settings, 3, arguments));
}

static void
run_case(const struct front_case *c)
{
	char output[256] = "";
	size_t got, n = 0;
	int ends[2], status;
	pid_t pid;

	connect_pair(ends);
	pid = fork();
	if (pid == 0) {
		close(ends[0]);
		front_child(c, ends[1]);
	}
	close(ends[1]);
	assert_int_equal(
	    io_write_all(ends[0], slice_of(c->input), io_deadline(10)), IO_OK);
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
claims_are_for_the_listed_and_well_formed(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(front_cases) / sizeof(front_cases[0]);
	     i++)
		run_case(&front_cases[i]);
}

/* Accounts of the jails are not there: everything runs as one user. */
int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(claims_are_for_the_listed_and_well_formed),
	};

	signal(SIGPIPE, SIG_IGN);
	if (getuid() == 0 && (setgid(65534) != 0 || setuid(65534) != 0))
		return EXIT_FAILURE;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
