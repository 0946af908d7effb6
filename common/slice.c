/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "common/slice.h"

#include <string.h>

struct slice
slice_of(const char *string)
{
	return slice_make(string, string == NULL ? 0 : strlen(string));
}

struct slice
slice_make(const void *ptr, size_t len)
{
	struct slice s = { ptr, len };

	return s;
}

char
ascii_lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

bool
ascii_is_digit(char c)
{
	return c >= '0' && c <= '9';
}

bool
ascii_is_alpha(char c)
{
	char lower = ascii_lower(c);

	return lower >= 'a' && lower <= 'z';
}

bool
ascii_is_space(char c)
{
	return c == ' ' || c == '\t';
}

bool
ascii_is_print(char c)
{
	return c >= 0x20 && c <= 0x7e;
}

bool
slice_eq(struct slice a, struct slice b)
{
	return a.len == b.len &&
	       (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}

bool
slice_eq_nocase(struct slice a, struct slice b)
{
	return a.len == b.len && slice_starts_nocase(a, b);
}

int
slice_compare(struct slice a, struct slice b)
{
	size_t n = a.len < b.len ? a.len : b.len;
	int order = n == 0 ? 0 : memcmp(a.ptr, b.ptr, n);

	if (order != 0)
		return order;
	return (a.len > b.len) - (a.len < b.len);
}

bool
slice_starts(struct slice s, struct slice prefix)
{
	return s.len >= prefix.len &&
	       slice_eq(slice_first(s, prefix.len), prefix);
}

bool
slice_starts_nocase(struct slice s, struct slice prefix)
{
	if (s.len < prefix.len)
		return false;
	for (size_t i = 0; i < prefix.len; i++)
		if (ascii_lower(s.ptr[i]) != ascii_lower(prefix.ptr[i]))
			return false;
	return true;
}

bool
slice_ends(struct slice s, struct slice suffix)
{
	return s.len >= suffix.len &&
	       slice_eq(slice_from(s, s.len - suffix.len), suffix);
}

struct slice
slice_from(struct slice s, size_t start)
{
	if (start >= s.len)
		return slice_make(s.ptr == NULL ? NULL : s.ptr + s.len, 0);
	return slice_make(s.ptr + start, s.len - start);
}

struct slice
slice_first(struct slice s, size_t n)
{
	return slice_make(s.ptr, n < s.len ? n : s.len);
}

size_t
slice_index(struct slice s, char c)
{
	const char *found = s.len == 0 ? NULL : memchr(s.ptr, c, s.len);

	return found == NULL ? s.len : (size_t)(found - s.ptr);
}

size_t
slice_last_index(struct slice s, char c)
{
	for (size_t i = s.len; i > 0; i--)
		if (s.ptr[i - 1] == c)
			return i - 1;
	return s.len;
}

size_t
slice_find(struct slice s, struct slice needle)
{
	const char *found;

	if (needle.len == 0)
		return 0;
	if (s.len < needle.len)
		return s.len;
	found = memmem(s.ptr, s.len, needle.ptr, needle.len);
	return found == NULL ? s.len : (size_t)(found - s.ptr);
}

size_t
slice_find_nocase(struct slice s, struct slice needle)
{
	for (size_t i = 0; i + needle.len <= s.len; i++)
		if (slice_starts_nocase(slice_from(s, i), needle))
			return i;
	return s.len;
}

bool
slice_cut(struct slice s, char c, struct slice *head, struct slice *tail)
{
	size_t at = slice_index(s, c);

	*head = slice_first(s, at);
	*tail = slice_from(s, at + 1);
	return at < s.len;
}

bool
slice_token(struct slice *rest, struct slice set, struct slice *token)
{
	size_t start = 0, end;

	while (
	    start < rest->len && slice_index(set, rest->ptr[start]) < set.len)
		start++;
	end = start;
	while (end < rest->len && slice_index(set, rest->ptr[end]) == set.len)
		end++;
	*token = slice_first(slice_from(*rest, start), end - start);
	*rest = slice_from(*rest, end);
	return token->len > 0;
}

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

struct slice
slice_trim(struct slice s)
{
	while (s.len > 0 && is_blank(s.ptr[0]))
		s = slice_from(s, 1);
	while (s.len > 0 && is_blank(s.ptr[s.len - 1]))
		s.len--;
	return s;
}

bool
slice_u64(struct slice s, uint64_t max, uint64_t *out)
{
	uint64_t value = 0, digit;

	if (s.len == 0)
		return false;
	for (size_t i = 0; i < s.len; i++) {
		if (!ascii_is_digit(s.ptr[i]))
			return false;
		digit = (uint64_t)(s.ptr[i] - '0');
		if (digit > max || value > (max - digit) / 10)
			return false;
		value = value * 10 + digit;
	}
	*out = value;
	return true;
}

bool
slice_to_array(struct slice s, char *array, size_t size)
{
	array[0] = '\0';
	if (s.len >= size || slice_index(s, '\0') < s.len)
		return false;
	if (s.len > 0)
		memcpy(array, s.ptr, s.len);
	array[s.len] = '\0';
	return true;
}

bool
slice_is_ascii(struct slice s)
{
	for (size_t i = 0; i < s.len; i++)
		if ((s.ptr[i] & 0x80) != 0)
			return false;
	return true;
}
