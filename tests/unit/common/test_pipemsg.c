/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "tests/unit/unit.h"

#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/pipemsg.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static int
open_pair(void **state)
{
	static int ends[2];

	*state = ends;
	return socketpair(AF_UNIX, SOCK_STREAM, 0, ends);
}

static int
close_pair(void **state)
{
	int *ends = *state;

	close(ends[0]);
	if (ends[1] >= 0)
		close(ends[1]);
	return 0;
}

static void
what_is_put_is_got(void **state)
{
	int *ends = *state;
	struct message out, in;
	struct slice s;
	uint64_t wide;
	uint32_t number;
	uint8_t byte;
	char array[8];

	message_init(&out);
	message_init(&in);
	message_begin(&out, 7);
	message_put_u8(&out, 200);
	message_put_u32(&out, 0xdeadbeef);
	message_put_u64(&out, UINT64_MAX - 1);
	message_put_slice(&out, S("a\0b"));
	message_put_string(&out, "text");
	assert_int_equal(message_send(&out, ends[0], IO_FOREVER), IO_OK);
	assert_int_equal(message_receive(&in, ends[1], io_deadline(5)), IO_OK);
	assert_int_equal(in.type, 7);
	assert_true(message_get_u8(&in, &byte));
	assert_int_equal(byte, 200);
	assert_true(message_get_u32(&in, &number));
	assert_int_equal(number, 0xdeadbeef);
	assert_true(message_get_u64(&in, &wide));
	assert_true(wide == UINT64_MAX - 1);
	assert_true(message_get_slice(&in, &s));
	assert_slice_equal(s, S("a\0b"));
	assert_false(message_end(&in));
	assert_true(message_get_array(&in, array, sizeof(array)));
	assert_string_equal(array, "text");
	assert_true(message_end(&in));
	assert_false(message_get_u8(&in, &byte));
	assert_false(message_end(&in));
	message_free(&out);
	message_free(&in);
}

static void
malformed_frames_are_refused(void **state)
{
	static const struct slice cases[] = {
		SLICE("XP\1\1\0\0\0\0"), /* magic */
		SLICE("MP\2\1\0\0\0\0"), /* version */
		SLICE("MP\1\1\1\0\2\0"), /* longer than LIMIT_PIPE_MESSAGE */
		SLICE("MP\1\1\377\377\377\377"),
	};
	int *ends = *state;
	struct message in;
	struct buf input;
	bool ok;

	message_init(&in);
	buf_init(&input, 1000);
	for (size_t i = 0; i < COUNT(cases); i++) {
		buf_clear(&input);
		buf_add(&input, cases[i]);
		assert_false(message_take(&in, &input, &ok));
		assert_false(ok);
		assert_int_equal(
		    io_write_all(ends[0], cases[i], IO_FOREVER), IO_OK);
		assert_int_equal(
		    message_receive(&in, ends[1], io_deadline(5)), IO_ERROR);
	}
	buf_free(&input);
	message_free(&in);
}

static void
a_frame_that_lies_about_its_fields_fails(void **state)
{
	struct message in;
	struct buf input;
	struct slice s;
	char array[4];
	bool ok;

	(void)state;
	message_init(&in);
	buf_init(&input, 1000);
	/* A slice of 5 bytes, of which two are there. */
	buf_add(&input, S("MP\1\1\6\0\0\0\5\0\0\0ab"));
	assert_true(message_take(&in, &input, &ok));
	assert_false(message_get_slice(&in, &s));
	assert_true(in.failed);
	/* A string with NUL, and one that is too long, for an array. */
	buf_add(&input, S("MP\1\1\6\0\0\0\2\0\0\0a\0"));
	assert_true(message_take(&in, &input, &ok));
	assert_false(message_get_array(&in, array, sizeof(array)));
	assert_string_equal(array, "");
	buf_add(&input, S("MP\1\1\10\0\0\0\4\0\0\0abcd"));
	assert_true(message_take(&in, &input, &ok));
	assert_false(message_get_array(&in, array, sizeof(array)));
	buf_free(&input);
	message_free(&in);
}

static void
frames_are_taken_out_of_any_split(void **state)
{
	static const struct slice frames =
	    SLICE("MP\1\1\0\0\0\0MP\1\2\1\0\0\0xMP\1\3\2\0\0\0yz");
	struct message in;
	struct buf input;
	uint8_t seen = 0;
	bool ok;

	(void)state;
	message_init(&in);
	buf_init(&input, 1000);
	for (size_t i = 0; i < frames.len; i++) {
		buf_add_char(&input, frames.ptr[i]);
		while (message_take(&in, &input, &ok))
			assert_int_equal(in.type, ++seen);
		assert_true(ok);
	}
	assert_int_equal(seen, 3);
	assert_int_equal(input.len, 0);
	buf_free(&input);
	message_free(&in);
}

static void
an_end_inside_a_frame_is_an_error(void **state)
{
	int *ends = *state;
	struct message in;

	message_init(&in);
	io_write_all(ends[0], S("MP\1\1\4\0\0\0ab"), IO_FOREVER);
	shutdown(ends[0], SHUT_WR);
	assert_int_equal(
	    message_receive(&in, ends[1], io_deadline(5)), IO_ERROR);
	assert_int_equal(message_receive(&in, ends[1], io_deadline(5)), IO_EOF);
	message_free(&in);
}

static void
a_descriptor_travels_with_a_frame(void **state)
{
	int *ends = *state, pipe_ends[2], got;
	struct message out, in;
	char c = 0;

	message_init(&out);
	message_init(&in);
	assert_int_equal(pipe(pipe_ends), 0);
	message_begin(&out, 1);
	message_put_string(&out, "here");
	assert_int_equal(
	    message_send_fd(&out, ends[0], pipe_ends[1], io_deadline(5)),
	    IO_OK);
	close(pipe_ends[1]);
	assert_int_equal(
	    message_receive_fd(&in, ends[1], &got, io_deadline(5)), IO_OK);
	assert_true(got >= 0);
	assert_int_equal(write(got, "x", 1), 1);
	assert_int_equal(read(pipe_ends[0], &c, 1), 1);
	assert_int_equal(c, 'x');
	close(got);
	close(pipe_ends[0]);
	message_free(&out);
	message_free(&in);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
		    what_is_put_is_got, open_pair, close_pair),
		cmocka_unit_test_setup_teardown(
		    malformed_frames_are_refused, open_pair, close_pair),
		cmocka_unit_test(a_frame_that_lies_about_its_fields_fails),
		cmocka_unit_test(frames_are_taken_out_of_any_split),
		cmocka_unit_test_setup_teardown(
		    an_end_inside_a_frame_is_an_error, open_pair, close_pair),
		cmocka_unit_test_setup_teardown(
		    a_descriptor_travels_with_a_frame, open_pair, close_pair),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
