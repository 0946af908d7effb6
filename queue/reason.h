/* SPDX-License-Identifier: ISC */
/*
 * reason - why/7f/ID: the last answer for each recipient of a message.
 *
 * Text, one line per recipient: "INDEX STATUS CODE REMOTE TEXT", with REMOTE
 * "-" when there is none, and a second one "INDEX M - - MEANING" where a rule
 * says what the text means (common/answers.h). Written whole at the end of an
 * attempt, for mailq and for the bounce; losing it loses no mail, so nothing is
 * synced and errors are only logged.
 */
#ifndef QUEUE_REASON_H
#define QUEUE_REASON_H

#include <stdbool.h>
#include <stddef.h>

#include "common/arena.h"
#include "common/buf.h"
#include "common/slice.h"
#include "common/spoolfile.h"

#define REASON_FILE_MAX (2 * 1024 * 1024)

struct reason {
	char status;         /* 'T', 'F', or 'D' still to be reported; 0 none */
	struct slice code;   /* "4.4.1" */
	struct slice remote; /* "host[ip]:port" or empty */
	struct slice text;
	struct slice meaning; /* or empty */
};

/* reasons has count places, by recipient index; those without stay 0. */
void reason_read(int spool_fd, const char *id, struct arena *arena,
    struct reason *reasons, size_t count);
void reason_write(
    int spool_fd, const char *id, const struct reason *reasons, size_t count);
void reason_remove(int spool_fd, const char *id);
/* The file as it is; nothing when there is none. */
void reason_get(int spool_fd, const char *id, struct buf *text);
void reason_put(int spool_fd, const char *id, struct slice text);
/* One line, as in the file; for the reader and its tests. */
bool reason_parse(struct slice line, size_t *index, struct reason *reason);

#endif
