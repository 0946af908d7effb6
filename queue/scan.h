/* SPDX-License-Identifier: ISC */
/*
 * scan - walk the 256 buckets of the queue, a piece at a time.
 *
 * scan_next gives one message id after the other and NULL at the end of each
 * bucket, so that the caller can serve its descriptors in between. A dot file
 * that nobody holds a lock on was left by a writer that died before its 250:
 * it is removed [Q1]. Names that are no ids are reported once and left alone.
 */
#ifndef QUEUE_SCAN_H
#define QUEUE_SCAN_H

#include <stdbool.h>

#include "common/spoolfile.h"

struct scan;

/* SCAN_LOOK: touch nothing, complain about nothing. SCAN_REASONS: the names
 * in why/ instead. */
enum scan_mode { SCAN_CLEAN, SCAN_LOOK, SCAN_REASONS };
struct scan *scan_new(int spool_fd, enum scan_mode mode);
void scan_free(struct scan **scan);
/* False at the end of a bucket, then scan_is_done tells whether of all. */
bool scan_next(struct scan *scan, char id[SPOOL_ID_SIZE]);
enum scan_mode scan_get_mode(const struct scan *scan);
bool scan_is_done(const struct scan *scan);

#endif
