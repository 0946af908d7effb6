/* SPDX-License-Identifier: ISC */
/*
 * users_file - edit the text of users(5): one line per virtual user,
 * "address hash [name=value...]".
 *
 * Text in, text out; the caller reads, locks and replaces the file. Comments,
 * order and unknown fields stay as they are. Addresses compare without case.
 * Each false comes with the reason.
 */
#ifndef COMMON_MAILCTL_USERS_FILE_H
#define COMMON_MAILCTL_USERS_FILE_H

#include <stdbool.h>

#include "common/buf.h"
#include "common/result.h"
#include "common/slice.h"

struct user_line {
	struct slice address;
	struct slice hash;
	struct slice fields; /* the rest */
};

/* The next user of *rest; false at the end. Other lines are passed over. */
bool user_line_next(struct slice *rest, struct user_line *line);
bool users_text_find(
    struct slice text, struct slice address, struct user_line *line);
/* text with a line for address appended. */
bool users_text_add(struct slice text, struct slice address,
    struct slice hash, struct buf *out, struct why *why);
/* text with another hash in the line of address, or, hash empty, without
 * the line. */
bool users_text_change(struct slice text, struct slice address,
    struct slice hash, struct buf *out, struct why *why);
/* Is it local@domain of printable bytes that the file can hold? */
bool user_address_check(struct slice address, struct why *why);

#endif
