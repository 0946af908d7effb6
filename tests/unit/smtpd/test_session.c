/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "tests/unit/unit.h"

#include <string.h>

#include "smtpd/command.h"
#include "tests/unit/smtpd/driver.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

#define LOG_OF(verb, reply, from, to, proto, helo)                             \
	"[LOG CONNECTION000: reject: " verb " from unknown[192.0.2.7]: " reply \
	"; from=<" from "> to=<" to "> proto=" proto " helo=<" helo ">]\n"

/* The session of issue 2: no brackets, a space after the colon, a header
 * that never ends in an empty line. */
static void
a_hand_typed_session_sends_a_message(void **state)
{
	struct driver driver;

	(void)state;
	driver_init(&driver, "smtp", false);
	assert_string_equal(
	    driver_say(&driver, "HELO mail.kelompok3.local\r\n"),
	    "220 mx.example.org ESMTP Merpati\r\n250 mx.example.org\r\n");
	assert_string_equal(
	    driver_say(&driver, "MAIL FROM: user1@mail.kelompok3.local\r\n"),
	    "[MAIL user1@mail.kelompok3.local]\n250 2.1.5 Ok\r\n");
	assert_string_equal(
	    driver_say(&driver, "RCPT TO: mahen@mail.kelompok1.local\r\n"),
	    "[RCPT mahen@mail.kelompok1.local]\n250 2.1.5 Ok\r\n");
	assert_string_equal(driver_say(&driver, "DATA\r\n"),
	    "354 Send the message, a line with only a dot ends it\r\n");
	assert_string_equal(
	    driver_say(&driver, "From: User1\r\nTo: Hendro\r\nDate: 29/04\r\n"
				"Subject: Tumbas Rokok\r\nDear Sarol\r\n.\r\n"),
	    "[END ]\n250 2.0.0 Ok: queued as X\r\n");
	assert_string_equal(
	    driver_say(&driver, "QUIT\r\n"), "221 2.0.0 Bye\r\n");
	assert_true(driver.is_closed);
	assert_string_equal(buf_string(&driver.accepted),
	    "From: User1\r\nTo: Hendro\r\nDate: 29/04\r\n"
	    "Subject: Tumbas Rokok\r\nDear Sarol\r\n\n--\n");
	driver_clear(&driver);
}

#define IN_ALL(reply)                                                          \
	{                                                                      \
		reply, reply, reply, reply, reply,                             \
	}

static const struct {
	const char *line;
	const char *replies[5]; /* START READY MAIL RCPT BDAT */
} matrix[] = {
	{ "HELO c\r\n", IN_ALL("250 mx") },
	{ "EHLO c\r\n", IN_ALL("250-mx") },
	{ "LHLO c\r\n", IN_ALL("500 5.5.1 This is SMTP") },
	{ "MAIL FROM:<a@b.c>\r\n",
	    { "503 5.5.1 Send HELO", "250 2.1.5", "503 5.5.1 MAIL is not",
		"503 5.5.1 MAIL is not", "503 5.5.1 MAIL is not" } },
	{ "RCPT TO:<a@b.c>\r\n",
	    { "503 5.5.1 Send HELO", "503 5.5.1 Send MAIL", "250 2.1.5",
		"250 2.1.5", "503 5.5.1 RCPT is not" } },
	{ "DATA\r\n",
	    { "503 5.5.1 Send HELO", "503 5.5.1 Send MAIL",
		"503 5.5.1 Send RCPT", "354 ", "503 5.5.1 DATA is not" } },
	{ "BDAT 2 LAST\r\nab",
	    { "503 5.5.1 Send MAIL", "503 5.5.1 Send MAIL",
		"503 5.5.1 Send RCPT", "250 2.0.0", "250 2.0.0" } },
	{ "RSET\r\n", IN_ALL("250 2.0.0") },
	{ "VRFY a@b.c\r\n", IN_ALL("250 2.1.5") },
	{ "EXPN a@b.c\r\n", IN_ALL("252 2.0.0 Not told") },
	{ "STARTTLS\r\n",
	    { "220 2.0.0", "220 2.0.0", "503 5.5.1 STARTTLS is",
		"503 5.5.1 STARTTLS is", "503 5.5.1 STARTTLS is" } },
	{ "AUTH PLAIN\r\n", IN_ALL("503 5.5.1 AUTH is not") },
	{ "ETRN b.c\r\n", IN_ALL("502 5.5.1 ETRN is not") },
	{ "XCLIENT ADDR=192.0.2.1\r\n", IN_ALL("550 5.7.0") },
	{ "XFORWARD ADDR=192.0.2.1\r\n", IN_ALL("550 5.7.0") },
	{ "NOOP\r\n", IN_ALL("250 2.0.0") },
	{ "HELP\r\n", IN_ALL("214-2.0.0") },
	{ "QUIT\r\n", IN_ALL("221 2.0.0") },
	{ "TURN\r\n", IN_ALL("500 5.5.1") },
};

