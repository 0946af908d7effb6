/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "tests/unit/unit.h"

#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/alloc.h"
#include "common/inject.h"

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

/* Put the answer there before the question: both fit into the socket. */
static void
answer(
    int fd, uint8_t type, uint32_t code, const char *status, const char *text)
{
	struct message out;

	message_init(&out);
	message_begin(&out, type);
	message_put_u32(&out, code);
	message_put_string(&out, status);
	message_put_string(&out, text);
	assert_int_equal(message_send(&out, fd, IO_FOREVER), IO_OK);
	message_free(&out);
}

static void
a_sender_travels_whole(void **state)
{
	const struct inject_sender sender = { S("a@b.c"), S("helo"), true, true,
		12345 };
	int *ends = *state;
	struct inject_reply reply;
	struct message in;
	struct slice path, helo;
	uint8_t is_esmtp, is_8bit;
	uint64_t size;

	answer(ends[1], INJECT_REPLY, 250, "2.1.0", "Ok");
	assert_true(inject_mail(ends[0], &sender, &reply));
	assert_int_equal(reply.code, 250);
	assert_string_equal(reply.status, "2.1.0");
	assert_string_equal(reply.text, "Ok");
	message_init(&in);
	assert_int_equal(message_receive(&in, ends[1], io_deadline(5)), IO_OK);
	assert_int_equal(in.type, INJECT_MAIL);
	message_get_slice(&in, &path);
	message_get_slice(&in, &helo);
	message_get_u8(&in, &is_esmtp);
	message_get_u64(&in, &size);
	message_get_u8(&in, &is_8bit);
	assert_true(message_end(&in));
	assert_slice_equal(path, S("a@b.c"));
	assert_slice_equal(helo, S("helo"));
	assert_int_equal(is_esmtp, 1);
	assert_int_equal(is_8bit, 1);
	assert_int_equal(size, 12345);
	message_free(&in);
}

static void
chunks_and_the_end_keep_every_byte(void **state)
{
	int *ends = *state;
	struct inject_reply reply;
	struct message in;
	struct slice bytes;
	char *chunk = alloc_zero(1, LIMIT_PIPE_CHUNK);
	size_t total = 0;
	pid_t pid;
	int status;

	for (size_t i = 0; i < LIMIT_PIPE_CHUNK; i++)
		chunk[i] = (char)(i * 7);
	pid = fork();
	if (pid == 0) {
		bool ok = true;

		for (int i = 0; i < 20 && ok; i++)
			ok = inject_chunk(
			    ends[0], slice_make(chunk, LIMIT_PIPE_CHUNK));
		ok = ok && inject_finish(ends[0], S("tail"), &reply) &&
		     reply.code == 250;
		ok = ok && inject_finish(ends[0], S(""), &reply) &&
		     reply.code == 250 && inject_abort(ends[0]);
		_exit(ok ? 0 : 1);
	}
	message_init(&in);
	for (int i = 0; i < 20; i++) {
		assert_int_equal(
		    message_receive(&in, ends[1], io_deadline(9)), IO_OK);
		assert_int_equal(in.type, INJECT_CHUNK);
		assert_true(message_get_slice(&in, &bytes));
		assert_true(message_end(&in));
		assert_slice_equal(bytes, slice_make(chunk, LIMIT_PIPE_CHUNK));
		total += bytes.len;
	}
	assert_int_equal(total, 20 * LIMIT_PIPE_CHUNK);
	message_receive(&in, ends[1], io_deadline(9));
	assert_true(message_get_slice(&in, &bytes));
	assert_slice_equal(bytes, S("tail"));
	message_receive(&in, ends[1], io_deadline(9));
	assert_int_equal(in.type, INJECT_END);
	answer(ends[1], INJECT_REPLY, 250, "", "Ok");
	message_receive(&in, ends[1], io_deadline(9));
	assert_int_equal(in.type, INJECT_END);
	answer(ends[1], INJECT_REPLY, 250, "", "Ok");
	message_receive(&in, ends[1], io_deadline(9));
	assert_int_equal(in.type, INJECT_ABORT);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	message_free(&in);
	alloc_release(chunk);
}

static void
a_wrong_answer_is_no_answer(void **state)
{
	char long_text[600];
	int *ends = *state;
	struct inject_reply reply;

	memset(long_text, 'x', sizeof(long_text) - 1);
	long_text[sizeof(long_text) - 1] = '\0';
	answer(ends[1], INJECT_MAIL, 250, "", "wrong type");
	assert_false(inject_data(ends[0], &reply));
	answer(ends[1], INJECT_REPLY, 100, "", "no reply code");
	assert_false(inject_data(ends[0], &reply));
	answer(ends[1], INJECT_REPLY, 250, "2.0.0", long_text);
	assert_false(inject_data(ends[0], &reply));
	answer(ends[1], INJECT_REPLY, 250, "2.0.0", "one");
	answer(ends[1], INJECT_REPLY, 250, "2.0.0", "too many");
	assert_false(inject_data(ends[0], &reply));
}

static void
a_dead_enqueue_is_noticed(void **state)
{
	int *ends = *state;
	struct inject_reply reply;

	close(ends[1]);
	ends[1] = -1;
	assert_false(inject_rcpt(ends[0], S("a@b"), &reply));
	assert_false(inject_vrfy(ends[0], S("a@b"), &reply));
	assert_false(inject_end(ends[0], &reply));
	assert_false(inject_chunk(ends[0], S("x")));
	assert_false(inject_abort(ends[0]));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
		    a_sender_travels_whole, open_pair, close_pair),
		cmocka_unit_test_setup_teardown(
		    chunks_and_the_end_keep_every_byte, open_pair, close_pair),
		cmocka_unit_test_setup_teardown(
		    a_wrong_answer_is_no_answer, open_pair, close_pair),
		cmocka_unit_test_setup_teardown(
		    a_dead_enqueue_is_noticed, open_pair, close_pair),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
