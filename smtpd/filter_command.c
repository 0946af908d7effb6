/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "smtpd/filter_command.h"

#include <stdio.h>
#include <sys/wait.h>
#include <sysexits.h>

enum {
	READ_SIZE = 4096,
	REASON_MAX = 200
};

/* Programs here expect the line ends of this system. */
void
filter_command_feed(struct buf *out, struct slice bytes)
{
	for (size_t i = 0; i < bytes.len; i++)
		if (bytes.ptr[i] != '\r')
			buf_add_char(out, bytes.ptr[i]);
}

bool
filter_command_take(
    struct spill *printed, char *last, struct slice bytes, struct why *why)
{
	char text[2 * READ_SIZE];
	size_t n = 0;

	bytes = slice_first(bytes, READ_SIZE);
	for (size_t i = 0; i < bytes.len; i++) {
		if (bytes.ptr[i] == '\n' && *last != '\r')
			text[n++] = '\r';
		text[n++] = *last = bytes.ptr[i];
	}
	return spill_add(printed, slice_make(text, n), why);
}

/* The last line that says something. */
void
filter_command_reason(struct slice errors, char *reason, size_t size)
{
	struct slice line = S(""), each;
	size_t n = 0;

	while (errors.len > 0) {
		slice_cut(errors, '\n', &each, &errors);
		each = slice_trim(each);
		if (each.len > 0)
			line = each;
	}
	for (size_t i = 0; i < line.len && n + 1 < size && n < REASON_MAX; i++)
		reason[n++] =
		    (char)(ascii_is_print(line.ptr[i]) ? line.ptr[i] : '?');
	reason[n] = '\0';
	if (n == 0)
		snprintf(reason, size, "%s", "refused by the mail filter");
}

enum filter_verdict
filter_command_verdict(const struct filter_spec *spec, int status)
{
	int code;

	if (!WIFEXITED(status))
		return FILTER_FAILED;
	code = WEXITSTATUS(status);
	if (code == spec->spam)
		return spec->spam_holds ? FILTER_HOLDS : FILTER_REFUSES;
	if (code < 32 && (spec->passes & 1U << code) != 0)
		return FILTER_PASSES;
	if (code == EX_TEMPFAIL)
		return FILTER_LATER;
	if (code == EX_UNAVAILABLE || code == EX_NOPERM || code == EX_DATAERR)
		return FILTER_REFUSES;
	return FILTER_FAILED;
}
