/* SPDX-License-Identifier: ISC */
/* LMTP (RFC 2033): the same machine, another greeting, a reply for each. */
#include "config.h"

#include "tests/unit/unit.h"

#include <stdio.h>
#include <string.h>

#include "tests/unit/smtpd/driver.h"

#define QUEUED "250 2.0.0 Ok: queued as X\r\n"

static void
begin(struct driver *driver, size_t recipients)
{
	char line[64];

	driver_init(driver, "lmtp", false);
	driver->is_quiet = true;
	driver_say(driver, "LHLO c\r\nMAIL FROM:<a@b.c>\r\n");
	for (size_t i = 0; i < recipients; i++) {
		snprintf(line, sizeof(line), "RCPT TO:<d%zu@e.f>\r\n", i);
		driver_say(driver, line);
	}
	driver_say(driver, "RCPT TO:<nobody@e.f>\r\n");
}

static size_t
count(const char *text, const char *line)
{
	size_t n = 0;

	while ((text = strstr(text, line)) != NULL) {
		n++;
		text++;
	}
	return n;
}

static void
only_lhlo_says_hello(void **state)
{
	struct driver driver;

	(void)state;
	driver_init(&driver, "lmtp", false);
	assert_string_equal(
	    driver_say(&driver, ""), "220 mx.example.org LMTP Merpati\r\n");
	assert_string_equal(driver_say(&driver, "EHLO c\r\n"),
	    "500 5.5.1 This is LMTP: send LHLO\r\n");
	assert_string_equal(driver_say(&driver, "HELO c\r\n"),
	    "500 5.5.1 This is LMTP: send LHLO\r\n");
	assert_true(slice_starts(slice_of(driver_say(&driver, "LHLO c\r\n")),
	    S("250-mx.example.org\r\n250-PIPELINING\r\n")));
	driver_clear(&driver);
}

static void
each_accepted_recipient_has_a_reply(void **state)
{
	static const char *const messages[] = { "DATA\r\nx\r\n.\r\n",
		"BDAT 1\r\nxBDAT 0 LAST\r\n" };
	struct driver driver;

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		begin(&driver, 3);
		assert_true(
		    slice_ends(slice_of(driver_say(&driver, messages[i])),
			S(QUEUED QUEUED QUEUED)));
		assert_int_equal(count(buf_string(&driver.replies), QUEUED), 3);
		assert_string_equal(
		    driver_say(&driver, "NOOP\r\n"), "250 2.0.0 Ok\r\n");
		driver_clear(&driver);
	}
}

static void
a_refused_message_is_refused_for_each(void **state)
{
	struct driver driver;

	(void)state;
	begin(&driver, 3);
	driver_say(&driver, "DATA\r\n");
	assert_int_equal(
	    count(driver_say(&driver, "x\ny\r\n.\r\n"), "554 5.6.0"), 3);
	driver_clear(&driver);
	begin(&driver, 2);
	assert_int_equal(
	    count(driver_say(&driver, "BDAT 1 LAST\r\n\n"), "554 5.6.0"), 2);
	driver_clear(&driver);
}

/* Pipelined behind the end, the next command waits for all of them, and the
 * replies never fill more than their buffer. */
static void
a_thousand_recipients_fit(void **state)
{
	struct driver driver;

	(void)state;
	begin(&driver, 1000);
	driver_say(&driver, "DATA\r\n");
	buf_clear(&driver.replies);
	driver_say(&driver, "x\r\n.\r\nNOOP\r\nQUIT\r\n");
	assert_int_equal(count(buf_string(&driver.replies), QUEUED), 1000);
	assert_true(slice_ends(buf_slice(&driver.replies),
	    S(QUEUED "250 2.0.0 Ok\r\n221 2.0.0 Bye\r\n")));
	assert_true(driver.most_replies < 16384);
	driver_clear(&driver);
}

static void
strangers_are_not_served(void **state)
{
	struct driver driver;

	(void)state;
	driver_init(&driver, "lmtp", false);
	driver.settings.mynetworks.count = 0;
	smtp_session_clear(&driver.session);
	smtp_session_init(&driver.session, &driver.connection);
	assert_string_equal(driver_say(&driver, "LHLO c\r\n"),
	    "554 5.7.1 LMTP is for hosts in mynetworks\r\n");
	assert_true(driver.is_closed);
	driver_clear(&driver);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_lhlo_says_hello),
		cmocka_unit_test(each_accepted_recipient_has_a_reply),
		cmocka_unit_test(a_refused_message_is_refused_for_each),
		cmocka_unit_test(a_thousand_recipients_fit),
		cmocka_unit_test(strangers_are_not_served),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
