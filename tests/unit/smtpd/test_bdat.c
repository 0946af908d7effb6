/* SPDX-License-Identifier: ISC */
/* BDAT (RFC 3030): no byte of a chunk is a command, none of it is lost. */
#include "config.h"

#include "tests/unit/unit.h"

#include <stdio.h>
#include <string.h>

#include "common/dot.h"
#include "common/limits.h"
#include "tests/unit/smtpd/driver.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static void
begin(struct driver *driver, const char *parameters)
{
	char line[128];

	driver_init(driver, "smtp", false);
	snprintf(line, sizeof(line), "EHLO c\r\nMAIL FROM:<a@b.c>%s\r\n",
	    parameters);
	driver_say(driver, line);
	driver_say(driver, "RCPT TO:<d@e.f>\r\n");
	driver->is_quiet = true;
}

static const char *
send_bytes(struct driver *driver, struct slice bytes)
{
	buf_clear(&driver->transcript);
	driver_feed(driver, bytes, 0);
	return buf_string(&driver->transcript);
}

static void
a_message_comes_in_chunks(void **state)
{
	struct driver driver;

	(void)state;
	begin(&driver, "");
	assert_string_equal(
	    driver_say(&driver, "BDAT 14\r\nSubject: x\r\n\r\n"),
	    "250 2.0.0 14 bytes taken\r\n");
	assert_string_equal(
	    driver_say(&driver, "bdat 0\r\n"), "250 2.0.0 0 bytes taken\r\n");
	assert_string_equal(
	    driver_say(&driver, "NOOP\r\n"), "250 2.0.0 Ok\r\n");
	assert_string_equal(driver_say(&driver, "BDAT 9\r\n..dot\r\n.\r"),
	    "250 2.0.0 9 bytes taken\r\n");
	assert_string_equal(
	    driver_say(&driver, "BDAT 8 last\r\n\nQUIT\r\n"), "");
	assert_string_equal(
	    driver_say(&driver, "."), "250 2.0.0 Ok: queued as X\r\n");
	assert_string_equal(buf_string(&driver.accepted),
	    "Subject: x\r\n\r\n..dot\r\n.\r\nQUIT\r\n.\r\n\n--\n");
	driver_clear(&driver);
}

/* What is missing is the last line end, and only a message of lines gets
 * it. */
static void
the_last_line_is_ended(void **state)
{
	static const struct {
		const char *parameters;
		struct slice input, accepted;
	} cases[] = {
		{ "", SLICE("BDAT 1 LAST\r\na"), SLICE("a\r\n\n--\n") },
		{ "", SLICE("BDAT 3 LAST\r\na\r\n"), SLICE("a\r\n\n--\n") },
		{ "", SLICE("BDAT 0 LAST\r\n"), SLICE("\n--\n") },
		{ "", SLICE("BDAT 1\r\naBDAT 0 LAST\r\n"),
		    SLICE("a\r\n\n--\n") },
		{ " BODY=BINARYMIME", SLICE("BDAT 1 LAST\r\na"),
		    SLICE("a\n--\n") },
		{ " BODY=BINARYMIME", SLICE("BDAT 5 LAST\r\na\0\n\rb"),
		    SLICE("a\0\n\rb\n--\n") },
	};
	struct driver driver;

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		begin(&driver, cases[i].parameters);
		assert_true(
		    slice_ends(slice_of(send_bytes(&driver, cases[i].input)),
			S("250 2.0.0 Ok: queued as X\r\n")));
		assert_slice_equal(
		    buf_slice(&driver.accepted), cases[i].accepted);
		driver_clear(&driver);
	}
}

/* The same pieces of line ends as after DATA, in one chunk and cut in two at
 * each place. */
