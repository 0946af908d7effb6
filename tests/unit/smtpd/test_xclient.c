/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "tests/unit/unit.h"

#include <stdio.h>
#include <string.h>

#include "tests/unit/smtpd/driver.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static void
begin(struct driver *driver, bool is_listed)
{
	driver_init(driver, "smtp", false);
	driver->connection.may_xclient = is_listed;
	driver->connection.may_xforward = is_listed;
	driver_say(driver, "");
}

static void
only_listed_hosts_are_told_and_obeyed(void **state)
{
	struct driver driver;
	const char *got;

	(void)state;
	begin(&driver, false);
	assert_null(strstr(driver_say(&driver, "EHLO x\r\n"), "XCLIENT"));
	assert_null(strstr(driver_say(&driver, "EHLO x\r\n"), "XFORWARD"));
	got = driver_say(&driver, "XCLIENT ADDR=127.0.0.1\r\n");
	assert_string_equal(
	    got, "550 5.7.0 This client may not speak for others\r\n");
	got = driver_say(&driver, "XFORWARD ADDR=127.0.0.1\r\n");
	assert_string_equal(
	    got, "550 5.7.0 This client may not speak for others\r\n");
	driver_clear(&driver);
	begin(&driver, true);
	got = driver_say(&driver, "EHLO x\r\n");
	assert_non_null(strstr(got, "250-XCLIENT NAME ADDR PORT PROTO HELO "
				    "LOGIN DESTADDR DESTPORT\r\n"));
	assert_non_null(
	    strstr(got, "250-XFORWARD NAME ADDR PORT PROTO HELO IDENT\r\n"));
	driver_clear(&driver);
}

static const struct {
	const char *line, *note;
} claims[] = {
	{ "XCLIENT NAME=spike.example.org ADDR=192.0.2.9 PORT=4000\r\n",
	    "[XCLIENT 7 192.0.2.9:4000 unknown:0 0 name=spike.example.org "
	    "helo= login= ident=]\n" },
	{ "xclient addr=IPV6:2001:db8::1 destaddr=2001:db8::2 destport=25\r\n",
	    "[XCLIENT c2 2001:db8::1:0 2001:db8::2:25 0 name= helo= login= "
	    "ident=]\n" },
	{ "XCLIENT NAME=[UNAVAILABLE] ADDR=[TEMPUNAVAIL] LOGIN=[UNAVAILABLE]"
	  "\r\n",
	    "[XCLIENT 23 unknown:0 unknown:0 0 name= helo= login= ident=]\n" },
	{ "XCLIENT PROTO=ESMTP HELO=[192.0.2.9] LOGIN=ann+40example.org\r\n",
	    "[XCLIENT 38 unknown:0 unknown:0 1 name= helo=[192.0.2.9] "
	    "login=ann@example.org ident=]\n" },
	{ "XCLIENT PROTO=[UNAVAILABLE]\r\n",
	    "[XCLIENT 10 unknown:0 unknown:0 0 name= helo= login= ident=]\n" },
	{ "XFORWARD NAME=a.example ADDR=192.0.2.9 IDENT=4XYZ\r\n",
	    "[XFORWARD 303 192.0.2.9:0 unknown:0 0 name=a.example helo= "
	    "login= ident=4XYZ]\n250 2.0.0 Ok\r\n" },
};

static void
claims_are_read(void **state)
{
	struct driver driver;

	(void)state;
	for (size_t i = 0; i < COUNT(claims); i++) {
		begin(&driver, true);
		driver_say(&driver, "EHLO x\r\n");
		assert_string_equal(
		    driver_say(&driver, claims[i].line), claims[i].note);
		driver_clear(&driver);
	}
}

static void
malformed_claims_are_refused(void **state)
{
	static const char *const lines[] = { "XCLIENT ADDR\r\n",
		"XCLIENT ADDR=192.0.2.256\r\n", "XCLIENT ADDR=host.example\r\n",
		"XCLIENT PORT=65536\r\n", "XCLIENT PORT=-1\r\n",
		"XCLIENT PROTO=HTTP\r\n",
		"XCLIENT ADDR=192.0.2.1 ADDR=192.0.2.2\r\n",
		"XCLIENT IDENT=1\r\n", "XFORWARD LOGIN=ann\r\n",
		"XFORWARD DESTADDR=192.0.2.1\r\n", "XCLIENT UID=0\r\n",
		"XCLIENT NAME=a+2\r\n", "XCLIENT NAME=a+zz\r\n",
		"XCLIENT NAME=a+0Ab\r\n", "XCLIENT NAME=a+00b\r\n",
		"XCLIENT NAME=a+20b\r\n", "XCLIENT HELO=<x>\r\n",
		"XCLIENT LOGIN=a;b\r\n", "XFORWARD IDENT=a+29\r\n" };
	struct driver driver;

	(void)state;
	for (size_t i = 0; i < COUNT(lines); i++) {
		begin(&driver, true);
		if (strncmp(driver_say(&driver, lines[i]), "501 5.5.4", 9) != 0)
			fail_msg("%s", lines[i]);
		driver_clear(&driver);
	}
}

