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
	const struct inject_sender sender = {
		S("a@b.c"), S("helo"), true, 12345,
		{ MAIL_8BIT | MAIL_UTF8, -9, 1800000000, 1900000000, S("id 7") }
	};
	int *ends = *state;
	struct inject_reply reply;
	struct message in;
	struct slice path, helo, id;
	uint8_t is_esmtp;
	uint32_t flags, priority;
	uint64_t size, hold_until, deliver_by;

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
	message_get_u32(&in, &flags);
	message_get_u32(&in, &priority);
	message_get_u64(&in, &hold_until);
	message_get_u64(&in, &deliver_by);
	message_get_slice(&in, &id);
	assert_true(message_end(&in));
	assert_slice_equal(path, S("a@b.c"));
	assert_slice_equal(helo, S("helo"));
	assert_int_equal(is_esmtp, 1);
	assert_int_equal(flags, MAIL_8BIT | MAIL_UTF8);
	assert_int_equal((int32_t)priority, -9);
	assert_int_equal(hold_until, 1800000000);
	assert_int_equal(deliver_by, 1900000000);
	assert_slice_equal(id, S("id 7"));
	assert_int_equal(size, 12345);
	message_free(&in);
}

static void
a_recipient_travels_whole(void **state)
{
	const struct rcpt_options options = { NOTIFY_NEVER, S("rfc822;x@y.z") };
	int *ends = *state;
	struct inject_reply reply;
	struct message in;
	struct slice path, original;
	uint8_t notify;

	answer(ends[1], INJECT_REPLY, 250, "2.1.5", "Ok");
	assert_true(inject_rcpt(ends[0], S("a@b.c"), &options, &reply));
	message_init(&in);
	assert_int_equal(message_receive(&in, ends[1], io_deadline(5)), IO_OK);
	assert_int_equal(in.type, INJECT_RCPT);
	message_get_slice(&in, &path);
	message_get_u8(&in, &notify);
	message_get_slice(&in, &original);
	assert_true(message_end(&in));
	assert_slice_equal(path, S("a@b.c"));
	assert_int_equal(notify, NOTIFY_NEVER);
	assert_slice_equal(original, S("rfc822;x@y.z"));
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
put_members(int fd, uint8_t type, struct slice lines)
{
	struct message out;

	message_init(&out);
	message_begin(&out, type);
	message_put_slice(&out, lines);
	assert_int_equal(message_send(&out, fd, IO_FOREVER), IO_OK);
	message_free(&out);
}

static void
members_come_before_the_reply_and_are_bounded(void **state)
{
	int *ends = *state;
	struct inject_reply reply;
	struct buf members, many;

	buf_init(&members, LIMIT_SMTP_EXPANSION);
	buf_init(&many, LIMIT_SMTP_EXPANSION + 1);
	while (many.len < LIMIT_SMTP_EXPANSION)
		buf_add_char(&many, '\n');
	put_members(ends[1], INJECT_MEMBERS, buf_slice(&many));
	answer(ends[1], INJECT_REPLY, 250, "2.1.5", "Ok");
	assert_true(inject_expn(ends[0], S("a@b"), &members, &reply));
	assert_int_equal(members.len, LIMIT_SMTP_EXPANSION);
	put_members(ends[1], INJECT_MEMBERS, S(""));
	answer(ends[1], INJECT_REPLY, 252, "2.0.0", "no");
	assert_true(inject_expn(ends[0], S("a@b"), &members, &reply));
	assert_int_equal(members.len, 0);
	assert_int_equal(reply.code, 252);
	/* Not both, not in this order, too much. */
	answer(ends[1], INJECT_REPLY, 250, "2.1.5", "Ok");
	assert_false(inject_expn(ends[0], S("a@b"), &members, &reply));
	put_members(ends[1], INJECT_MEMBERS, S("a\n"));
	put_members(ends[1], INJECT_MEMBERS, S("b\n"));
	assert_false(inject_expn(ends[0], S("a@b"), &members, &reply));
	buf_add_char(&many, '\n');
	put_members(ends[1], INJECT_MEMBERS, buf_slice(&many));
	assert_false(inject_expn(ends[0], S("a@b"), &members, &reply));
	buf_free(&many);
	buf_free(&members);
}

static void
a_dead_enqueue_is_noticed(void **state)
{
	int *ends = *state;
	const struct rcpt_options options = { 0, S("") };
	struct inject_reply reply;
	struct buf members;

	buf_init(&members, LIMIT_SMTP_EXPANSION);
	close(ends[1]);
	ends[1] = -1;
	assert_false(inject_rcpt(ends[0], S("a@b"), &options, &reply));
	assert_false(inject_vrfy(ends[0], S("a@b"), &reply));
	assert_false(inject_expn(ends[0], S("a@b"), &members, &reply));
	buf_free(&members);
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
		    a_recipient_travels_whole, open_pair, close_pair),
		cmocka_unit_test_setup_teardown(
		    chunks_and_the_end_keep_every_byte, open_pair, close_pair),
		cmocka_unit_test_setup_teardown(
		    a_wrong_answer_is_no_answer, open_pair, close_pair),
		cmocka_unit_test_setup_teardown(
		    members_come_before_the_reply_and_are_bounded, open_pair,
		    close_pair),
		cmocka_unit_test_setup_teardown(
		    a_dead_enqueue_is_noticed, open_pair, close_pair),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
