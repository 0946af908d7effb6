/* SPDX-License-Identifier: ISC */
/*
 * buf - owned bytes that grow up to a ceiling.
 *
 * An append that would pass the ceiling changes nothing, returns false and
 * sets failed for good, so a chain of appends is checked once at its end.
 * Slices taken from a buf are valid until its next change.
 */
#ifndef COMMON_BUF_H
#define COMMON_BUF_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

#include "common/slice.h"

struct buf {
	char *ptr;
	size_t len;
	size_t size;
	size_t ceiling;
	bool failed;
};

void buf_init(struct buf *buf, size_t ceiling);
bool buf_add(struct buf *buf, struct slice s);
bool buf_add_string(struct buf *buf, const char *string);
bool buf_add_char(struct buf *buf, char c);
bool buf_add_format(struct buf *buf, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* Bytes of s; others than 0x20 to 0x7e as \xHH, for logs and terminals. */
bool buf_add_printable(struct buf *buf, struct slice s);
struct slice buf_slice(const struct buf *buf);
/* NUL-terminated view; the NUL is not counted. */
const char *buf_string(struct buf *buf);
/* Room for n more bytes to be written by the caller, then buf_commit. NULL
 * past the ceiling. */
char *buf_reserve(struct buf *buf, size_t n);
void buf_commit(struct buf *buf, size_t n);
/* Drop the first n bytes. */
void buf_consume(struct buf *buf, size_t n);
/* Empty it, keep the memory, forget a failure. */
void buf_clear(struct buf *buf);
void buf_free(struct buf *buf);

#endif
