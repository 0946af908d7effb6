/* SPDX-License-Identifier: ISC */
/*
 * drop - files in spool/drop: what sendmail writes and pickup reads.
 *
 *     MERPATI-DROP 1 NEWLINE
 *     S LENGTH : sender NEWLINE            once; length 0 is the null sender
 *     R LENGTH : recipient NEWLINE         one or more
 *     B 8 NEWLINE                          the body has bytes over 127
 *     M NEWLINE                            the message follows, CRLF
 *
 * (no blanks around the length, which is decimal). While it is written a
 * file is called ".NAME"; when it is whole and synced it is renamed to
 * "dID". Its owner is the sender: that is what the kernel says and nobody
 * can forge. The reader treats all else as hostile.
 */
#ifndef QUEUE_DROP_H
#define QUEUE_DROP_H

#include <stdbool.h>
#include <stddef.h>

#include "common/arena.h"
#include "common/buf.h"
#include "common/result.h"
#include "common/settings.h"
#include "common/slice.h"
#include "common/spoolfile.h"

#define DROP_ENVELOPE_MAX 1048576
#define DROP_NAME_SIZE    (SPOOL_ID_SIZE + 1)

struct drop {
	struct slice sender;
	size_t recipient_count;
	struct slice *recipients; /* in the arena */
	bool is_8bit;
	size_t message_offset;
};

/* bytes: the start of the file, at most DROP_ENVELOPE_MAX of it. */
bool drop_parse(
    struct slice bytes, struct arena *arena, struct drop *out, struct why *why);
/* Append the envelope. False: an address that cannot be in one. */
bool drop_format(const struct drop *drop, struct buf *out);
/* Is this the name of a whole file? */
bool drop_name_is_valid(struct slice name);

/* Writing one file as an ordinary user: open, write, commit; close removes
 * what was not committed. */
struct drop_writer;
struct drop_writer *
drop_writer_open(const struct settings *settings, struct why *why);
bool drop_writer_write(
    struct drop_writer *writer, struct slice bytes, struct why *why);
bool drop_writer_commit(struct drop_writer *writer, struct why *why);
void drop_writer_close(struct drop_writer **writer);
const char *drop_writer_id(const struct drop_writer *writer);

#endif
