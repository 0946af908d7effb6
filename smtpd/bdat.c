/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "smtpd/bdat.h"

#include <string.h>

#include "common/dot.h"

void
bdat_begin_message(struct bdat *bdat, bool is_binary)
{
	bdat->is_binary = is_binary;
	bdat->is_after_cr = false;
	bdat->is_at_line_start = true;
	bdat->line_length = 0;
}

bool
bdat_parse(struct bdat *bdat, struct slice argument)
{
	struct slice number, last;

	if (!slice_token(&argument, S(" \t"), &number) || number.len > 20 ||
	    !slice_u64(number, UINT64_MAX, &bdat->length))
		return false;
	bdat->left = bdat->length;
	bdat->is_last = slice_token(&argument, S(" \t"), &last);
	return !bdat->is_last || (slice_eq_nocase(last, S("LAST")) &&
				     slice_trim(argument).len == 0);
}

/* The length of the run at the start of s that ends no line. */
static size_t
plain_run(struct slice s)
{
	size_t n = slice_index(s, '\n');

	s = slice_first(s, n);
	n = slice_index(s, '\r');
	s = slice_first(s, n);
	return slice_index(s, '\0');
}

static unsigned int
check_byte(struct bdat *bdat, char c)
{
	unsigned int problems = 0;

	if (bdat->is_after_cr && c != '\n')
		problems |= DOT_BARE_CR;
	if (!bdat->is_after_cr && c == '\n')
		problems |= DOT_BARE_LF;
	if (c == '\0')
		problems |= DOT_NUL;
	bdat->is_at_line_start = bdat->is_after_cr && c == '\n';
	bdat->is_after_cr = c == '\r';
	if (c == '\n')
		bdat->line_length = 0;
	else if (c != '\r')
		bdat->line_length++;
	return problems;
}

unsigned int
bdat_check(struct bdat *bdat, struct slice bytes, size_t line_limit)
{
	unsigned int problems = 0;
	size_t run;

	if (bdat->is_binary)
		return 0;
	while (bytes.len > 0) {
		run = bdat->is_after_cr ? 0 : plain_run(bytes);
		if (run > 0) {
			bdat->line_length += run;
			bdat->is_at_line_start = false;
		} else {
			problems |= check_byte(bdat, bytes.ptr[0]);
			run = 1;
		}
		if (bdat->line_length > line_limit)
			problems |= DOT_LONG_LINE;
		bytes = slice_from(bytes, run);
	}
	return problems;
}

unsigned int
bdat_check_end(const struct bdat *bdat)
{
	return !bdat->is_binary && bdat->is_after_cr ? DOT_BARE_CR : 0;
}
