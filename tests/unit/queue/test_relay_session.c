/* SPDX-License-Identifier: ISC */
#include "config.h"

#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/io.h"
#include "common/program.h"

#include "queue/relay_session.h"

#include "tests/unit/unit.h"

const struct program program_table[] = { { NULL, NULL } };

/* A session between two messages. */
static void
session_make(struct relay_session *session, int pair[2])
{
	assert_int_equal(
	    socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	relay_session_init(session);
	session->fd = pair[0];
	session->client.state = CLIENT_STATE_READY;
	session->opened = io_now();
}

/* LIMIT_RELAY_REUSE seconds, LIMIT_RELAY_MESSAGES, MAILMAX, and silence: at,
 * below and above. */
static void
a_session_is_used_again_within_its_limits(void **state)
{
	static const struct {
		int64_t age;
		unsigned int messages;
		uint64_t limit;
		bool is_usable;
	} cases[] = {
		{ 0, 0, 0, true },
		{ (LIMIT_RELAY_REUSE - 1) * 1000, 0, 0, true },
		{ LIMIT_RELAY_REUSE * 1000, 0, 0, false },
		{ (LIMIT_RELAY_REUSE + 1) * 1000, 0, 0, false },
		{ 0, LIMIT_RELAY_MESSAGES - 1, 0, true },
		{ 0, LIMIT_RELAY_MESSAGES, 0, false },
		{ 0, LIMIT_RELAY_MESSAGES + 1, 0, false },
		{ 0, 4, 5, true },
		{ 0, 5, 5, false },
		{ 0, 6, 5, false },
		{ 0, LIMIT_RELAY_MESSAGES, 999999, false },
	};
	struct relay_session session;
	int pair[2];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		session_make(&session, pair);
		session.opened -= cases[i].age;
		session.messages = cases[i].messages;
		session.client.limits.messages = cases[i].limit;
		assert_int_equal(
		    relay_session_is_usable(&session), cases[i].is_usable);
		relay_session_free(&session);
		close(pair[1]);
	}
	session_make(&session, pair);
	assert_true(relay_session_is_usable(&session));
	assert_int_equal(write(pair[1], "421 bye\r\n", 9), 9);
	assert_false(relay_session_is_usable(&session));
	relay_session_free(&session);
	close(pair[1]);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_session_is_used_again_within_its_limits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
