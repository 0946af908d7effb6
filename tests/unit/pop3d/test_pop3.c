/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "tests/unit/unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "pop3d/encode.h"
#include "pop3d/login.h"
#include "pop3d/session.h"
#include "pop3d/source_mbox.h"

static void
expect(struct buf *out, const char *reply)
{
	assert_string_equal(buf_string(out), reply);
	buf_clear(out);
}

static const struct {
	const char *line, *before, *after;
} matrix[] = {
	{ "CAPA", "+OK Capability list follows",
	    "+OK Capability list follows" },
	{ "USER a", "+OK Send your password",
	    "-ERR You are logged in already" },
	{ "PASS a", "-ERR Send USER first", "-ERR You are logged in already" },
	{ "AUTH PLAIN", "+ ", "-ERR You are logged in already" },
	{ "STLS", "+OK Begin TLS", "-ERR You are logged in already" },
	{ "APOP a b", "-ERR APOP is not offered: use USER and PASS",
	    "-ERR You are logged in already" },
	{ "STAT", "-ERR Log in first: USER and PASS, or AUTH", "+OK 2 30" },
	{ "LIST", "-ERR Log in first: USER and PASS, or AUTH",
	    "+OK 2 messages (30 octets)" },
	{ "LIST 2", "-ERR Log in first: USER and PASS, or AUTH", "+OK 2 20" },
	{ "LIST 3", "-ERR Log in first: USER and PASS, or AUTH",
	    "-ERR There is no such message" },
	{ "LIST 1 2", "-ERR Log in first: USER and PASS, or AUTH",
	    "-ERR Usage: LIST [message]" },
	{ "DELE 1", "-ERR Log in first: USER and PASS, or AUTH",
	    "+OK Marked to be deleted" },
	{ "DELE", "-ERR Log in first: USER and PASS, or AUTH",
	    "-ERR Usage: DELE message" },
	{ "noop", "+OK", "+OK" },
	{ "NOOP x", "-ERR Usage: NOOP", "-ERR Usage: NOOP" },
	{ "RSET", "-ERR Log in first: USER and PASS, or AUTH",
	    "+OK 2 messages" },
	{ "TOP 1", "-ERR Log in first: USER and PASS, or AUTH",
	    "-ERR Usage: TOP message lines" },
	{ "TOP 1 -1", "-ERR Log in first: USER and PASS, or AUTH",
	    "-ERR Usage: TOP message lines" },
	{ "uIdL 1", "-ERR Log in first: USER and PASS, or AUTH", "+OK 1 u1" },
	{ "RETR 0", "-ERR Log in first: USER and PASS, or AUTH",
	    "-ERR There is no such message" },
	{ "QUIT", "+OK Bye", "" },
	{ "", "-ERR Unknown command", "-ERR Unknown command" },
	{ "LAST", "-ERR Unknown command", "-ERR Unknown command" },
};

/* The first line of the answer to each verb in each state. */
static void
begin(struct pop3_login *login, bool may_login, bool may_stls)
{
	const struct pop3_offer offer = { .may_login = may_login,
		.may_stls = may_stls,
		.mechanisms = AUTH_PLAIN | AUTH_LOGIN };

	pop3_login_init(login, &offer);
}

static void
verbs_and_states_make_this_matrix(void **state)
{
	struct pop3_message messages[] = { { 10, false, "u1" },
		{ 20, false, "u2" } };
	struct pop3_session session;
	struct pop3_login login;
	struct slice input, line, rest;
	char text[64];

	(void)state;
	for (size_t i = 0; i < sizeof(matrix) / sizeof(matrix[0]); i++) {
		snprintf(text, sizeof(text), "%s\r\n", matrix[i].line);
		begin(&login, true, true);
		input = slice_of(text);
		(void)pop3_login_feed(&login, &input);
		slice_cut(buf_slice(&login.out), '\r', &line, &rest);
		assert_slice_equal(line, slice_of(matrix[i].before));
		pop3_login_free(&login);

		messages[0].is_deleted = false;
		pop3_session_init(&session, messages, 2, true);
		input = slice_of(text);
		(void)pop3_session_feed(&session, &input);
		slice_cut(buf_slice(&session.out), '\r', &line, &rest);
		assert_slice_equal(line, slice_of(matrix[i].after));
		pop3_session_free(&session);
	}
}

static enum pop3_login_effect
type(struct pop3_login *login, const char *text)
{
	struct slice input = slice_of(text);

	return pop3_login_feed(login, &input);
}