/* verb x phase, on port 25: the reply's first line, and "-" for a close. */
static void
each_verb_in_each_phase_gets_its_reply(void **state)
{
	static const char *const reach[5][5] = {
		{ NULL },
		{ "EHLO c\r\n", NULL },
		{ "EHLO c\r\n", "MAIL FROM:<a@b.c>\r\n", NULL },
		{ "EHLO c\r\n", "MAIL FROM:<a@b.c>\r\n", "RCPT TO:<d@e.f>\r\n",
		    NULL },
		{ "EHLO c\r\n", "MAIL FROM:<a@b.c>\r\n", "RCPT TO:<d@e.f>\r\n",
		    "BDAT 1\r\nx", NULL },
	};
	struct driver driver;
	const char *got;

	(void)state;
	for (size_t i = 0; i < COUNT(matrix); i++) {
		for (size_t phase = 0; phase < 5; phase++) {
			driver_init(&driver, "smtp", false);
			driver_say(&driver, "");
			driver_say_many(&driver, reach[phase]);
			driver.is_quiet = true;
			got = driver_say(&driver, matrix[i].line);
			if (strncmp(got, matrix[i].replies[phase],
				strlen(matrix[i].replies[phase])) != 0)
				fail_msg("%s in phase %zu: %s", matrix[i].line,
				    phase, got);
			driver_clear(&driver);
		}
	}
	/* Every row of the table has its line here. */
	for (size_t i = 0; smtp_command_table[i].verb.len > 0; i++) {
		assert_true(slice_starts(
		    slice_of(matrix[i].line), smtp_command_table[i].verb));
		/* Room for its count, and for that of unknown ones. */
		assert_true(i + 1 < SESSION_VERBS_MAX);
	}
}

static const struct {
	const char *line;
	const char *reply;
} malformed[] = {
	{ "\r\n", "500 5.5.2 An empty line" },
	{ "XYZZY\r\n", "500 5.5.1 Unknown command" },
	{ "HE\bLO c\r\n", "500 5.5.2 A control character" },
	{ "HE\x7fLO c\r\n", "500 5.5.2 A control character" },
	{ "NOOP\rNOOP\r\n", "500 5.5.2 A carriage return" },
	{ "HELO\r\n", "501 5.5.4 Syntax: HELO host" },
	{ "EHLO \r\n", "501 5.5.4 Syntax: EHLO host" },
	{ "DATA now\r\n", "503 5.5.1 Send MAIL first" },
	{ "RSET all\r\n", "501 5.5.4 Syntax: RSET" },
	{ "QUIT now\r\n", "501 5.5.4 Syntax: QUIT" },
	{ "VRFY\r\n", "501 5.5.4 Syntax: VRFY" },
	{ "VRFY a@\r\n", "501 5.1.3 nothing stands after the @" },
	{ "MAIL\r\n", "501 5.5.4 Syntax: MAIL FROM:<" },
	{ "MAIL <a@b.c>\r\n", "501 5.5.4 Syntax: MAIL FROM:<" },
	{ "MAIL FROM\r\n", "501 5.5.4 Syntax: MAIL FROM:<" },
	{ "MAIL FROM:\r\n", "501 5.1.7 an address is expected" },
	{ "MAIL FROM:<a@b.c\r\n", "501 5.1.7 the address does not" },
	{ "MAIL FROM:<a>\r\n", "501 5.1.7 the address has no @d" },
	{ "MAIL FROM:<a@b_c>\r\n", "501 5.1.7 what stands after" },
	{ "MAIL FROM:<a@b.c>x\r\n", "501 5.1.7 something follows" },
	{ "MAIL FROM:<\xc3\xa4@b.c>\r\n", "553 5.6.7 The address has "
					  "characters outside" },
	{ "MAIL FROM:<\xc3@b.c> SMTPUTF8\r\n",
	    "501 5.1.7 the address is not valid UTF-8" },
	{ "MAIL FROM:<a@b.c> SIZE=\r\n", "501 5.5.4 SIZE= takes" },
	{ "MAIL FROM:<a@b.c> SIZE=1x\r\n", "501 5.5.4 SIZE= takes" },
	{ "MAIL FROM:<a@b.c> SIZE=1 size=2\r\n",
	    "501 5.5.4 SIZE is given twice" },
	{ "MAIL FROM:<a@b.c> SIZE=100001\r\n",
	    "552 5.3.4 The message is too large, the limit is 100000" },
	{ "MAIL FROM:<a@b.c> BODY=9BIT\r\n", "501 5.5.4 BODY= takes" },
	{ "MAIL FROM:<a@b.c> AUTH=\r\n", "501 5.5.4 AUTH= takes" },
	{ "MAIL FROM:<a@b.c> AUTH=a+4\r\n", "501 5.5.4 AUTH= takes" },
	{ "MAIL FROM:<a@b.c> XRET=FULL\r\n", "555 5.5.4 XRET is no parameter" },
};

