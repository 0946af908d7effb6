/* SPDX-License-Identifier: ISC */
/*
 * slice - borrowed bytes: a pointer and a length, passed by value.
 *
 * A slice never owns, never writes and never assumes a NUL at its end; NUL
 * is a byte like any other. It is valid as long as the bytes it was made
 * from. All comparisons are on ASCII, whatever the locale.
 */
#ifndef COMMON_SLICE_H
#define COMMON_SLICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct slice {
	const char *ptr;
	size_t len;
};

/* A slice of a string literal, usable in static tables. */
#define SLICE(literal)                      \
	{                                   \
		literal, sizeof(literal) - 1 \
	}
#define S(literal) ((struct slice) { (literal), sizeof(literal) - 1 })
/* For printf's "%.*s". */
#define SLICE_FMT(s) (int)(s).len, (s).ptr

struct slice slice_of(const char *string);
struct slice slice_make(const void *ptr, size_t len);

bool slice_eq(struct slice a, struct slice b);
bool slice_eq_nocase(struct slice a, struct slice b);
/* memcmp order, a shorter prefix first. */
int slice_compare(struct slice a, struct slice b);
bool slice_starts(struct slice s, struct slice prefix);
bool slice_starts_nocase(struct slice s, struct slice prefix);
bool slice_ends(struct slice s, struct slice suffix);

/* The bytes from index start on (none when past the end), or the first n. */
struct slice slice_from(struct slice s, size_t start);
struct slice slice_first(struct slice s, size_t n);

/* Index of the first (last) byte equal to c, or s.len when there is none. */
size_t slice_index(struct slice s, char c);
size_t slice_last_index(struct slice s, char c);
/* Index of the first occurrence of needle, or s.len when there is none. */
size_t slice_find(struct slice s, struct slice needle);
size_t slice_find_nocase(struct slice s, struct slice needle);

/* Split at the first c. False: not found, head is all of s, tail empty. */
bool slice_cut(struct slice s, char c, struct slice *head, struct slice *tail);

/*
 * Take the next run of bytes that are not in set from *rest, skipping
 * leading bytes of set. False when nothing is left.
 */
bool slice_token(struct slice *rest, struct slice set, struct slice *token);

/* Without leading and trailing space, tab, CR and LF. */
struct slice slice_trim(struct slice s);

/* The whole slice as a decimal number <= max: digits only, at least one. */
bool slice_u64(struct slice s, uint64_t max, uint64_t *out);

/* Copy into a NUL-terminated array; false, and array empty, when too long
 * or when the slice holds a NUL. */
bool slice_to_array(struct slice s, char *array, size_t size);

bool slice_is_ascii(struct slice s); /* no byte over 127 */
char ascii_lower(char c);
bool ascii_is_digit(char c);
bool ascii_is_alpha(char c);
bool ascii_is_space(char c); /* space or tab */
bool ascii_is_print(char c); /* 0x20 to 0x7e */

#endif