static void
values_have_their_limits(void **state)
{
	char line[600], value[300];
	struct driver driver;

	(void)state;
	memset(value, 'a', sizeof(value));
	for (size_t n = LIMIT_CLAIM_NAME - 1; n <= LIMIT_CLAIM_NAME + 1; n++) {
		snprintf(line, sizeof(line), "XFORWARD NAME=%.*s\r\n", (int)n,
		    value);
		begin(&driver, true);
		driver_say(&driver, line);
		assert_int_equal(
		    strstr(buf_string(&driver.replies), "250 2.0.0") != NULL,
		    n <= LIMIT_CLAIM_NAME);
		driver_clear(&driver);
	}
	for (size_t n = LIMIT_CLAIM_IDENT - 1; n <= LIMIT_CLAIM_IDENT + 1;
	     n++) {
		snprintf(line, sizeof(line), "XFORWARD IDENT=%.*s\r\n", (int)n,
		    value);
		begin(&driver, true);
		driver_say(&driver, line);
		assert_int_equal(
		    strstr(buf_string(&driver.replies), "250 2.0.0") != NULL,
		    n <= LIMIT_CLAIM_IDENT);
		driver_clear(&driver);
	}
}

static void
neither_is_taken_within_a_transaction(void **state)
{
	struct driver driver;

	(void)state;
	begin(&driver, true);
	driver_say(&driver, "EHLO x\r\n");
	driver_say(&driver, "MAIL FROM:<a@b.example>\r\n");
	assert_non_null(
	    strstr(driver_say(&driver, "XCLIENT NAME=x\r\n"), "503 5.5.1"));
	assert_non_null(
	    strstr(driver_say(&driver, "XFORWARD NAME=x\r\n"), "503 5.5.1"));
	driver_clear(&driver);
}

/* Several make one; a message or RSET begins anew. */
static void
forwards_are_for_one_message(void **state)
{
	struct driver driver;
	const char *got;

	(void)state;
	begin(&driver, true);
	driver_say(&driver, "EHLO x\r\n");
	assert_non_null(
	    strstr(driver_say(&driver, "XFORWARD NAME=x\r\n"), "XFORWARD 201"));
	assert_non_null(
	    strstr(driver_say(&driver, "XFORWARD PORT=1\r\n"), "XFORWARD 4 "));
	/* Outside of a transaction the front is told, within one enqueue. */
	got = driver_say(&driver, "RSET\r\n");
	assert_non_null(strstr(got, "[XFORWARD 200 "));
	assert_true(slice_ends(slice_of(got), S("\n250 2.0.0 Ok\r\n")));
	assert_string_equal(
	    driver_say(&driver, "RSET\r\n"), "250 2.0.0 Ok\r\n");
	assert_non_null(strstr(
	    driver_say(&driver, "XFORWARD PORT=1\r\n"), "XFORWARD 204 "));
	got = driver_say(&driver, "HELO x\r\n");
	assert_non_null(strstr(got, "[XFORWARD 200 "));
	assert_true(slice_ends(slice_of(got), S("\n250 mx.example.org\r\n")));
	driver_say(&driver, "XFORWARD PORT=1\r\nMAIL FROM:<a@b.example>\r\n");
	assert_string_equal(
	    driver_say(&driver, "RSET\r\n"), "[ABORT ]\n250 2.0.0 Ok\r\n");
	driver.is_enqueue_dead = true;
	assert_non_null(
	    strstr(driver_say(&driver, "XFORWARD PORT=1\r\n"), "451 4.3.0"));
	driver_clear(&driver);
}

/* The session after XCLIENT: it greets, also inside STARTTLS, and goes on
 * from the HELO and the login that were claimed. */
static void
the_next_session_begins_with_what_was_claimed(void **state)
{
	struct driver driver;

	(void)state;
	driver_init(&driver, "submission", true);
	smtp_session_clear(&driver.session);
	driver.connection.is_claimed = true;
	snprintf(driver.connection.claim.helo, 10, "c.example");
	snprintf(driver.connection.claim.name, 10, "n.example");
	snprintf(driver.connection.login, 10, "ann");
	driver.connection.claim.is_esmtp = 1;
	smtp_session_init(&driver.session, &driver.connection);
	assert_int_equal(strncmp(driver_say(&driver, ""), "220 ", 4), 0);
	assert_non_null(strstr(driver_say(&driver, "MAIL FROM:<a@b.c>\r\n"),
	    "[MAIL a@b.c]\n250 "));
	assert_non_null(
	    strstr(driver_say(&driver, "RCPT TO:<no@b.c>\r\n"), "550 "));
	driver_clear(&driver);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_listed_hosts_are_told_and_obeyed),
		cmocka_unit_test(claims_are_read),
		cmocka_unit_test(malformed_claims_are_refused),
		cmocka_unit_test(values_have_their_limits),
		cmocka_unit_test(neither_is_taken_within_a_transaction),
		cmocka_unit_test(forwards_are_for_one_message),
		cmocka_unit_test(the_next_session_begins_with_what_was_claimed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