static void
malformed_commands_are_told_what_is_wrong(void **state)
{
	struct driver driver;
	const char *got;

	(void)state;
	for (size_t i = 0; i < COUNT(malformed); i++) {
		driver_init(&driver, "smtp", false);
		driver_say(&driver, "EHLO c\r\n");
		driver.is_quiet = true;
		got = driver_say(&driver, malformed[i].line);
		if (strncmp(got, malformed[i].reply,
			strlen(malformed[i].reply)) != 0)
			fail_msg("%s: %s", malformed[i].line, got);
		/* It is one line, and the session goes on. */
		assert_int_equal(
		    slice_index(slice_of(got), '\n'), strlen(got) - 1);
		assert_string_equal(
		    driver_say(&driver, "NOOP\r\n"), "250 2.0.0 Ok\r\n");
		driver_clear(&driver);
	}
}

static void
what_people_and_clients_type_is_understood(void **state)
{
	static const struct {
		const char *line;
		const char *reply;
	} cases[] = {
		{ "mail from:<a@b.c>\r\n", "[MAIL a@b.c]\n250 2.1.5 Ok\r\n" },
		{ "Mail From : a@b.c\r\n", "[MAIL a@b.c]\n250 2.1.5 Ok\r\n" },
		{ "MAIL FROM: <a@b.c> \r\n", "[MAIL a@b.c]\n250 2.1.5 Ok\r\n" },
		{ "MAIL FROM:<>\r\n", "[MAIL ]\n250 2.1.5 Ok\r\n" },
		{ "MAIL FROM:<a@b.c>\n", "[MAIL a@b.c]\n250 2.1.5 Ok\r\n" },
		{ "MAIL FROM:<@x,@y.z:a@b.c>\r\n",
		    "[MAIL a@b.c]\n250 2.1.5 Ok\r\n" },
		{ "MAIL FROM:<\"a b\"@b.c>\r\n",
		    "[MAIL \"a b\"@b.c]\n250 2.1.5 Ok\r\n" },
		{ "MAIL FROM:<a@[192.0.2.1]>\r\n",
		    "[MAIL a@[192.0.2.1]]\n250 2.1.5 Ok\r\n" },
		{ "MAIL FROM:<a@b.c> SIZE=99 body=8bitmime\r\n",
		    "[MAIL a@b.c]\n[OPTIONS 99 1 0 0 0 <>]\n250 2.1.5 Ok\r\n" },
		{ "MAIL FROM:<a@b.c> AUTH=<> BODY=7BIT\r\n",
		    "[MAIL a@b.c]\n250 2.1.5 Ok\r\n" },
		{ "\xff\xfd\x01\xff\xfb\x1fMAIL FROM:<a@b.c>\r\n",
		    "[MAIL a@b.c]\n250 2.1.5 Ok\r\n" },
		{ "noop anything at all\r\n", "250 2.0.0 Ok\r\n" },
		{ "VRFY <postmaster>\r\n",
		    "[VRFY postmaster]\n250 2.1.5 Ok\r\n" },
		{ "VRFY nobody\r\n",
		    "[VRFY nobody]\n550 5.1.1 <nobody>: no such user\r\n" },
	};
	struct driver driver;

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		driver_init(&driver, "smtp", false);
		driver_say(&driver, "EHLO c\r\n");
		assert_string_equal(
		    driver_say(&driver, cases[i].line), cases[i].reply);
		driver_clear(&driver);
	}
}

