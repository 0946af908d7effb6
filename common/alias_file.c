/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "common/alias_file.h"

static bool
is_separator(char c)
{
	return c == ',' || c == '\n' || c == '\r' || ascii_is_space(c);
}

/* Blanks, commas and comment lines. */
static struct slice
skip_separators(struct slice rest)
{
	bool is_line_start = false;

	while (rest.len > 0) {
		if (rest.ptr[0] == '#' && is_line_start)
			rest = slice_from(rest, slice_index(rest, '\n'));
		else if (!is_separator(rest.ptr[0]))
			break;
		is_line_start = rest.len > 0 && rest.ptr[0] == '\n';
		rest = slice_from(rest, 1);
	}
	return rest;
}

/* Index of the quote that ends a quoted string starting at 0; len when there
 * is none. */
static size_t
closing_quote(struct slice text)
{
	for (size_t i = 1; i < text.len; i++) {
		if (text.ptr[i] == '\\')
			i++;
		else if (text.ptr[i] == '"')
			return i;
	}
	return text.len;
}

/* Length of the entry at the start of text, quoted commas included. */
static size_t
entry_length(struct slice text)
{
	size_t i = 0;

	while (i < text.len && text.ptr[i] != ',' && text.ptr[i] != '\n') {
		if (text.ptr[i] == '"')
			i += closing_quote(slice_from(text, i));
		if (i < text.len)
			i++;
	}
	return i < text.len ? i : text.len;
}

static bool
unescape(struct slice quoted, struct arena *arena, struct slice *out)
{
	char *copy = arena_alloc(arena, quoted.len + 1);
	size_t n = 0;

	if (copy == NULL)
		return false;
	for (size_t i = 0; i < quoted.len; i++) {
		if (quoted.ptr[i] == '\\' && i + 1 < quoted.len)
			i++;
		copy[n++] = quoted.ptr[i];
	}
	*out = slice_make(copy, n);
	return true;
}

/* "Name <address>": what the brackets hold. */
static struct slice
without_name(struct slice text)
{
	size_t open = slice_last_index(text, '<');

	if (open < text.len && text.ptr[text.len - 1] == '>')
		return slice_first(
		    slice_from(text, open + 1), text.len - open - 2);
	return text;
}

static void
classify(struct slice text, struct alias_entry *entry)
{
	const struct slice include = S(":include:");

	entry->kind = ALIAS_ADDRESS;
	if (text.len > 0 && text.ptr[0] == '|') {
		entry->kind = ALIAS_PROGRAM;
		text = slice_trim(slice_from(text, 1));
	} else if (text.len > 0 && text.ptr[0] == '/') {
		entry->kind = ALIAS_FILE;
	} else if (text.len > 0 && text.ptr[0] == '\\') {
		entry->kind = ALIAS_MAILBOX;
		text = slice_from(text, 1);
	} else if (slice_starts_nocase(text, include)) {
		entry->kind = ALIAS_INCLUDE;
		text = slice_trim(slice_from(text, include.len));
	} else {
		text = without_name(text);
	}
	entry->text = text;
}

bool
alias_next(struct slice *rest, struct arena *arena, struct alias_entry *entry)
{
	struct slice text, quoted;
	size_t length;

	*rest = skip_separators(*rest);
	if (rest->len > 0 && rest->ptr[0] == '#')
		*rest = skip_separators(
		    slice_from(*rest, slice_index(*rest, '\n')));
	if (rest->len == 0)
		return false;
	length = entry_length(*rest);
	text = slice_trim(slice_first(*rest, length));
	/* Quotes around the whole entry; "a b"@host keeps its own. */
	if (text.len >= 2 && text.ptr[0] == '"' &&
	    closing_quote(text) == text.len - 1) {
		quoted = slice_first(slice_from(text, 1), text.len - 2);
		if (!unescape(quoted, arena, &text))
			return false;
	}
	*rest = slice_from(*rest, length);
	classify(text, entry);
	return true;
}