static void
text_has_the_rules_of_data(void **state)
{
	static const struct {
		struct slice text;
		bool is_refused;
	} cases[] = {
		{ SLICE("a\r\n.\r\nb\r\n"), false },
		{ SLICE("a\n.\r\nb\r\n"), true },
		{ SLICE("a\r\n.\nb\r\n"), true },
		{ SLICE("a\r.\r\nb\r\n"), true },
		{ SLICE("a\r\n.\rb\r\n"), true },
		{ SLICE("a\r\r\nb\r\n"), true },
		{ SLICE("a\r\n\n.\r\n"), true },
		{ SLICE("a\n\rb\r\n"), true },
		{ SLICE("\n"), true },
		{ SLICE("\r"), true },
		{ SLICE("a\r\nb\r"), true },
		{ SLICE("a\0b\r\n"), true },
	};
	char input[256];
	struct driver driver;

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++)
		for (size_t cut = 0; cut <= cases[i].text.len; cut++) {
			struct slice head = slice_first(cases[i].text, cut);
			struct slice tail = slice_from(cases[i].text, cut);
			struct buf bytes;

			buf_init(&bytes, 1024);
			snprintf(input, sizeof(input), "BDAT %zu\r\n", cut);
			buf_add_string(&bytes, input);
			buf_add(&bytes, head);
			snprintf(input, sizeof(input), "BDAT %zu LAST\r\n",
			    tail.len);
			buf_add_string(&bytes, input);
			buf_add(&bytes, tail);
			buf_add_string(&bytes, "NOOP\r\n");
			begin(&driver, "");
			send_bytes(&driver, buf_slice(&bytes));
			assert_int_equal(strstr(buf_string(&driver.replies),
					     "554 5.6.0") != NULL,
			    cases[i].is_refused);
			assert_int_equal(
			    driver.accepted.len == 0, cases[i].is_refused);
			assert_true(slice_ends(
			    buf_slice(&driver.replies), S("250 2.0.0 Ok\r\n")));
			buf_free(&bytes);
			driver_clear(&driver);
		}
}

/* Each is answered as said, its bytes are gone, and NOOP is obeyed. */
static void
refused_chunks_are_swallowed(void **state)
{
	static const struct {
		const char *before, *reply;
	} cases[] = {
		{ "", "503 5.5.1 Send MAIL first" },
		{ "EHLO c\r\n", "503 5.5.1 Send MAIL first" },
		{ "EHLO c\r\nMAIL FROM:<a@b.c>\r\n",
		    "503 5.5.1 Send RCPT first" },
		{ "EHLO c\r\nMAIL FROM:<a@b.c>\r\nRCPT TO:<nobody@b.c>\r\n",
		    "503 5.5.1 Send RCPT first" },
		{ "EHLO c\r\nMAIL FROM:<full@b.c>\r\nRCPT TO:<d@e.f>\r\n",
		    "452 4.3.1 no space" },
		{ "EHLO c\r\nMAIL FROM:<a@b.c>\r\nRCPT TO:<d@e.f>\r\n"
		  "BDAT 1\r\n\n",
		    "503 5.5.1 Send MAIL first" },
	};
	struct driver driver;

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		driver_init(&driver, "smtp", false);
		driver_say(&driver, cases[i].before);
		driver.is_quiet = true;
		assert_true(slice_starts(
		    slice_of(driver_say(&driver, "BDAT 6\r\nQUIT\r\n")),
		    slice_of(cases[i].reply)));
		assert_string_equal(
		    driver_say(&driver, "NOOP\r\n"), "250 2.0.0 Ok\r\n");
		assert_int_equal(driver.accepted.len, 0);
		driver_clear(&driver);
	}
}

static void
a_length_that_is_none_ends_the_connection(void **state)
{
	static const char *const arguments[] = { "", " ", " x", " -1", " 1 2",
		" 1 LASTLY", " 0x1", " 1 LAST x", " LAST",
		" 18446744073709551616", " 000000000000000000001" };
	char line[128];
	struct driver driver;

	(void)state;
	for (size_t i = 0; i < COUNT(arguments); i++) {
		begin(&driver, "");
		snprintf(line, sizeof(line),
		    "BDAT%s\r\nMAIL FROM:<evil@b.c>\r\n", arguments[i]);
		assert_true(slice_starts(slice_of(driver_say(&driver, line)),
		    S("501 5.5.4 Syntax: BDAT")));
		assert_true(driver.is_closed);
		assert_int_equal(
		    slice_find(buf_slice(&driver.replies), S("evil")),
		    driver.replies.len);
		driver_clear(&driver);
	}
}

static void
binary_needs_bdat(void **state)
{
	struct driver driver;

	(void)state;
	begin(&driver, " BODY=BINARYMIME");
	assert_true(slice_starts(
	    slice_of(driver_say(&driver, "DATA\r\n")), S("503 5.5.1")));
	assert_true(
	    slice_starts(slice_of(driver_say(&driver, "BDAT 1 LAST\r\n\n")),
		S("250 2.0.0")));
	driver_clear(&driver);
}

static void
rset_between_chunks_forgets_the_message(void **state)
{
	struct driver driver;

	(void)state;
	begin(&driver, "");
	driver_say(&driver, "BDAT 3\r\nabc");
	driver.is_quiet = false;
	assert_string_equal(
	    driver_say(&driver, "RSET\r\n"), "[ABORT ]\n250 2.0.0 Ok\r\n");
	driver_say(&driver, "MAIL FROM:<a@b.c>\r\nRCPT TO:<d@e.f>\r\n");
	assert_string_equal(driver_say(&driver, "BDAT 3 LAST\r\nx\r\n"),
	    "[END ]\n250 2.0.0 Ok: queued as X\r\n");
	assert_string_equal(buf_string(&driver.accepted), "x\r\n\n--\n");
	driver_clear(&driver);
}