static void
ehlo_announces_what_the_port_offers(void **state)
{
	static const struct {
		const char *listener;
		bool is_tls, may_auth_in_clear;
		const char *last_lines;
	} cases[] = {
		{ "smtp", false, true, "250-STARTTLS\r\n250 HELP\r\n" },
		{ "smtp", true, true, "250-VRFY\r\n250 HELP\r\n" },
		{ "submission", false, false, "250-STARTTLS\r\n250 HELP\r\n" },
		{ "submission", false, true,
		    "250-STARTTLS\r\n250-AUTH SCRAM-SHA-256 PLAIN LOGIN\r\n"
		    "250-ETRN\r\n250 HELP\r\n" },
		{ "submission", true, false,
		    "250-VRFY\r\n250-AUTH SCRAM-SHA-256 PLAIN LOGIN\r\n"
		    "250-ETRN\r\n250 HELP\r\n" },
		{ "submissions", true, false,
		    "250-VRFY\r\n250-AUTH SCRAM-SHA-256 PLAIN LOGIN\r\n"
		    "250-ETRN\r\n250 HELP\r\n" },
	};
	struct driver driver;
	const char *got;

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		driver_init(&driver, cases[i].listener, cases[i].is_tls);
		driver.connection.may_auth_in_clear =
		    cases[i].may_auth_in_clear;
		driver_say(&driver, "");
		got = driver_say(&driver, "EHLO c\r\n");
		assert_true(slice_starts(slice_of(got),
		    S("250-mx.example.org\r\n250-PIPELINING\r\n"
		      "250-ENHANCEDSTATUSCODES\r\n250-SIZE 100000\r\n"
		      "250-8BITMIME\r\n250-BINARYMIME\r\n250-SMTPUTF8\r\n"
		      "250-DSN\r\n250-DELIVERBY 60\r\n")));
		assert_true(
		    slice_ends(slice_of(got), slice_of(cases[i].last_lines)));
		driver_clear(&driver);
	}
}

/* For own hosts on port 25 (and LMTP) alone. */
static void
who_is_behind_a_list_is_told_to_friends(void **state)
{
	static const struct {
		const char *listener, *line, *reply;
	} cases[] = {
		{ "friend", "EXPN list\r\n",
		    "[EXPN list]\n250-2.1.5 <a@b.c>\r\n250-2.1.5 <d@e.f>\r\n"
		    "250 2.1.5 a program of <g@h.i>\r\n" },
		{ "friend", "EXPN <nobody>\r\n",
		    "[EXPN nobody]\n550 5.1.1 <nobody>: no such user\r\n" },
		{ "friend", "EXPN\r\n",
		    LOG_OF("EXPN", "501 5.5.4 Syntax: EXPN list@example.com",
			"", "", "ESMTP",
			"c") "501 5.5.4 Syntax: EXPN list@example.com\r\n" },
		{ "friend", "EXPN a@\r\n",
		    "501 5.1.3 nothing stands after the @\r\n" },
		{ "lmtp", "EXPN one\r\n", "[EXPN one]\n250 2.1.5 Ok\r\n" },
		{ "smtp", "EXPN list\r\n",
		    "252 2.0.0 Not told here: send the message and see\r\n" },
		{ "submission", "EXPN list\r\n",
		    "252 2.0.0 Not told here: send the message and see\r\n" },
	};
	struct driver driver;
	const char *got;

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		bool is_lmtp = strcmp(cases[i].listener, "lmtp") == 0;
		bool is_told =
		    is_lmtp || strcmp(cases[i].listener, "friend") == 0;

		driver_init(&driver, cases[i].listener, true);
		got =
		    driver_say(&driver, is_lmtp ? "LHLO c\r\n" : "EHLO c\r\n");
		assert_int_equal(strstr(got, "250-EXPN\r\n") != NULL, is_told);
		assert_string_equal(
		    driver_say(&driver, cases[i].line), cases[i].reply);
		driver_clear(&driver);
	}
}

static void
the_greeting_comes_once(void **state)
{
	struct driver driver;

	(void)state;
	driver_init(&driver, "submissions", true);
	assert_string_equal(
	    driver_say(&driver, ""), "220 mx.example.org ESMTP Merpati\r\n");
	driver_clear(&driver);
	driver_init(&driver, "submission", true);
	assert_string_equal(driver_say(&driver, ""), "");
	driver_clear(&driver);
}

