/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "tests/unit/unit.h"

#include <string.h>

#include "tests/unit/smtpd/driver.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static void
begin(struct driver *driver, const char *listener, bool is_tls)
{
	driver_init(driver, listener, is_tls);
	driver_say(driver, "EHLO c\r\n");
	driver->is_quiet = true;
}

static void
every_exchange_gets_its_replies(void **state)
{
	static const struct {
		const char *lines;
		const char *replies;
	} cases[] = {
		{ "AUTH PLAIN AGFubgBzZWNyZXQ=\r\n",
		    "235 2.7.0 Authentication successful\r\n" },
		{ "auth plain\r\nAGFubgBzZWNyZXQ=\r\n",
		    "334 \r\n235 2.7.0 Authentication successful\r\n" },
		{ "AUTH LOGIN\r\nYW5u\r\nc2VjcmV0\r\n",
		    "334 VXNlcm5hbWU6\r\n334 UGFzc3dvcmQ6\r\n"
		    "235 2.7.0 Authentication successful\r\n" },
		{ "AUTH LOGIN YW5u\r\nc2VjcmV0\r\n",
		    "334 UGFzc3dvcmQ6\r\n"
		    "235 2.7.0 Authentication successful\r\n" },
		{ "AUTH PLAIN AGFubgB4\r\n",
		    "535 5.7.8 Authentication failed: wrong user or "
		    "password\r\n" },
		{ "AUTH PLAIN AGxhdGVyAHg=\r\n",
		    "454 4.7.0 Authentication is not possible now, try again "
		    "later\r\n" },
		{ "AUTH LOGIN\r\n*\r\n",
		    "334 VXNlcm5hbWU6\r\n501 5.7.0 Authentication "
		    "cancelled\r\n" },
		{ "AUTH PLAIN =\r\n",
		    "501 5.5.2 The response does not fit the mechanism\r\n" },
		{ "AUTH PLAIN ????\r\n",
		    "501 5.5.2 The response is not base64\r\n" },
		{ "AUTH LOGIN\r\nYW5u=\r\n",
		    "334 VXNlcm5hbWU6\r\n501 5.5.2 The response is not "
		    "base64\r\n" },
		{ "AUTH CRAM-MD5\r\n",
		    "504 5.5.4 Unknown mechanism, offered are SCRAM-SHA-256 "
		    "PLAIN LOGIN\r\n" },
		{ "AUTH SCRAM-SHA-256 Zmlyc3Q=\r\ndGhpcmQ=\r\n\r\n",
		    "334 c2Vjb25k\r\n334 \r\n"
		    "235 2.7.0 Authentication successful\r\n" },
		{ "AUTH SCRAM-SHA-256\r\nZmlyc3Q=\r\n*\r\n",
		    "334 \r\n334 c2Vjb25k\r\n"
		    "501 5.7.0 Authentication cancelled\r\n" },
		{ "AUTH SCRAM-SHA-256-PLUS Zmlyc3Q=\r\n",
		    "504 5.5.4 Unknown mechanism, offered are SCRAM-SHA-256 "
		    "PLAIN LOGIN\r\n" },
		{ "AUTH\r\n",
		    "501 5.5.4 Syntax: AUTH mechanism [response]\r\n" },
	};
	struct driver driver;

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		begin(&driver, "submissions", true);
		assert_string_equal(
		    driver_say(&driver, cases[i].lines), cases[i].replies);
		assert_string_equal(
		    driver_say(&driver, "NOOP\r\n"), "250 2.0.0 Ok\r\n");
		driver_clear(&driver);
	}
}