static void
password_may_hold_blanks(void **state)
{
	struct pop3_login login;

	(void)state;
	begin(&login, true, false);
	assert_int_equal(
	    type(&login, "user alice\nPASS  two words \r\n"), LOGIN_CHECK);
	assert_slice_equal(buf_slice(&login.sasl.user), S("alice"));
	assert_slice_equal(buf_slice(&login.sasl.password), S(" two words "));
	pop3_login_free(&login);
}

static void
auth_plain_with_and_without_initial_response(void **state)
{
	struct pop3_login login;

	(void)state;
	begin(&login, true, false);
	assert_int_equal(type(&login, "AUTH PLAIN AGEAYg==\r\n"), LOGIN_CHECK);
	assert_slice_equal(buf_slice(&login.sasl.password), S("b"));
	assert_int_equal(
	    pop3_login_answered(&login, AUTH_RESULT_NO), LOGIN_CONTINUE);
	buf_clear(&login.out);
	assert_int_equal(type(&login, "auth plain\r\n"), LOGIN_CONTINUE);
	expect(&login.out, "+ \r\n");
	assert_int_equal(type(&login, "AGEAYg==\r\n"), LOGIN_CHECK);
	assert_slice_equal(buf_slice(&login.sasl.user), S("a"));
	assert_int_equal(
	    pop3_login_answered(&login, AUTH_RESULT_LATER), LOGIN_CLOSE);
	expect(&login.out, "-ERR [SYS/TEMP] Cannot check passwords now, try "
			   "again later\r\n");
	type(&login, "AUTH PLAIN !\r\n");
	expect(&login.out, "-ERR Malformed response to AUTH\r\n");
	type(&login, "AUTH PLAIN =\r\n");
	expect(&login.out, "-ERR Malformed response to AUTH\r\n");
	pop3_login_free(&login);
}

static void
no_password_in_clear(void **state)
{
	struct pop3_login login;

	(void)state;
	begin(&login, false, true);
	type(&login, "CAPA\r\n");
	assert_null(strstr(buf_string(&login.out), "USER"));
	assert_null(strstr(buf_string(&login.out), "SASL"));
	assert_non_null(strstr(buf_string(&login.out), "\r\nSTLS\r\n"));
	buf_clear(&login.out);
	type(&login, "USER a\r\n");
	expect(&login.out, "-ERR [SYS/PERM] No passwords in clear: use STLS "
			   "first, or port 995\r\n");
	pop3_login_free(&login);
}

static void
three_wrong_passwords_end_it(void **state)
{
	struct pop3_login login;

	(void)state;
	begin(&login, true, false);
	assert_int_equal(
	    pop3_login_answered(&login, AUTH_RESULT_NO), LOGIN_CONTINUE);
	assert_int_equal(
	    pop3_login_answered(&login, AUTH_RESULT_NO), LOGIN_CONTINUE);
	assert_int_equal(
	    pop3_login_answered(&login, AUTH_RESULT_NO), LOGIN_CLOSE);
	pop3_login_free(&login);
}

static void
errors_are_counted(void **state)
{
	struct pop3_login login;
	int i = 1;

	(void)state;
	begin(&login, true, false);
	while (type(&login, "nonsense\r\n") == LOGIN_CONTINUE)
		i++;
	assert_int_equal(i, 20);
	pop3_login_free(&login);
}

static void
effects_stop_the_feed(void **state)
{
	struct pop3_message messages[] = { { 10, false, "u1" } };
	struct slice input = S("TOP 1 3\r\nDELE 1\r\nQUIT\r\nSTAT\r\n");
	struct pop3_session session;

	(void)state;
	pop3_session_init(&session, messages, 1, true);
	assert_int_equal(pop3_session_feed(&session, &input), SESSION_SEND);
	assert_int_equal(session.index, 0);
	assert_int_equal(session.body_lines, 3);
	assert_int_equal(pop3_session_feed(&session, &input), SESSION_UPDATE);
	assert_true(messages[0].is_deleted);
	assert_slice_equal(input, S("STAT\r\n"));
	pop3_session_free(&session);
}

static void
long_listing_comes_in_pieces(void **state)
{
	static struct pop3_message messages[20000];
	struct slice input = S("UIDL\r\nNOOP\r\n");
	struct pop3_session session;
	size_t lines = 0;

	(void)state;
	for (size_t i = 0; i < 20000; i++)
		snprintf(messages[i].uidl, sizeof(messages[i].uidl), "u%zu", i);
	pop3_session_init(&session, messages, 20000, true);
	do {
		(void)pop3_session_feed(&session, &input);
		assert_false(session.out.failed);
		for (size_t i = 0; i < session.out.len; i++)
			lines += session.out.ptr[i] == '\n';
		buf_clear(&session.out);
	} while (pop3_session_is_listing(&session) || input.len > 0);
	assert_int_equal(lines, 20003);
	pop3_session_free(&session);
}

