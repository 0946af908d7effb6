/* SPDX-License-Identifier: ISC */
#include "config.h"

#include <string.h>

#include "common/buf.h"

#include "queue/client_reply.h"

#include "tests/unit/unit.h"

struct sample {
	const char *input;
	enum reply_status status; /* of the last call */
	int code;
	const char *enhanced, *text;
};

static const struct sample samples[] = {
	{ "250 ok\r\n", REPLY_DONE, 250, "2.0.0", "250 ok" },
	{ "250\r\n", REPLY_DONE, 250, "2.0.0", "250" },
	{ "250 \n", REPLY_DONE, 250, "2.0.0", "250" },
	{ "250 2.1.5 ok\n", REPLY_DONE, 250, "2.1.5", "250 2.1.5 ok" },
	{ "550 5.1.1\r\n", REPLY_DONE, 550, "5.1.1", "550 5.1.1" },
	{ "550-5.7.1 a\r\n550-5.7.1  b\r\n550 5.7.1 c\r\n", REPLY_DONE, 550,
	    "5.7.1", "550 5.7.1 a b c" },
	{ "451 5.1.1 class differs\r\n", REPLY_DONE, 451, "4.0.0",
	    "451 5.1.1 class differs" },
	{ "550 1234.5.6 x\r\n", REPLY_DONE, 550, "5.0.0", "550 1234.5.6 x" },
	{ "550 5.7.9999 x\r\n", REPLY_DONE, 550, "5.0.0", "550 5.7.9999 x" },
	{ "550 5.7.123x\r\n", REPLY_DONE, 550, "5.0.0", "550 5.7.123x" },
	{ "354 \x1b[2J\xff\r\n", REPLY_DONE, 354, "3.0.0", "354 ?[2J?" },
	{ "250-a\r\n", REPLY_MORE, 250, "", "250 a" },
	{ "hello\r\n", REPLY_BAD, 0, "", "" },
	{ "150 no\r\n", REPLY_BAD, 0, "", "" },
	{ "650 no\r\n", REPLY_BAD, 0, "", "" },
	{ "25\r\n", REPLY_BAD, 0, "", "" },
	{ "\r\n", REPLY_BAD, 0, "", "" },
};

static enum reply_status
feed(struct reply *reply, struct slice input, size_t piece)
{
	enum reply_status status = REPLY_MORE;
	struct slice part;

	while (input.len > 0 && status != REPLY_DONE && status != REPLY_BAD) {
		part = slice_first(input, piece);
		input = slice_from(input, piece);
		do
			status = reply_next(reply, &part);
		while (status == REPLY_LINE);
	}
	return status;
}

static void
samples_are_read_the_same_in_pieces_of_any_size(void **state)
{
	struct reply reply;

	(void)state;
	for (size_t i = 0; i < sizeof(samples) / sizeof(samples[0]); i++)
		for (size_t piece = 1; piece < 64; piece++) {
			reply_init(&reply);
			assert_int_equal(
			    feed(&reply, slice_of(samples[i].input), piece),
			    samples[i].status);
			if (samples[i].status == REPLY_BAD)
				continue;
			assert_int_equal(reply.code, samples[i].code);
			assert_string_equal(
			    reply.enhanced, samples[i].enhanced);
			assert_string_equal(reply.text, samples[i].text);
		}
}

static void
a_long_line_is_cut_and_nothing_is_lost_of_the_next(void **state)
{
	struct reply reply;
	struct slice input;
	struct buf text;

	(void)state;
	buf_init(&text, 200000);
	buf_add_string(&text, "250 ");
	for (int i = 0; i < 100000; i++)
		buf_add_char(&text, 'x');
	buf_add_string(&text, "\r\n550 next\r\n");
	input = buf_slice(&text);
	reply_init(&reply);
	assert_int_equal(reply_next(&reply, &input), REPLY_DONE);
	assert_int_equal(reply.code, 250);
	assert_int_equal(strlen(reply.text), LIMIT_REASON - 1);
	assert_int_equal(reply_next(&reply, &input), REPLY_DONE);
	assert_string_equal(reply.text, "550 next");
	buf_free(&text);
}

static void
endless_replies_end(void **state)
{
	struct reply reply;
	struct slice input;
	int lines = 0;

	(void)state;
	reply_init(&reply);
	do
		input = S("250-more\r\n");
	while (reply_next(&reply, &input) == REPLY_LINE && ++lines < 10000);
	assert_int_equal(lines, LIMIT_SMTP_REPLY_LINES);
	input = S("250 sorry\r\n");
	assert_int_equal(reply_next(&reply, &input), REPLY_BAD);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    samples_are_read_the_same_in_pieces_of_any_size),
		cmocka_unit_test(
		    a_long_line_is_cut_and_nothing_is_lost_of_the_next),
		cmocka_unit_test(endless_replies_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