static void
mail_waits_for_login_on_submission_ports(void **state)
{
	struct driver driver;

	(void)state;
	begin(&driver, "submission", true);
	assert_string_equal(driver_say(&driver, "MAIL FROM:<a@b.c>\r\n"),
	    "530 5.7.0 Authentication is required, send AUTH first\r\n");
	driver_say(&driver, "AUTH PLAIN AGFubgBzZWNyZXQ=\r\n");
	assert_string_equal(
	    driver_say(&driver, "MAIL FROM:<a@b.c>\r\n"), "250 2.1.5 Ok\r\n");
	assert_string_equal(driver_say(&driver, "RSET\r\nAUTH PLAIN\r\n"),
	    "250 2.0.0 Ok\r\n503 5.5.1 You are logged in already\r\n");
	driver_clear(&driver);
	begin(&driver, "submission", false);
	assert_string_equal(driver_say(&driver, "MAIL FROM:<a@b.c>\r\n"),
	    "530 5.7.0 Authentication is required, send STARTTLS and AUTH "
	    "first\r\n");
	driver_clear(&driver);
}

static void
no_password_passes_in_clear(void **state)
{
	struct driver driver;

	(void)state;
	begin(&driver, "submission", false);
	assert_string_equal(
	    driver_say(&driver, "AUTH PLAIN AGFubgBzZWNyZXQ=\r\n"),
	    "538 5.7.11 Encryption is needed to log in, send STARTTLS "
	    "first\r\n");
	driver_clear(&driver);
	begin(&driver, "submission", false);
	driver.connection.may_auth_in_clear = true;
	assert_string_equal(
	    driver_say(&driver, "AUTH PLAIN AGFubgBzZWNyZXQ=\r\n"),
	    "235 2.7.0 Authentication successful\r\n");
	driver_clear(&driver);
	begin(&driver, "smtp", true);
	assert_string_equal(
	    driver_say(&driver, "AUTH PLAIN AGFubgBzZWNyZXQ=\r\n"),
	    "503 5.5.1 AUTH is not offered on this port, use 587 or 465\r\n");
	driver_clear(&driver);
}

static void
three_failures_end_the_session(void **state)
{
	static const char failed[] =
	    "535 5.7.8 Authentication failed: wrong user or password\r\n";
	struct driver driver;

	(void)state;
	begin(&driver, "submissions", true);
	for (int i = 0; i < 2; i++)
		assert_string_equal(
		    driver_say(&driver, "AUTH PLAIN AGFubgB4\r\n"), failed);
	assert_string_equal(driver_say(&driver, "AUTH PLAIN AGFubgB4\r\n"),
	    "535 5.7.8 Authentication failed: wrong user or password\r\n"
	    "421 4.7.0 Too many failed logins, closing the connection\r\n");
	assert_true(driver.is_closed);
	driver_clear(&driver);
}

static void
a_failed_login_is_logged_without_its_password(void **state)
{
	struct driver driver;

	(void)state;
	begin(&driver, "submissions", true);
	driver.is_quiet = false;
	driver_say(&driver, "AUTH LOGIN YW5u\r\n");
	assert_string_equal(driver_say(&driver, "d3Jvbmc=\r\n"),
	    "[AUTH ann]\n"
	    "[LOG CONNECTION000: reject: AUTH from unknown[192.0.2.7]: 535 "
	    "5.7.8 Authentication failed: wrong user or password; "
	    "sasl_method=LOGIN sasl_username=<ann>]\n"
	    "535 5.7.8 Authentication failed: wrong user or password\r\n");
	driver_clear(&driver);
}

static void
an_endless_response_is_cut(void **state)
{
	struct driver driver;
	char block[1000];

	(void)state;
	memset(block, 'A', sizeof(block));
	begin(&driver, "submissions", true);
	driver_say(&driver, "AUTH PLAIN\r\n");
	for (int i = 0; i < 100; i++)
		driver_feed(&driver, slice_make(block, sizeof(block)), 0);
	assert_string_equal(driver_say(&driver, "\r\n"),
	    "500 5.5.6 The authentication line is too long\r\n");
	driver_clear(&driver);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_exchange_gets_its_replies),
		cmocka_unit_test(mail_waits_for_login_on_submission_ports),
		cmocka_unit_test(no_password_passes_in_clear),
		cmocka_unit_test(three_failures_end_the_session),
		cmocka_unit_test(a_failed_login_is_logged_without_its_password),
		cmocka_unit_test(an_endless_response_is_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
