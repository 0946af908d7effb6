/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "common/control.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/unit/unit.h"

static void
a_request_arrives_as_it_was_sent(void **state)
{
	struct control sent = { .type = CONTROL_AUTH, .value = 0x12345678 };
	struct control got;
	char raw[8];
	int ends[2];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
	assert_int_equal(control_send(ends[0], sent), IO_OK);
	assert_int_equal(
	    control_receive(ends[1], &got, io_deadline(10)), IO_OK);
	assert_int_equal(got.type, CONTROL_AUTH);
	assert_int_equal(got.value, 0x12345678);
	assert_int_equal(control_send(ends[0], sent), IO_OK);
	assert_int_equal(read(ends[1], raw, sizeof(raw)), 8);
	assert_memory_equal(raw, "MPC\x02\x78\x56\x34\x12", 8);
	close(ends[0]);
	assert_int_equal(
	    control_receive(ends[1], &got, io_deadline(10)), IO_EOF);
	close(ends[1]);
}

static const struct bad_case {
	const char *what;
	struct slice bytes;
} bad_cases[] = {
	{ "wrong magic", SLICE("XPC\x01\0\0\0\0") },
	{ "type 0", SLICE("MPC\0\0\0\0\0") },
	{ "type past the requests", SLICE("MPC\x06\0\0\0\0") },
	{ "type past the answers", SLICE("MPC\x46\0\0\0\0") },
	{ "type 255", SLICE("MPC\xff\0\0\0\0") },
	{ "half a frame", SLICE("MPC\x01") },
};

static void
malformed_frames_are_errors(void **state)
{
	struct control got;
	int ends[2];

	(void)state;
	for (size_t i = 0; i < sizeof(bad_cases) / sizeof(bad_cases[0]); i++) {
		assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
		assert_int_equal(write(ends[0], bad_cases[i].bytes.ptr,
				     bad_cases[i].bytes.len),
		    bad_cases[i].bytes.len);
		close(ends[0]);
		errno = 0;
		if (control_receive(ends[1], &got, io_deadline(10)) !=
			IO_ERROR ||
		    errno != EPROTO)
			fail_msg("%s was taken", bad_cases[i].what);
		assert_int_equal(got.type, 0);
		close(ends[1]);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_request_arrives_as_it_was_sent),
		cmocka_unit_test(malformed_frames_are_errors),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
