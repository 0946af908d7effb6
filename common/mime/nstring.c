/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "common/mime/nstring.h"

#define QUOTED_MAX 1024

static bool
may_be_quoted(struct slice s)
{
	if (s.len > QUOTED_MAX)
		return false;
	for (size_t i = 0; i < s.len; i++) {
		unsigned char c = (unsigned char)s.ptr[i];

		if (c == 0 || c == '\r' || c == '\n' || c >= 0x80)
			return false;
	}
	return true;
}

static bool
add_literal(struct buf *out, struct slice s)
{
	buf_add_format(out, "{%zu}\r\n", s.len);
	while (s.len > 0) {
		size_t n = slice_index(s, '\0');

		buf_add(out, slice_first(s, n));
		if (n < s.len)
			buf_add_char(out, (char)0x80);
		s = slice_from(s, n + 1);
	}
	return !out->failed;
}

bool
imap_add_string(struct buf *out, struct slice s)
{
	if (!may_be_quoted(s))
		return add_literal(out, s);
	buf_add_char(out, '"');
	for (size_t i = 0; i < s.len; i++) {
		if (s.ptr[i] == '"' || s.ptr[i] == '\\')
			buf_add_char(out, '\\');
		buf_add_char(out, s.ptr[i]);
	}
	return buf_add_char(out, '"');
}

bool
imap_add_nstring(struct buf *out, struct slice s)
{
	return s.len == 0 ? buf_add(out, S("NIL")) : imap_add_string(out, s);
}
