/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "common/mailctl/users_file.h"

#include <string.h>

#include "common/limits.h"

static const struct slice blanks = SLICE(" \t\r");

/* Split one line; false for comments and empty lines. */
static bool
split_line(struct slice text, struct user_line *line)
{
	if (!slice_token(&text, blanks, &line->address) ||
	    line->address.ptr[0] == '#')
		return false;
	if (!slice_token(&text, blanks, &line->hash))
		line->hash = S("");
	line->fields = slice_trim(text);
	return true;
}

bool
user_line_next(struct slice *rest, struct user_line *line)
{
	struct slice text;

	while (rest->len > 0) {
		slice_cut(*rest, '\n', &text, rest);
		if (split_line(text, line))
			return true;
	}
	return false;
}

bool
users_text_find(struct slice text, struct slice address, struct user_line *line)
{
	while (user_line_next(&text, line))
		if (slice_eq_nocase(line->address, address))
			return true;
	return false;
}

/* What is written between fields must stay a field when read again. */
static bool
is_field(struct slice text)
{
	for (size_t i = 0; i < text.len; i++)
		if (!ascii_is_print(text.ptr[i]) || text.ptr[i] == ' ')
			return false;
	return text.len > 0;
}

bool
user_address_check(struct slice address, struct why *why)
{
	size_t at = slice_last_index(address, '@');
	struct slice domain = slice_from(address, at + 1);

	if (at == 0 || at == address.len || domain.len == 0)
		return why_set(why, "%.*s is not a full address: user@domain",
		    SLICE_FMT(address));
	if (address.len > LIMIT_USER_NAME)
		return why_set(
		    why, "an address has %d bytes at most", LIMIT_USER_NAME);
	/* The local part names a directory below virtual_home. */
	if (!is_field(address) || address.ptr[0] == '#' ||
	    address.ptr[0] == '.' || slice_index(address, '/') < address.len ||
	    slice_index(address, '"') < address.len ||
	    slice_index(slice_first(address, at), '@') < at)
		return why_set(why,
		    "%.*s: no blanks, quotes, slashes, second @ or first dot",
		    SLICE_FMT(address));
	return true;
}

static bool
finish(const struct buf *out, struct why *why)
{
	return !out->failed || why_set(why, "the users file is too large");
}

bool
users_text_add(struct slice text, struct slice address, struct slice hash,
    struct buf *out, struct why *why)
{
	struct user_line line;

	if (!user_address_check(address, why))
		return false;
	if (!is_field(hash))
		return why_set(
		    why, "not a password hash: %.*s", SLICE_FMT(hash));
	if (users_text_find(text, address, &line))
		return why_set(why, "%.*s exists already", SLICE_FMT(address));
	buf_add(out, text);
	if (text.len > 0 && text.ptr[text.len - 1] != '\n')
		buf_add_char(out, '\n');
	for (size_t i = 0; i < address.len; i++)
		buf_add_char(out, ascii_lower(address.ptr[i]));
	buf_add_format(out, " %.*s\n", SLICE_FMT(hash));
	return finish(out, why);
}

bool
users_text_change(struct slice text, struct slice address, struct slice hash,
    struct buf *out, struct why *why)
{
	struct slice raw;
	struct user_line line;
	bool has_found = false;

	if (hash.len > 0 && !is_field(hash))
		return why_set(
		    why, "not a password hash: %.*s", SLICE_FMT(hash));
	while (text.len > 0) {
		slice_cut(text, '\n', &raw, &text);
		if (!split_line(raw, &line) ||
		    !slice_eq_nocase(line.address, address)) {
			buf_add_format(out, "%.*s\n", SLICE_FMT(raw));
			continue;
		}
		has_found = true;
		if (hash.len == 0)
			continue;
		buf_add_format(out, "%.*s %.*s%s%.*s\n",
		    SLICE_FMT(line.address), SLICE_FMT(hash),
		    line.fields.len > 0 ? " " : "", SLICE_FMT(line.fields));
	}
	if (!has_found)
		return why_set(
		    why, "%.*s is not in the users file", SLICE_FMT(address));
	return finish(out, why);
}