static void
starttls_forgets_what_is_pipelined_behind(void **state)
{
	struct driver driver;

	(void)state;
	driver_init(&driver, "smtp", false);
	driver_say(&driver, "EHLO c\r\n");
	assert_string_equal(
	    driver_say(&driver, "STARTTLS\r\nMAIL FROM:<a@b.c>\r\nNOOP\r\n"),
	    "220 2.0.0 Ready to start TLS\r\n[STARTTLS ]\n");
	driver_clear(&driver);
	driver_init(&driver, "submissions", true);
	driver_say(&driver, "EHLO c\r\n");
	assert_string_equal(driver_say(&driver, "STARTTLS\r\n"),
	    "503 5.5.1 The connection is encrypted already\r\n");
	driver_clear(&driver);
}

static void
a_reject_is_logged_once_with_its_transaction(void **state)
{
	struct driver driver;

	(void)state;
	driver_init(&driver, "smtp", false);
	driver_say(&driver, "EHLO <evil>\r\nMAIL FROM:<a@b.c>\r\n");
	assert_string_equal(driver_say(&driver, "RCPT TO:<d@e.f> X=Y\r\n"),
	    LOG_OF("RCPT", "555 5.5.4 X is no parameter known here", "a@b.c",
		"d@e.f", "ESMTP",
		"?evil?") "555 5.5.4 X is no parameter known here\r\n");
	/* Enqueue logs what it refuses. */
	assert_string_equal(driver_say(&driver, "RCPT TO:<nobody@b.c>\r\n"),
	    "[RCPT nobody@b.c]\n550 5.1.1 <nobody@b.c>: no such user\r\n");
	driver_clear(&driver);
}

static void
the_thousand_and_first_recipient_is_put_off(void **state)
{
	struct driver driver;

	(void)state;
	driver_init(&driver, "smtp", false);
	driver.is_quiet = true;
	driver_say(&driver, "EHLO c\r\nMAIL FROM:<a@b.c>\r\n");
	for (int i = 0; i < 1000; i++)
		assert_string_equal(driver_say(&driver, "RCPT TO:<d@e.f>\r\n"),
		    "250 2.1.5 Ok\r\n");
	for (int i = 0; i < 30; i++)
		assert_string_equal(driver_say(&driver, "RCPT TO:<d@e.f>\r\n"),
		    "452 4.5.3 Too many recipients, send the message to the "
		    "rest again\r\n");
	assert_true(
	    slice_starts(slice_of(driver_say(&driver, "DATA\r\n")), S("354 ")));
	driver_clear(&driver);
}

static void
errors_end_the_session_only_after_many(void **state)
{
	struct driver driver;
	const char *got = "";
	int n;

	(void)state;
	driver_init(&driver, "smtp", false);
	for (n = 0; n < 100 && !driver.is_closed; n++)
		got = driver_say(&driver, "RSET x\r\n");
	assert_int_equal(n, LIMIT_SMTP_ERRORS);
	assert_true(slice_ends(slice_of(got),
	    S("421 4.7.0 Too many errors, closing the connection\r\n")));
	driver_clear(&driver);
	driver_init(&driver, "smtp", false);
	for (n = 0; n < 100 && !driver.is_closed; n++)
		driver_say(&driver, "xyzzy\r\n");
	assert_int_equal(n, LIMIT_SMTP_UNKNOWN);
	driver_clear(&driver);
}

static void
ten_thousand_pipelined_commands_use_bounded_memory(void **state)
{
	struct driver driver;
	struct buf input;

	(void)state;
	buf_init(&input, 1 << 20);
	for (int i = 0; i < 10000; i++)
		buf_add_string(&input, i % 2 == 0 ? "NOOP\r\n" : "EHLO c\r\n");
	driver_init(&driver, "smtp", false);
	driver_feed(&driver, buf_slice(&input), 0);
	assert_false(driver.is_closed);
	assert_true(driver.most_replies < 10000);
	assert_false(driver.session.replies.failed);
	assert_true(driver.session.replies.size <= 16385);
	driver_clear(&driver);
	buf_free(&input);
}

static void
a_line_without_end_uses_bounded_memory(void **state)
{
	struct driver driver;
	char block[1000];

	(void)state;
	memset(block, 'x', sizeof(block));
	driver_init(&driver, "smtp", false);
	for (int i = 0; i < 1000; i++)
		driver_feed(&driver, slice_make(block, sizeof(block)), 0);
	assert_true(driver.session.line.partial.size < 16384);
	assert_string_equal(
	    driver_say(&driver, "\r\n"), "500 5.5.2 The line is too long\r\n");
	driver_clear(&driver);
}

