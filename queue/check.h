/* SPDX-License-Identifier: ISC */
/*
 * check - what is wrong with the files of the queue, and what helps.
 *
 * Every name in queue/, why/ and bad/ is looked at, and every byte of every
 * message read. Nothing is changed without is_repairing. What helps never
 * deletes mail: a damaged file goes to bad/, a whole one in bad/ comes back,
 * one in the wrong bucket goes to its own; removed is only what holds no
 * mail that was ever acknowledged (an unfinished file, reasons of a message
 * that is gone). A file whose writer is not done is passed over. Safe beside
 * a running qmgr, which is told of what comes back.
 */
#ifndef QUEUE_CHECK_H
#define QUEUE_CHECK_H

#include <stdbool.h>
#include <stddef.h>

#include "common/result.h"

enum check_kind {
	CHECK_UNFINISHED, /* ".NAME", and no writer has it */
	CHECK_FOREIGN,    /* its name is no id, or it is no file */
	CHECK_MISPLACED,  /* not in the bucket of its id: qmgr never sees it */
	CHECK_DAMAGED,
	CHECK_ORPHAN,     /* reasons without their message */
	CHECK_WHOLE,      /* in bad/, but nothing is wrong with it */
	CHECK_BAD,        /* in bad/, for people to look at */
	CHECK_UNREADABLE, /* an error of the disk, or of rights */
	CHECK_KINDS
};

struct check_finding {
	enum check_kind kind;
	const char *path;  /* below the spool */
	const char *text;  /* what is wrong, or "" */
	const char *about; /* "from=<a> to=<b>" where it can be read, or "" */
	bool is_mended;
	const char *mending; /* what was done, or what failed; "" nothing */
};

struct check_totals {
	size_t messages; /* that are whole */
	size_t counts[CHECK_KINDS];
	size_t mended;
};

typedef void check_fn(void *context, const struct check_finding *finding);

const char *check_kind_name(enum check_kind kind);
struct check_request {
	int spool_fd;
	bool is_repairing;
	check_fn *each;
	void *context;
};
/* False: the spool itself cannot be read. */
bool check_queue(const struct check_request *request,
    struct check_totals *totals, struct why *why);
/* What is left to look at: all but CHECK_BAD, less what was mended. */
size_t check_open(const struct check_totals *totals);

#endif
