/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "imapd/pattern.h"

#include <string.h>

#include "common/mailbox/mailbox.h"

/*
 * reached[i]: the pattern so far matches the first i bytes of name. One row
 * per pattern byte, in place.
 */
static void
step_wildcard(bool *reached, struct slice name, bool is_star)
{
	bool on = false;

	for (size_t i = 0; i <= name.len; i++) {
		if (i > 0 && !is_star && name.ptr[i - 1] == MAILBOX_SEPARATOR)
			on = false;
		on = on || reached[i];
		reached[i] = on;
	}
}

static void
step_byte(bool *reached, struct slice name, char c, bool ignore_case)
{
	for (size_t i = name.len; i > 0; i--) {
		char n = name.ptr[i - 1];

		reached[i] = reached[i - 1] &&
			     (n == c || (ignore_case &&
					    ascii_lower(n) == ascii_lower(c)));
	}
	reached[0] = false;
}

bool
pattern_matches(struct slice pattern, struct slice name)
{
	bool reached[PATTERN_MAX + 1];
	bool ignore_case = slice_eq(name, S("INBOX"));

	if (pattern.len > PATTERN_MAX || name.len > PATTERN_MAX)
		return false;
	memset(reached, 0, name.len + 1);
	reached[0] = true;
	for (size_t i = 0; i < pattern.len; i++) {
		char c = pattern.ptr[i];

		if (c == '*' || c == '%')
			step_wildcard(reached, name, c == '*');
		else
			step_byte(reached, name, c, ignore_case);
	}
	return reached[name.len];
}
