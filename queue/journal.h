/* SPDX-License-Identifier: ISC */
/*
 * journal - what happened to each message, kept for a while after it is gone.
 *
 * A file a day (UTC) in spool/journal, text, a line per event, as in the log:
 * "SECONDS ID TEXT". qmgr writes, once per round and nothing synced: a stop
 * loses the last events, never mail. Files older than journal_life are
 * removed when a day begins; a day that has JOURNAL_DAY_MAX bytes takes no
 * more. "mailq trace" reads. journal_parse is pure; TEXT has printable bytes
 * only.
 */
#ifndef QUEUE_JOURNAL_H
#define QUEUE_JOURNAL_H

#include <stdbool.h>
#include <stdint.h>

#include "common/buf.h"
#include "common/result.h"
#include "common/slice.h"
#include "common/spoolfile.h"

#define JOURNAL_DIRECTORY "journal"
#define JOURNAL_DAY_MAX   (1024LL * 1024 * 1024)
#define JOURNAL_LINE_MAX  4096 /* longer ones are cut */

struct journal;

/* life in seconds; 0: nothing is kept. */
struct journal *journal_new(int spool_fd, uint64_t life);
void journal_free(struct journal **journal);
/* To the log, and in memory for journal_flush. */
void journal_note(struct journal *journal, const char *id, const char *format,
    ...) __attribute__((format(printf, 3, 4)));
/* In memory only: what the log says elsewhere. */
void journal_add(struct journal *journal, const char *id, struct slice text);
/* Write what was added; at the first of a day, remove what is old. */
void journal_flush(struct journal *journal, uint64_t now);

#define JOURNAL_DAY_SIZE 11 /* "2026-11-26" */
#define JOURNAL_DAYS_MAX 1000

/* The days that have a file, oldest first; the caller's, alloc_release. */
struct journal_days {
	size_t count;
	char names[JOURNAL_DAYS_MAX][JOURNAL_DAY_SIZE];
};
struct journal_days *journal_list_days(int spool_fd);

struct journal_record {
	uint64_t time; /* wall seconds */
	char id[SPOOL_ID_SIZE];
	struct slice text; /* into the line */
};
/* line is without its newline. */
bool journal_parse(struct slice line, struct journal_record *record);

typedef bool
journal_each_fn(void *context, const struct journal_record *record);
/* All records, oldest first; each returning false ends it. False: a file
 * cannot be read. Lines that are none (a torn last one) are passed over. */
bool journal_read(
    int spool_fd, journal_each_fn *each, void *context, struct why *why);

#endif
