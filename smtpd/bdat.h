/* SPDX-License-Identifier: ISC */
/*
 * bdat - chunks of a message by their length (RFC 3030). No I/O.
 *
 * A chunk is so many bytes whatever they are, also when it was refused: no
 * byte of one is ever read as a command. Text has the same rules as after
 * DATA: what is no line of it is reported as enum dot_problem, also over
 * the edge of two chunks. A message with BODY=BINARYMIME is not looked at.
 */
#ifndef SMTPD_BDAT_H
#define SMTPD_BDAT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/slice.h"

struct reply;

struct bdat {
	/* the chunk */
	uint64_t length, left;
	bool is_last;
	const struct reply *refusal; /* NULL: it is taken */
	/* the text of the message so far */
	bool is_binary;
	bool is_after_cr, is_at_line_start;
	size_t line_length;
};

void bdat_begin_message(struct bdat *bdat, bool is_binary);
/* "LENGTH" or "LENGTH LAST"; false: neither. */
bool bdat_parse(struct bdat *bdat, struct slice argument);
/* The problems (enum dot_problem) of the next bytes of text. */
unsigned int bdat_check(
    struct bdat *bdat, struct slice bytes, size_t line_limit);
/* The same of its end: a CR that no LF follows. */
unsigned int bdat_check_end(const struct bdat *bdat);

#endif
