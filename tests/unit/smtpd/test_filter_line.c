/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "smtpd/filter_line.h"

#include "tests/unit/unit.h"

struct sample {
	const char *line;
	enum filter_line_kind kind;
	unsigned int number;
	uint32_t code;
	const char *status, *value;
};

#define ID "00000000000000ab|000000000000000c|"

static const struct sample samples[] = {
	{ "register|report|smtp-in|tx-mail", FILTER_LINE_REPORT, EVENT_TX_MAIL,
	    0, "", "" },
	{ "register|filter|smtp-in|data-line", FILTER_LINE_FILTER,
	    PHASE_DATA_LINE, 0, "", "" },
	{ "register|ready", FILTER_LINE_READY, 0, 0, "", "" },
	{ "register|report|smtp-in|never-heard-of", FILTER_LINE_IGNORED, 0, 0,
	    "", "" },
	{ "register|report|smtp-out|tx-mail", FILTER_LINE_IGNORED, 0, 0, "",
	    "" },
	{ "register|report|smtp-in|*", FILTER_LINE_IGNORED, 0, 0, "", "" },
	{ "register|readable", FILTER_LINE_BAD, 0, 0, "", "" },
	{ "register|other|smtp-in|x", FILTER_LINE_BAD, 0, 0, "", "" },
	{ "register|report|smtp-in|", FILTER_LINE_BAD, 0, 0, "", "" },
	{ "report|0.7|1.0|smtp-in|x", FILTER_LINE_IGNORED, 0, 0, "", "" },
	{ "filter-result|" ID "proceed", FILTER_LINE_PROCEED, 0, 0, "", "" },
	{ "filter-result|" ID "report|x|y", FILTER_LINE_PROCEED, 0, 0, "",
	    "x|y" },
	{ "filter-result|" ID "junk", FILTER_LINE_JUNK, 0, 0, "", "" },
	{ "filter-result|" ID "rewrite|<a|b@c>", FILTER_LINE_REWRITE, 0, 0, "",
	    "<a|b@c>" },
	{ "filter-result|" ID "reject|550 go away", FILTER_LINE_REJECT, 0, 550,
	    "5.7.1", "go away" },
	{ "filter-result|" ID "reject|451 4.7.9 x", FILTER_LINE_REJECT, 0, 451,
	    "4.7.9", "x" },
	{ "filter-result|" ID "reject|550 4.7.9 x", FILTER_LINE_REJECT, 0, 550,
	    "5.7.1", "4.7.9 x" },
	{ "filter-result|" ID "disconnect|421 bye|bye", FILTER_LINE_DISCONNECT,
	    0, 421, "4.7.1", "bye|bye" },
	{ "filter-result|" ID "reject|go away", FILTER_LINE_BAD, 0, 0, "", "" },
	{ "filter-result|" ID "reject|250 ok", FILTER_LINE_BAD, 0, 0, "", "" },
	{ "filter-result|" ID "reject", FILTER_LINE_BAD, 0, 0, "", "" },
	{ "filter-result|" ID "proceed|x", FILTER_LINE_BAD, 0, 0, "", "" },
	{ "filter-result|" ID "what", FILTER_LINE_BAD, 0, 0, "", "" },
	{ "filter-result|xyz|1|proceed", FILTER_LINE_BAD, 0, 0, "", "" },
	{ "filter-result|00000000000000abc|1|proceed", FILTER_LINE_BAD, 0, 0,
	    "", "" },
	{ "filter-result|1||proceed", FILTER_LINE_BAD, 0, 0, "", "" },
	{ "filter-dataline|" ID "a|b", FILTER_LINE_DATA, 0, 0, "", "a|b" },
	{ "filter-dataline|" ID, FILTER_LINE_DATA, 0, 0, "", "" },
	{ "filter-dataline|1", FILTER_LINE_BAD, 0, 0, "", "" },
	{ "hello", FILTER_LINE_BAD, 0, 0, "", "" },
	{ "", FILTER_LINE_BAD, 0, 0, "", "" },
};

static void
each_line_is_read_or_is_bad(void **state)
{
	struct filter_line line;
	const struct sample *s;

	(void)state;
	for (size_t i = 0; i < sizeof(samples) / sizeof(samples[0]); i++) {
		s = &samples[i];
		filter_line_read(slice_of(s->line), &line);
		assert_int_equal(line.kind, s->kind);
		if (line.kind == FILTER_LINE_BAD)
			continue;
		assert_int_equal(line.number, s->number);
		assert_int_equal(line.code, s->code);
		assert_string_equal(line.status, s->status);
		assert_slice_equal(line.value, slice_of(s->value));
		if (line.kind >= FILTER_LINE_PROCEED) {
			assert_int_equal(line.session, 0xab);
			assert_int_equal(line.token, 12);
		}
	}
}

static void
what_is_said_is_one_line_of_clean_fields(void **state)
{
	const struct filter_stamp stamp = { 7, 42, 0xab };
	const struct slice fields[] = { SLICE("a|b\nc"), SLICE("d|e\r\n\x1b"),
		{ NULL, 0 } };
	const struct slice data[] = { SLICE("a|\x01\t\xc3"), { NULL, 0 } };
	struct buf out;

	(void)state;
	buf_init(&out, 1024);
	filter_line_report(&out, &stamp, EVENT_TX_MAIL, fields);
	assert_slice_equal(buf_slice(&out),
	    S("report|0.7|7.000042|smtp-in|tx-mail|00000000000000ab|a b c|d|e"
	      "   \n"));
	buf_clear(&out);
	filter_line_request(&out, &stamp, PHASE_DATA_LINE, 12, data);
	assert_slice_equal(buf_slice(&out),
	    S("filter|0.7|7.000042|smtp-in|data-line|00000000000000ab|"
	      "000000000000000c|a|\x01\t\xc3\n"));
	buf_clear(&out);
	filter_line_report(&out, &stamp, EVENT_LINK_DISCONNECT, NULL);
	assert_slice_equal(
	    buf_slice(&out), S("report|0.7|7.000042|smtp-in|link-disconnect|"
			       "00000000000000ab\n"));
	buf_clear(&out);
	filter_line_config(&out, S("mx.test"), 300);
	assert_slice_equal(buf_slice(&out),
	    S("config|smtpd-version|7.4.0\nconfig|protocol|0.7\n"
	      "config|smtp-session-timeout|300\nconfig|subsystem|smtp-in\n"
	      "config|admd|mx.test\nconfig|ready\n"));
	buf_free(&out);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_line_is_read_or_is_bad),
		cmocka_unit_test(what_is_said_is_one_line_of_clean_fields),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
