/* SPDX-License-Identifier: ISC */
/*
 * table_text - the rows of a table's text. No I/O.
 *
 * Logical lines: a line that begins with a blank continues the one before;
 * empty lines and lines whose first character is "#" are skipped, also
 * between continuations. TABLE_KEY_VALUE rows split at the first blank,
 * TABLE_ALIASES rows at the first colon outside quotes. Keys come out in
 * lower case and without quotes, values trimmed, with line ends as blanks.
 * Rows that have no key or, for aliases, no colon are counted in bad_rows.
 */
#ifndef COMMON_TABLE_TEXT_H
#define COMMON_TABLE_TEXT_H

#include <stdbool.h>
#include <stddef.h>

#include "common/buf.h"
#include "common/slice.h"
#include "common/table.h"

#define TABLE_ROW_MAX 1048576 /* bytes of one logical line */

struct table_text {
	struct slice rest;
	enum table_format format;
	struct buf row;
	struct buf key_bytes;
	size_t next_line;
	size_t bad_rows;
	size_t first_bad_line;
	/* the row */
	struct slice key;
	struct slice value;
	size_t line;
};

void table_text_begin(
    struct table_text *text, struct slice bytes, enum table_format format);
/* key, value and line hold until the next call. */
bool table_text_next(struct table_text *text);
void table_text_end(struct table_text *text);

#endif
