/* SPDX-License-Identifier: ISC */
/*
 * mailq_group - the queue by the reason why its mail waits.
 *
 * Recipients whose reasons differ only in addresses, numbers and ids are one
 * group: a word with a digit, an "@" or a "<" in it is "#", but for the reply
 * codes at the beginning. Pure: items in, text out. At most
 * MAILQ_GROUPS_MAX groups; what comes after them is counted together.
 */
#ifndef QUEUE_MAILQ_GROUP_H
#define QUEUE_MAILQ_GROUP_H

#include <stdint.h>

#include "common/buf.h"
#include "common/slice.h"

#include "queue/mailq.h"

#define MAILQ_GROUPS_MAX  4096
#define MAILQ_GROUP_TEXT  200 /* of a reason */
#define MAILQ_GROUP_NAMES 3   /* domains that are shown */

struct mailq_groups;

struct mailq_groups *mailq_groups_new(void);
void mailq_groups_free(struct mailq_groups **groups);
/* Each of its open recipients. */
void
mailq_groups_add(struct mailq_groups *groups, const struct mailq_item *item);
/* The largest first: recipients, age of the oldest, an id, the reason, and
 * some of the domains. */
void
mailq_groups_print(struct buf *out, struct mailq_groups *groups, uint64_t now);
/* What groups are told apart by. */
void mailq_group_reason(struct buf *out, struct slice reason);

#endif
