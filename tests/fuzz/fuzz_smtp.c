/* SPDX-License-Identifier: ISC */
/*
 * The session core: the first byte chooses the listener, TLS and how the
 * rest is split. What is said twice in different pieces must come out the
 * same, and nothing may grow past its ceiling.
 */
#include "config.h"

#include <stdint.h>

#include "tests/unit/smtpd/driver.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
run(struct driver *driver, uint8_t choice, struct slice input, size_t step)
{
	static const char *const listeners[] = { "smtp", "submission",
		"submissions", "lmtp" };

	driver_init(driver,
	    (choice & 67) == 64 ? "friend" : listeners[choice & 3], choice & 4);
	driver->connection.may_auth_in_clear = choice & 8;
	driver->connection.may_xclient = choice & 64;
	driver->connection.may_xforward = choice & 64;
	driver->is_enqueue_dead = choice & 16;
	driver_feed(driver, input, step);
	driver_end(driver, choice & 32);
	BUG_UNLESS(!driver->session.replies.failed);
	BUG_UNLESS(
	    driver->session.line.partial.len <= LIMIT_SMTP_AUTH_LINE + 2);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct driver whole, split;
	struct slice input;

	if (size < 1)
		return 0;
	input = slice_make(data + 1, size - 1);
	run(&whole, data[0], input, 0);
	run(&split, data[0], input, 1U + data[0] % 61U);
	/* A close for commands behind bare line ends may depend on it. */
	if (whole.session.decoder.problems == 0) {
		BUG_UNLESS(slice_eq(
		    buf_slice(&whole.replies), buf_slice(&split.replies)));
		BUG_UNLESS(slice_eq(
		    buf_slice(&whole.accepted), buf_slice(&split.accepted)));
	}
	driver_clear(&whole);
	driver_clear(&split);
	return 0;
}
