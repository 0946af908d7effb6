/* SPDX-License-Identifier: ISC */
/*
 * scan - the names in new/ and cur/ of one Maildir, as read at one moment.
 *
 * Names are collected first and changed afterwards, since readdir may pass
 * over entries while names change. Rules (access.md 5.6): names that start
 * with "." or hold CR, LF or NUL are no messages; a file in new/ whose length
 * differs from the S= of its name, or one of deliver's with a hole, is torn by
 * a power cut and not there until it was delivered again; with may_move a file
 * of new/ goes to cur/ with ":2,", synced before when deliver may not have
 * done it yet, and stays in new/ when that fails.
 */
#ifndef COMMON_MAILBOX_SCAN_H
#define COMMON_MAILBOX_SCAN_H

#include <stdbool.h>
#include <stddef.h>

#include "common/arena.h"
#include "common/mailbox/nametable.h"
#include "common/result.h"
#include "common/slice.h"

struct scan_file {
	struct slice base; /* into file */
	const char *file;
	bool is_in_new; /* still there */
	bool is_recent; /* was there, and we moved it or it still is */
};

struct scan {
	struct arena *arena;
	struct scan_file **files;
	size_t count, room;
	struct nametable by_base;
};

void scan_init(struct scan *scan);
void scan_clear(struct scan *scan);
bool scan_new(struct scan *scan, int dirfd, bool may_move, struct why *why);
bool scan_cur(struct scan *scan, int dirfd, struct why *why);
struct scan_file *scan_find(const struct scan *scan, struct slice base);

#endif
