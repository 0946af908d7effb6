/* SPDX-License-Identifier: ISC */
/*
 * fuzz_filter_line - what a program of OpenSMTPD's filter protocol says, and
 * hostile values in what we say to it: a value never becomes a line or, but
 * for the last, a field of its own.
 */
#include "config.h"

#include <string.h>

#include "common/result.h"

#include "smtpd/filter_line.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check_line(struct slice text)
{
	struct filter_line line;

	filter_line_read(text, &line);
	if (line.kind == FILTER_LINE_REPORT)
		BUG_UNLESS(line.number < EVENTS);
	if (line.kind == FILTER_LINE_FILTER)
		BUG_UNLESS(line.number < PHASES);
	if (line.kind == FILTER_LINE_REJECT ||
	    line.kind == FILTER_LINE_DISCONNECT) {
		BUG_UNLESS(line.code >= 400 && line.code <= 599);
		BUG_UNLESS(line.status[0] == (char)('0' + line.code / 100));
	}
	BUG_UNLESS(line.value.len <= text.len);
}

static size_t
count(struct slice text, char c)
{
	size_t n = 0;

	for (size_t i = 0; i < text.len; i++)
		if (text.ptr[i] == c)
			n++;
	return n;
}

static void
check_said(struct slice value)
{
	const struct filter_stamp stamp = { 1, 2, 3 };
	const struct slice fields[] = { value, S("last"), { NULL, 0 } };
	struct buf out;

	buf_init(&out, 1 << 20);
	filter_line_report(&out, &stamp, EVENT_TX_MAIL, fields);
	BUG_UNLESS(!out.failed && out.ptr[out.len - 1] == '\n');
	BUG_UNLESS(count(buf_slice(&out), '\n') == 1);
	BUG_UNLESS(count(buf_slice(&out), '\r') == 0);
	BUG_UNLESS(count(buf_slice(&out), '|') == 7);
	buf_free(&out);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice input = slice_make(data, size), line;

	if (size == 0 || size > 65536)
		return 0;
	check_said(input);
	while (input.len > 0) {
		slice_cut(input, '\n', &line, &input);
		check_line(line);
	}
	return 0;
}
