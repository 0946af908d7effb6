/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "tests/unit/unit.h"

#include <stdio.h>
#include <string.h>

#include "tests/unit/smtpd/driver.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static void
begin_data(struct driver *driver, const char *data_line)
{
	driver_init(driver, "smtp", false);
	driver->is_quiet = true;
	driver_say(
	    driver, "EHLO c\r\nMAIL FROM:<a@b.c>\r\nRCPT TO:<d@e.f>\r\n");
	driver_say(driver, data_line);
}

/* A CR without LF or an LF without CR. */
static bool
has_bare_line_end(struct slice s)
{
	for (size_t i = 0; i < s.len; i++) {
		if (s.ptr[i] == '\r' &&
		    (i + 1 == s.len || s.ptr[i + 1] != '\n'))
			return true;
		if (s.ptr[i] == '\n' && (i == 0 || s.ptr[i - 1] != '\r'))
			return true;
	}
	return false;
}

static void
try_smuggling(const char *before, const char *after)
{
	struct driver driver;
	struct slice got;
	char input[64];
	size_t end;
	bool is_end, is_bare;

	snprintf(input, sizeof(input), "text%s.%s", before, after);
	end = slice_find(slice_of(input), S("\r\n.\r\n"));
	is_end = end < strlen(input);
	is_bare = has_bare_line_end(
	    slice_first(slice_of(input), is_end ? end + 5 : end));
	begin_data(&driver, "DATA\r\n");
	got = slice_of(driver_say(&driver, input));
	if (is_end)
		assert_true(slice_starts(
		    got, is_bare ? S("554 5.6.0 ") : S("250 2.0.0 ")));
	else
		assert_int_equal(got.len, 0);
	if (driver.is_closed) {
		assert_true(is_bare && end + 5 < strlen(input));
		driver_clear(&driver);
		return;
	}
	/* Commands when the data was over, text of the message when not. */
	driver_say(&driver, "MAIL FROM:<evil@b.c>\r\nRCPT TO:<evil@e.f>\r\n");
	driver_say(&driver, "DATA\r\n");
	assert_int_equal(driver.transcript.len > 0, is_end);
	got = slice_of(driver_say(&driver, "evil\r\n.\r\n"));
	assert_true(slice_starts(
	    got, is_end || !is_bare ? S("250 2.0.0 ") : S("554 5.6.0 ")));
	if (is_end)
		assert_string_equal(buf_string(&driver.accepted),
		    is_bare ? "evil\r\n\n--\n"
			    : "text\r\n\n--\nevil\r\n\n--\n");
	driver_clear(&driver);
}

/* Every combination of line ends around the dot, commands behind: only
 * CRLF.CRLF ends the data, and a message with a bare CR or LF is not taken. */
static void
only_crlf_dot_crlf_ends_data(void **state)
{
	static const char *const ends[] = { "", "\r", "\n", "\r\n", "\n\r",
		"\r\r", "\n\n", "\r\r\n", "\r\n\n" };
	const size_t count = COUNT(ends);

	(void)state;
	for (size_t i = 0; i < count * count; i++)
		try_smuggling(ends[i / count], ends[i % count]);
}

static void
the_cause_is_named_once_at_the_end(void **state)
{
	static const struct {
		struct slice data;
		const char *reply;
	} cases[] = {
		{ SLICE("a\nb\r\n.\r\n"), "554 5.6.0 Message refused: a line "
					  "ends in LF alone, lines must end "
					  "in CRLF (with nc use nc -C)\r\n" },
		{ SLICE("a\rb\r\n.\r\n"), "554 5.6.0 Message refused: a CR "
					  "stands alone, lines must end in "
					  "CRLF\r\n" },
		{ SLICE("a\0b\r\n.\r\n"), "554 5.6.0 Message refused: it has "
					  "a NUL byte, encode it (MIME)\r\n" },
		{ SLICE("a\0b\nc\rd\r\n.\r\n"),
		    "554 5.6.0 Message refused: a line ends in LF alone, "
		    "lines must end in CRLF (with nc use nc -C)\r\n" },
	};
	struct driver driver;

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		begin_data(&driver, "DATA\r\n");
		buf_clear(&driver.transcript);
		driver_feed(&driver, cases[i].data, 0);
		assert_string_equal(
		    buf_string(&driver.transcript), cases[i].reply);
		assert_string_equal(
		    driver_say(&driver, "NOOP\r\n"), "250 2.0.0 Ok\r\n");
		driver_clear(&driver);
	}
}

static void
commands_behind_bare_line_ends_close_the_connection(void **state)
{
	struct driver driver;

	(void)state;
	begin_data(&driver, "DATA\r\n");
	driver_say(&driver, "a\nb\r\n.\r\nMAIL FROM:<x@y.z>\r\n");
	assert_true(driver.is_closed);
	driver_clear(&driver);
	begin_data(&driver, "DATA\r\n");
	driver_feed(&driver, S("a\0b\r\n.\r\nNOOP\r\n"), 0);
	assert_false(driver.is_closed);
	driver_clear(&driver);
}

