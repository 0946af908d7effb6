/* SPDX-License-Identifier: ISC */
/*
 * The same bytes give the same session, however they are split.
 */
#include "config.h"

#include "tests/unit/unit.h"

#include <string.h>

#include "tests/unit/smtpd/driver.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const struct {
	const char *listener;
	bool is_tls;
	struct slice input;
} scripts[] = {
	{ "smtp", false,
	    SLICE("EHLO c\r\nMAIL FROM:<a@b.c>\r\nRCPT TO:<d@e.f>\r\n"
		  "RCPT TO:<nobody@e.f>\r\nDATA\r\nSubject: x\r\n\r\n"
		  "one\r\n..two\r\n.three\r\n.\r\nNOOP\r\nQUIT\r\nlost") },
	{ "smtp", false,
	    SLICE("HELO c\nMAIL FROM: a@b.c\nRCPT TO: d@e.f\nDATA\n"
		  "From: a\n\nline\n.\n") },
	{ "smtp", false,
	    SLICE("HELO c\nMAIL FROM: a@b.c\nRCPT TO: d@e.f\nDATA\n"
		  "From: a\r\n\r\nline\r\n.\r\nQUIT\n") },
	{ "smtp", false,
	    SLICE("EHLO c\r\nMAIL FROM:<a@b.c>\r\nRCPT TO:<d@e.f>\r\nDATA\r\n"
		  "x\n.\nMAIL FROM:<evil@b.c>\nRCPT TO:<d@e.f>\n"
		  "DATA\nevil\r\n.\r\n") },
	{ "smtp", false,
	    SLICE("EHLO c\r\nMAIL FROM:<a@b.c>\r\nRCPT TO:<d@e.f>\r\nDATA\r\n"
		  "nul \0 nul\r\n.\r\nMAIL FROM:<>\r\nRCPT TO:<d@e.f>\r\n"
		  "DATA\r\nsecond\r\n.\r\n") },
	{ "smtp", false,
	    SLICE("\xff\xfd\x03\xff\xfb\x18\xff\xff\r\nNO\bOP\r\nHELO\r\n"
		  "NOOP\rNOOP\r\n\r\n\n\r\r\nQUIT\r\n") },
	{ "smtp", false,
	    SLICE(
		"EHLO c\r\nMAIL FROM:<a@b.c> BODY=8BITMIME RET=HDRS\r\n"
		"RCPT TO:<d@e.f> NOTIFY=NEVER\r\nBDAT 8\r\nS: x\r\n\r\n"
		"BDAT 5\r\nDATA\rBDAT 7 LAST\r\n\n.\r\nabMAIL FROM:<x@y.z>\r\n"
		"BDAT 6\r\nQUIT\r\nRCPT TO:<d@e.f>\r\n"
		"BDAT 3\r\na\nbBDAT 4\r\nevilBDAT x\r\nNOOP\r\n") },
	{ "lmtp", false,
	    SLICE("LHLO c\r\nMAIL FROM:<a@b.c>\r\nRCPT TO:<d@e.f>\r\n"
		  "RCPT TO:<g@e.f>\r\nBDAT 2 LAST\r\nhiMAIL FROM:<>\r\n"
		  "RCPT TO:<d@e.f>\r\nRCPT TO:<g@e.f>\r\nDATA\r\nx\r\n"
		  ".\r\nQUIT\r\n") },
	{ "submission", true,
	    SLICE("EHLO c\r\nMAIL FROM:<a@b.c>\r\nAUTH PLAIN\r\n*\r\n"
		  "AUTH PLAIN AGFubgBzZWNyZXQ=\r\nMAIL FROM:<a@b.c>\r\n"
		  "RSET\r\nQUIT\r\n") },
	{ "submission", false,
	    SLICE("EHLO c\r\nAUTH PLAIN AGFubgBzZWNyZXQ=\r\nMAIL FROM:<a@b.c>"
		  "\r\nSTARTTLS\r\nEHLO d\r\nNOOP\r\n") },
};

static void
session_does_not_depend_on_the_split(void **state)
{
	struct driver whole, split;

	(void)state;
	for (size_t i = 0; i < COUNT(scripts); i++) {
		driver_init(&whole, scripts[i].listener, scripts[i].is_tls);
		driver_feed(&whole, scripts[i].input, 0);
		driver_end(&whole, false);
		for (unsigned int n = 0; n < 60; n++) {
			driver_init(
			    &split, scripts[i].listener, scripts[i].is_tls);
			if (n < 10)
				driver_feed(&split, scripts[i].input, n + 1);
			else
				driver_feed_random(&split, scripts[i].input, n);
			driver_end(&split, false);
			assert_string_equal(buf_string(&split.effects),
			    buf_string(&whole.effects));
			assert_string_equal(buf_string(&split.replies),
			    buf_string(&whole.replies));
			assert_slice_equal(buf_slice(&split.accepted),
			    buf_slice(&whole.accepted));
			driver_clear(&split);
		}
		driver_clear(&whole);
	}
}

/* Chunks of 64 KiB begin and end anywhere in lines, dots and line ends. */
static void
a_long_message_keeps_its_bytes(void **state)
{
	static const char head[] = "EHLO c\r\nMAIL FROM:<a@b.c>\r\n"
				   "RCPT TO:<d@e.f>\r\nDATA\r\n";
	struct driver driver;
	struct buf input, expected, line;

	(void)state;
	buf_init(&line, 128);
	buf_init(&input, 1 << 22);
	buf_init(&expected, 1 << 22);
	buf_add_string(&input, head);
	for (unsigned int i = 0; expected.len < 700000; i++) {
		buf_clear(&line);
		buf_add_format(&line, "%s%.*s\r\n", i % 7 == 0 ? "." : "",
		    (int)(i % 60),
		    "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz0123"
		    "4567");
		if (i % 7 == 0)
			buf_add_char(&input, '.');
		buf_add(&input, buf_slice(&line));
		buf_add(&expected, buf_slice(&line));
	}
	buf_add_string(&input, ".\r\nQUIT\r\n");
	buf_add_string(&expected, "\n--\n");
	for (size_t step = 0; step < 100000; step = step * 3 + 4093) {
		driver_init(&driver, "smtp", false);
		driver.settings.message_size_limit = 0;
		driver_feed(&driver, buf_slice(&input), step);
		assert_true(driver.is_closed);
		assert_int_equal(driver.accepted.len, expected.len);
		assert_memory_equal(
		    driver.accepted.ptr, expected.ptr, expected.len);
		driver_clear(&driver);
	}
	buf_free(&input);
	buf_free(&expected);
	buf_free(&line);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(session_does_not_depend_on_the_split),
		cmocka_unit_test(a_long_message_keeps_its_bytes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