static void
the_size_limit_holds_over_all_chunks(void **state)
{
	static const struct {
		size_t last;
		const char *reply;
	} cases[] = {
		{ 39998, "250 2.0.0 Ok" }, /* and a line end */
		{ 39999, "552 5.3.4" },
		{ 90000, "552 5.3.4" },
	};
	char *bytes = test_calloc(1, 90000), line[64];
	struct driver driver;

	(void)state;
	for (size_t i = 0; i < 90000; i++)
		bytes[i] = i % 1000 == 500   ? '\r'
			   : i % 1000 == 501 ? '\n'
					     : 'x';
	for (size_t i = 0; i < COUNT(cases); i++) {
		begin(&driver, "");
		driver_say(&driver, "BDAT 60000\r\n");
		assert_string_equal(
		    send_bytes(&driver, slice_make(bytes, 60000)),
		    "250 2.0.0 60000 bytes taken\r\n");
		snprintf(
		    line, sizeof(line), "BDAT %zu LAST\r\n", cases[i].last);
		driver_say(&driver, line);
		assert_true(slice_starts(slice_of(send_bytes(&driver,
					     slice_make(bytes, cases[i].last))),
		    slice_of(cases[i].reply)));
		driver_clear(&driver);
	}
	test_free(bytes);
}

static void
a_cut_chunk_is_no_message(void **state)
{
	static const char *const pieces[] = { "BDAT 10 LAST\r\nabc",
		"BDAT 10\r\nabc", "BDAT 3\r\nabc",
		"BDAT 3\r\nabcBDAT 4 LAST\r\n", "BDAT 5 LAST\r\nQUIT" };
	struct driver driver;

	(void)state;
	for (size_t i = 0; i < 2 * COUNT(pieces); i++) {
		begin(&driver, "");
		driver_say(&driver, pieces[i / 2]);
		driver_end(&driver, i % 2 == 0);
		assert_true(driver.is_closed);
		assert_int_equal(driver.accepted.len, 0);
		driver_clear(&driver);
	}
}

/* One byte at a time earns no time; bytes at the rate do. */
static void
a_message_has_an_end_in_time(void **state)
{
	struct driver driver;

	(void)state;
	begin(&driver, "");
	assert_int_equal(session_message_seconds(&driver.session), 0);
	driver_say(&driver, "BDAT 100000\r\n");
	assert_int_equal(
	    session_message_seconds(&driver.session), TIMEOUT_SMTP_MESSAGE);
	for (int i = 0; i < LIMIT_SMTP_DATA_RATE - 1; i++)
		driver_say(&driver, "x");
	assert_int_equal(
	    session_message_seconds(&driver.session), TIMEOUT_SMTP_MESSAGE);
	driver_say(&driver, "x");
	assert_int_equal(
	    session_message_seconds(&driver.session), TIMEOUT_SMTP_MESSAGE + 1);
	driver_clear(&driver);
	begin(&driver, "");
	driver_say(&driver, "BDAT 1\r\nx");
	assert_int_equal(
	    session_message_seconds(&driver.session), TIMEOUT_SMTP_MESSAGE);
	driver_say(&driver, "BDAT 0 LAST\r\n");
	assert_int_equal(session_message_seconds(&driver.session), 0);
	driver_say(&driver, "MAIL FROM:<a@b.c>\r\nRCPT TO:<d@e.f>\r\nDATA\r\n");
	assert_int_equal(
	    session_message_seconds(&driver.session), TIMEOUT_SMTP_MESSAGE);
	driver_say(&driver, ".\r\n");
	assert_int_equal(session_message_seconds(&driver.session), 0);
	driver_clear(&driver);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_message_comes_in_chunks),
		cmocka_unit_test(the_last_line_is_ended),
		cmocka_unit_test(text_has_the_rules_of_data),
		cmocka_unit_test(refused_chunks_are_swallowed),
		cmocka_unit_test(a_length_that_is_none_ends_the_connection),
		cmocka_unit_test(binary_needs_bdat),
		cmocka_unit_test(rset_between_chunks_forgets_the_message),
		cmocka_unit_test(the_size_limit_holds_over_all_chunks),
		cmocka_unit_test(a_cut_chunk_is_no_message),
		cmocka_unit_test(a_message_has_an_end_in_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
