/* SPDX-License-Identifier: ISC */
/*
 * mbox - append messages to an mbox file, and find them again.
 *
 * A message is "From SENDER DATE", its lines with LF ends, "From " at the
 * start of a line quoted as ">From ", and an empty line. Locks are fcntl,
 * then FILE.lock where the directory lets us (Debian's order). After any
 * failure the file has the length it had before. mbox_end is durable: [B1]
 * fsync. Status, X-UID and the other fields of mail readers that are in the
 * message are the caller's business.
 *
 * mbox_next walks over a text in memory: a message starts at "From " at the
 * start, or behind an empty line.
 */
#ifndef COMMON_MAILBOX_MBOX_H
#define COMMON_MAILBOX_MBOX_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <time.h>

#include "common/buf.h"
#include "common/mailbox/dotlock.h"
#include "common/result.h"
#include "common/slice.h"

#define MBOX_LOCK_WAIT 60 /* seconds */

struct mbox {
	int fd;
	char lock[DOTLOCK_NAME_SIZE];
	bool has_dotlock;
	off_t size;      /* before the message; in a comparison, where it is */
	struct buf out;  /* not yet written */
	struct buf line; /* start of a line that may become "From " */
	bool is_after_cr;
	bool is_at_line_start;
	bool is_comparing;
	bool is_torn; /* it is ours, but not all of it is there */
	bool differs; /* it is, or has become, another's */
};

/* Where a message is in the file. */
struct mbox_found {
	off_t start;   /* its From_ line */
	off_t message; /* behind that line */
	off_t end;     /* before the empty line that parts it */
	bool is_last;
	bool has_zeros;
};

/* Open (and make, mode 0600) and lock. */
bool mbox_open(struct mbox *mbox, const char *path, struct why *why);
/* Unlock. */
void mbox_close(struct mbox *mbox);
bool mbox_begin(
    struct mbox *mbox, struct slice sender, time_t when, struct why *why);
bool mbox_write(struct mbox *mbox, struct slice bytes, struct why *why);
bool mbox_end(struct mbox *mbox, struct why *why);
/* Back to the length before mbox_begin. */
void mbox_undo(struct mbox *mbox);

/* message: from behind its From_ line to before the empty line that parts it
 * from the next. False at the end. */
bool
mbox_next(struct slice *rest, struct slice *from_line, struct slice *message);
/* A message in the last bytes of the file whose header holds all the needles.
 * False: there is none, or no needle; found is the last message then, if there
 * is one. */
bool mbox_find(struct mbox *mbox, const struct slice *needles, size_t count,
    struct mbox_found *found);
/* Between these mbox_write(compare, ...) writes nothing but compares with what
 * stands at message in mbox; compare->size is where it would end then. */
void mbox_compare_begin(
    struct mbox *compare, const struct mbox *mbox, off_t message);
void mbox_compare_end(struct mbox *compare);
/* Take away zeros at the end, which a power cut leaves: nobody's message. */
void mbox_drop_zeros(struct mbox *mbox);
/* Take away what is behind size. */
void mbox_cut(struct mbox *mbox, off_t size);

#endif
