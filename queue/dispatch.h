/* SPDX-License-Identifier: ISC */
/*
 * dispatch - who delivers what, now: tasks, destinations and agents.
 *
 * A task is up to JOB_RECIPIENTS_MAX recipients of one message for one
 * destination (a user here, or a host). A destination has its own line of
 * tasks, a limit on agents, and a memory of being dead, so one that is slow
 * or gone holds up nobody else. An agent is one socket; it works for one
 * destination and is reused while tasks for it come. agent.c speaks with
 * agents, sync.c makes the mailboxes stable. Agents are hostile: what is not
 * the contract of common/job.h closes them, and what they owed is tried later.
 */
#ifndef QUEUE_DISPATCH_H
#define QUEUE_DISPATCH_H

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/buf.h"
#include "common/job.h"

#include "queue/active.h"
#include "queue/manager.h"
#include "queue/route.h"

#define DISPATCH_USER_CONCURRENCY 2
#define DISPATCH_DEAD_MS          60000 /* a dead host is left alone */
#define DISPATCH_REUSE_MS         1500  /* of the agent's AGENT_IDLE */
#define DISPATCH_TASK_BYTES       65536 /* addresses of one job */
#define DISPATCH_TABLE            256
#define DISPATCH_KEPT             1000 /* destinations without work */

struct destination {
	struct destination *chain;
	struct destination *next_waiting;
	struct route route;
	struct task *first;
	struct task *final;
	bool is_listed; /* in dispatch.waiting */
	size_t agents;  /* busy or idle */
	size_t running;
	int64_t dead_until;
	char dead_text[LIMIT_REASON];
};

struct task {
	struct task *next;
	struct active *active;
	struct destination *destination;
	bool was_sent; /* to an agent that died untouched */
	bool was_answered;
	bool has_unsynced;
	size_t count;
	size_t bytes;
	uint32_t recipients[JOB_RECIPIENTS_MAX];
};

enum agent_state {
	AGENT_WAITING,
	AGENT_WORKING,
	AGENT_SYNCING
};

struct agent {
	struct agent *next;
	int fd;
	enum agent_state state;
	struct destination *destination;
	struct task *task; /* AGENT_WORKING */
	struct buf input;
	uint64_t device; /* it wrote there; 0 nowhere */
	int64_t since;   /* waiting or working */
	bool is_closed;  /* free it at the end of the step */
	bool is_reused;
};

/* sync.c: one file system with deliveries not yet stable. */
struct file_system {
	struct file_system *next;
	uint64_t device;
	struct task *collected; /* the next batch */
	size_t count;
	int64_t since;        /* of the first of them */
	struct task *syncing; /* the batch a SYNC is out for */
	struct agent *agent;
	unsigned int failures;
};

struct dispatch {
	struct destination *table[DISPATCH_TABLE];
	size_t destination_count;
	struct destination *waiting; /* have tasks */
	struct agent *agents;
	size_t agent_counts[SPAWNERS];
	struct file_system *file_systems;
};

struct dispatch *dispatch_new(void);
void dispatch_free(struct dispatch **dispatch);
/* One recipient, to the message's task for this route. */
void dispatch_add(struct manager *manager, struct active *active, size_t index,
    const struct route *route);
void dispatch_run(struct manager *manager);
/* Forget dead hosts: an operator said retry. */
void dispatch_revive(struct manager *manager);
/* A task whose agent was gone before it began: first in line again. */
void dispatch_put_back(struct manager *manager, struct task *task);
/* Take the waiting tasks of a message back, as if never added. */
void dispatch_cancel(struct manager *manager, struct active *active);
void dispatch_task_end(struct manager *manager, struct task *task);
/* Something works, waits for a sync, or stands in line. */
bool dispatch_is_busy(const struct dispatch *dispatch);

/* agent.c */
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