/* Typed through nc without -C. */
static void
a_session_of_bare_line_feeds_is_told_at_its_dot(void **state)
{
	static const char *const ends[] = { "a\nb\n.\n", ".\n", "a\n.\r\n",
		"a\r\n.\n", "a\n..\n.b\n\n.\n" };
	struct driver driver;

	(void)state;
	for (size_t i = 0; i < COUNT(ends); i++) {
		begin_data(&driver, "DATA\n");
		assert_string_equal(driver_say(&driver, ends[i]),
		    "554 5.6.0 Message refused: a line ends in LF alone, "
		    "lines must end in CRLF (with nc use nc -C)\r\n");
		assert_string_equal(
		    driver_say(&driver, "NOOP\n"), "250 2.0.0 Ok\r\n");
		assert_int_equal(driver.accepted.len, 0);
		driver_clear(&driver);
	}
	begin_data(&driver, "DATA\n");
	assert_string_equal(
	    driver_say(&driver, "a\r\n.\r\n"), "250 2.0.0 Ok: queued as X\r\n");
	driver_clear(&driver);
}

static void
a_large_message_is_heard_out_and_refused(void **state)
{
	struct driver driver;
	char line[1002];

	(void)state;
	memset(line, 'x', sizeof(line));
	memcpy(line + 1000, "\r\n", 2);
	begin_data(&driver, "DATA\r\n");
	driver.is_quiet = false;
	for (int i = 0; i < 500; i++)
		driver_feed(&driver, slice_make(line, sizeof(line)), 0);
	assert_true(driver.message.len <= 100000);
	assert_true(slice_starts(slice_of(driver_say(&driver, ".\r\n")),
	    S("[LOG CONNECTION000: reject: DATA from")));
	assert_true(slice_ends(buf_slice(&driver.transcript),
	    S("552 5.3.4 Message refused: it is larger than the limit EHLO "
	      "shows\r\n")));
	assert_int_equal(driver.accepted.len, 0);
	driver_clear(&driver);
}

static void
a_line_past_its_limit_is_refused(void **state)
{
	struct driver driver;
	char block[8192];

	(void)state;
	memset(block, 'x', sizeof(block));
	begin_data(&driver, "DATA\r\n");
	for (int i = 0; i < 9; i++)
		driver_feed(&driver, slice_make(block, sizeof(block)), 0);
	assert_string_equal(driver_say(&driver, "\r\n.\r\n"),
	    "554 5.6.0 Message refused: a line is too long, encode it "
	    "(MIME)\r\n");
	driver_clear(&driver);
}

static void
an_empty_message_and_many_messages_pass(void **state)
{
	struct driver driver;

	(void)state;
	begin_data(&driver, "DATA\r\n");
	assert_string_equal(
	    driver_say(&driver, ".\r\n"), "250 2.0.0 Ok: queued as X\r\n");
	for (int i = 0; i < 5; i++)
		assert_true(
		    slice_ends(slice_of(driver_say(&driver,
				   "MAIL FROM:<a@b.c>\r\nRCPT TO:<d@e.f>\r\n"
				   "DATA\r\nx\r\n.\r\n")),
			S("250 2.0.0 Ok: queued as X\r\n")));
	driver_clear(&driver);
}

static void
a_dead_enqueue_gives_451_at_the_end(void **state)
{
	struct driver driver;

	(void)state;
	begin_data(&driver, "DATA\r\n");
	driver.is_enqueue_dead = true;
	assert_string_equal(driver_say(&driver, "x\r\n.\r\n"),
	    "451 4.3.0 The mail queue is not available, try again later\r\n");
	driver_clear(&driver);
}

static void
a_refused_data_ends_the_transaction_on_both_sides(void **state)
{
	struct driver driver;

	(void)state;
	driver_init(&driver, "smtp", false);
	driver_say(
	    &driver, "EHLO c\r\nMAIL FROM:<full@b.c>\r\nRCPT TO:<d@e.f>\r\n");
	assert_string_equal(driver_say(&driver, "DATA\r\n"),
	    "[ABORT ]\n452 4.3.1 no space\r\n");
	assert_string_equal(driver_say(&driver, "MAIL FROM:<a@b.c>\r\n"),
	    "[MAIL a@b.c]\n250 2.1.5 Ok\r\n");
	driver_clear(&driver);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_crlf_dot_crlf_ends_data),
		cmocka_unit_test(the_cause_is_named_once_at_the_end),
		cmocka_unit_test(
		    commands_behind_bare_line_ends_close_the_connection),
		cmocka_unit_test(
		    a_session_of_bare_line_feeds_is_told_at_its_dot),
		cmocka_unit_test(a_large_message_is_heard_out_and_refused),
		cmocka_unit_test(a_line_past_its_limit_is_refused),
		cmocka_unit_test(an_empty_message_and_many_messages_pass),
		cmocka_unit_test(a_dead_enqueue_gives_451_at_the_end),
		cmocka_unit_test(
		    a_refused_data_ends_the_transaction_on_both_sides),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
