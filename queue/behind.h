/* SPDX-License-Identifier: ISC */
/*
 * behind - which message an mbox gets first after a power cut.
 *
 * A cut can tear the last message of an mbox. Its own delivery, which is to
 * be done again, takes the torn copy away, but only while nothing stands
 * behind it. So for BEHIND_MS after a start jobs for users are careful
 * (JOB_CAREFUL): where the last message of an mbox is another one of this
 * host's, deliver appends nothing and names it (VERDICT_BEHIND). As long as
 * the delivery of that one is still to come, who is behind it waits for a
 * second and asks again; else it goes at once.
 */
#ifndef QUEUE_BEHIND_H
#define QUEUE_BEHIND_H

#include <stdbool.h>

#include "common/job.h"

#include "queue/dispatch.h"
#include "queue/manager.h"

#define BEHIND_MS   600000
#define BEHIND_WAIT 1 /* seconds */

bool behind_is_careful(const struct manager *manager, const struct task *task);
/* A verdict of such a job, with VERDICT_BEHIND: its recipient waits, or is
 * OUTCOME_AGAIN. */
void behind_take(
    struct manager *manager, struct task *task, const struct verdict *verdict);
/* The job is done: recipients that are OUTCOME_AGAIN get another one. */
void behind_go_on(struct manager *manager, struct task *task);

#endif