static void
messages_are_encoded_whatever_the_split(void **state)
{
	static const struct {
		const char *in;
		uint64_t body_lines;
		const char *out;
	} cases[] = {
		{ "", POP3_ALL_LINES, ".\r\n" },
		{ "a", POP3_ALL_LINES, "a\r\n.\r\n" },
		{ "a\n\n.b\n..\n", POP3_ALL_LINES,
		    "a\r\n\r\n..b\r\n...\r\n.\r\n" },
		{ "a\r\n\r\n.b\r\n", POP3_ALL_LINES, "a\r\n\r\n..b\r\n.\r\n" },
		{ "a\rb\r\r\n", POP3_ALL_LINES, "a\rb\r\r\n.\r\n" },
		{ "a\r", POP3_ALL_LINES, "a\r\n.\r\n" },
		{ "h\n\r\r\nx\n\n1\n", 0, "h\r\n\r\r\nx\r\n\r\n.\r\n" },
		{ "h\n\n1\n2\n3\n", 2, "h\r\n\r\n1\r\n2\r\n.\r\n" },
		{ "h\n\n1\n", 0, "h\r\n\r\n.\r\n" },
		{ "h\r\n\r\n1", 5, "h\r\n\r\n1\r\n.\r\n" },
		{ "\r.x\n", POP3_ALL_LINES, "\r.x\r\n.\r\n" },
	};
	struct pop3_encoder encoder;
	struct slice in;
	struct buf out;

	(void)state;
	buf_init(&out, 4096);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		in = slice_of(cases[i].in);
		for (size_t split = 0; split <= in.len; split++) {
			pop3_encode_init(&encoder, cases[i].body_lines);
			pop3_encode(&encoder, slice_first(in, split), &out);
			pop3_encode(&encoder, slice_from(in, split), &out);
			pop3_encode_end(&encoder, &out);
			expect(&out, cases[i].out);
		}
	}
	buf_free(&out);
}

static void
mbox_messages_are_removed_in_place(void **state)
{
	static const char text[] =
	    "From a\nSubject: 1\n\none\n\nFrom b\nSubject: 2\n\ntwo\n\n"
	    "From c\nSubject: 3\n\nthree\n\n";
	char path[] = "mbox.XXXXXX", read_back[512];
	struct pop3_message *messages;
	struct source_mbox *mbox;
	struct why why;
	size_t count;
	int fd = mkstemp(path);

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, sizeof(text) - 1), sizeof(text) - 1);
	mbox = source_mbox_open(path, &why);
	messages = source_mbox_messages(mbox, &count);
	assert_int_equal(count, 3);
	assert_int_equal(messages[0].size, 19);
	assert_true(strcmp(messages[0].uidl, messages[1].uidl) != 0);
	source_mbox_begin(mbox, 1);
	assert_int_equal(source_mbox_read(mbox, read_back, 512), 16);
	assert_memory_equal(read_back, "Subject: 2\n\ntwo\n", 16);
	/* One more arrives before QUIT. */
	assert_int_equal(
	    pwrite(fd, "From d\n\nx\n\n", 11, sizeof(text) - 1), 11);
	messages[1].is_deleted = true;
	assert_int_equal(source_mbox_remove(mbox, &why), 0);
	count = (size_t)pread(fd, read_back, sizeof(read_back) - 1, 0);
	read_back[count] = '\0';
	assert_string_equal(read_back,
	    "From a\nSubject: 1\n\none\n\nFrom c\nSubject: 3\n\nthree\n\n"
	    "From d\n\nx\n\n");
	source_mbox_close(&mbox);
	close(fd);
	unlink(path);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(verbs_and_states_make_this_matrix),
		cmocka_unit_test(password_may_hold_blanks),
		cmocka_unit_test(auth_plain_with_and_without_initial_response),
		cmocka_unit_test(no_password_in_clear),
		cmocka_unit_test(three_wrong_passwords_end_it),
		cmocka_unit_test(errors_are_counted),
		cmocka_unit_test(effects_stop_the_feed),
		cmocka_unit_test(long_listing_comes_in_pieces),
		cmocka_unit_test(messages_are_encoded_whatever_the_split),
		cmocka_unit_test(mbox_messages_are_removed_in_place),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
