/* SPDX-License-Identifier: ISC */
/*
 * agent - the processes that deliver, from qmgr's side of their sockets.
 *
 * agent.c starts them, gives them jobs, reads what they say (hostile: the
 * contract is common/job.h) and closes them. sync.c collects what was written
 * into mailboxes and has it made stable in batches, by an agent of the same
 * file system. Agents are the dispatch's (dispatch.h).
 */
#ifndef QUEUE_AGENT_H
#define QUEUE_AGENT_H

#include <stdbool.h>
#include <stdint.h>

#include "queue/dispatch.h"

bool agent_may_start(
    const struct manager *manager, const struct destination *destination);
struct agent *
agent_start(struct manager *manager, struct destination *destination);
/* A waiting agent of this destination; NULL when there is none. */
struct agent *agent_find_waiting(
    struct manager *manager, const struct destination *destination);
/* False: the agent is closed; the task is still the caller's. */
bool
agent_send_job(struct manager *manager, struct agent *agent, struct task *task);
/* revents of its socket. */
void agent_serve(struct manager *manager, struct agent *agent, short revents);
/* Close waiting ones that are old, and working ones past all time. */
void agent_expire(struct manager *manager);
void agent_close(struct manager *manager, struct agent *agent);
/* Free the closed ones; outside of any walk over them. */
void agent_reap(struct manager *manager);
/* Make room for one more of this kind by closing one that waits. */
bool agent_make_room(struct manager *manager, enum spawner kind);

/* sync.c */
void sync_add(struct manager *manager, struct task *task, uint64_t device);
/* Start the batches that are due. */
void sync_run(struct manager *manager);
/* When the next batch is due; INT64_MAX none. */
int64_t sync_next(const struct manager *manager);
/* An agent in AGENT_SYNCING answered, or is gone (ok false). */
void sync_answered(
    struct manager *manager, struct agent *agent, bool has_answer, bool ok);

#endif