static void
without_enqueue_mail_is_put_off(void **state)
{
	struct driver driver;

	(void)state;
	driver_init(&driver, "smtp", false);
	driver.is_enqueue_dead = true;
	driver.is_quiet = true;
	driver_say(&driver, "EHLO c\r\n");
	for (int i = 0; i < 2; i++)
		assert_string_equal(
		    driver_say(&driver, "MAIL FROM:<a@b.c>\r\n"),
		    "451 4.3.0 The mail queue is not available, try again "
		    "later\r\n");
	driver_clear(&driver);
}

static void
a_new_hello_or_rset_drops_the_transaction(void **state)
{
	static const char *const lines[] = { "RSET\r\n", "EHLO d\r\n",
		"HELO d\r\n" };
	struct driver driver;

	(void)state;
	for (size_t i = 0; i < COUNT(lines); i++) {
		driver_init(&driver, "smtp", false);
		driver_say(&driver,
		    "EHLO c\r\nMAIL FROM:<a@b.c>\r\nRCPT TO:<d@e.f>\r\n");
		assert_true(
		    slice_starts(slice_of(driver_say(&driver, lines[i])),
			S("[ABORT ]\n250")));
		driver.is_quiet = true;
		assert_string_equal(driver_say(&driver, "DATA\r\n"),
		    "503 5.5.1 Send MAIL first\r\n");
		driver_clear(&driver);
	}
}

static void
help_lists_the_table(void **state)
{
	struct driver driver;
	const char *got;

	(void)state;
	driver_init(&driver, "submission", true);
	driver_say(&driver, "");
	got = driver_say(&driver, "HELP\r\n");
	for (size_t i = 0; smtp_command_table[i].verb.len > 0; i++)
		assert_int_equal(
		    strstr(got, smtp_command_table[i].syntax) != NULL,
		    !slice_eq(smtp_command_table[i].verb, S("STARTTLS")) &&
			!slice_eq(smtp_command_table[i].verb, S("LHLO")) &&
			!slice_eq(smtp_command_table[i].verb, S("EXPN")) &&
			!slice_starts(smtp_command_table[i].verb, S("X")));
	got = driver_say(&driver, "help mail\r\n");
	assert_string_equal(got,
	    "214-2.0.0 MAIL FROM:<sender@example.com>  begin a message\r\n"
	    "214 2.0.0 End of HELP (RFC 5321)\r\n");
	driver_clear(&driver);
}

static void
a_silent_or_lost_client_gets_a_last_word(void **state)
{
	struct driver driver;

	(void)state;
	driver_init(&driver, "smtp", false);
	driver_say(&driver, "");
	buf_clear(&driver.transcript);
	driver_end(&driver, true);
	assert_string_equal(buf_string(&driver.transcript),
	    "421 4.4.2 Timeout, closing the connection\r\n");
	driver_clear(&driver);
	driver_init(&driver, "smtp", false);
	driver_say(&driver, "EHLO c\r\nMAIL FROM:<a@b.c>\r\n"
			    "RCPT TO:<d@e.f>\r\nDATA\r\ntext\r\n");
	buf_clear(&driver.transcript);
	driver_end(&driver, false);
	assert_string_equal(buf_string(&driver.transcript),
	    "421 4.4.2 The connection ended before the message did\r\n");
	driver_clear(&driver);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_hand_typed_session_sends_a_message),
		cmocka_unit_test(each_verb_in_each_phase_gets_its_reply),
		cmocka_unit_test(malformed_commands_are_told_what_is_wrong),
		cmocka_unit_test(what_people_and_clients_type_is_understood),
		cmocka_unit_test(ehlo_announces_what_the_port_offers),
		cmocka_unit_test(who_is_behind_a_list_is_told_to_friends),
		cmocka_unit_test(the_greeting_comes_once),
		cmocka_unit_test(starttls_forgets_what_is_pipelined_behind),
		cmocka_unit_test(a_reject_is_logged_once_with_its_transaction),
		cmocka_unit_test(the_thousand_and_first_recipient_is_put_off),
		cmocka_unit_test(errors_end_the_session_only_after_many),
		cmocka_unit_test(
		    ten_thousand_pipelined_commands_use_bounded_memory),
		cmocka_unit_test(a_line_without_end_uses_bounded_memory),
		cmocka_unit_test(without_enqueue_mail_is_put_off),
		cmocka_unit_test(a_new_hello_or_rset_drops_the_transaction),
		cmocka_unit_test(help_lists_the_table),
		cmocka_unit_test(a_silent_or_lost_client_gets_a_last_word),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
