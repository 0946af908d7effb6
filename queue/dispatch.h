/* SPDX-License-Identifier: ISC */
/*
 * dispatch - who delivers what, now: tasks, destinations and agents.
 *
 * A task is up to JOB_RECIPIENTS_MAX recipients of one message for one
 * destination (a user here, or a host). A destination has its own line of
 * tasks, a limit on agents, and a memory of being dead, so one that is slow
 * or gone holds up nobody else. In a line senders take turns: who has sent a
 * thousand messages has the next turn of each of them behind the first one
 * of everybody else. A host's limit follows what it bears: it begins with
 * initial_destination_concurrency, grows by one when as many jobs went well,
 * and shrinks to what still works when a connection fails; these figures and
 * a rate are those of its route's policy. A quarter of
 * relay_processes is for mail that was not tried before. An agent is one
 * socket; it works for one destination and is reused while tasks for it come.
 * agent.c speaks with agents, sync.c makes the mailboxes stable. Agents are
 * hostile: what is not the contract of common/job.h closes them, and what they
 * owed is tried later.
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
#define DISPATCH_DEAD_MS          60000  /* a dead host is left alone */
#define DISPATCH_DEAD_MAX_MS      900000 /* twice as long each time */
#define DISPATCH_PRIORITY_TURNS   100    /* of one level of MT-PRIORITY */
#define DISPATCH_REUSE_MS         1500   /* of the agent's AGENT_IDLE */
#define DISPATCH_TASK_BYTES       65536  /* addresses of one job */
#define DISPATCH_FRESH_SHARE      4 /* of relay_processes, for fresh mail */
#define DISPATCH_TABLE            256
#define DISPATCH_KEPT             1000 /* destinations without work */

struct destination {
	struct destination *chain;
	struct destination *next_waiting;
	struct route route;
	struct task *first;
	struct task *final;
	bool is_listed; /* in dispatch.waiting */
	size_t waiting; /* tasks in line */
	size_t agents;  /* busy or idle */
	size_t running;
	size_t window;         /* of a host: so many may run now */
	size_t credit;         /* jobs that went well with this window */
	int64_t turn;          /* of the last task that was taken */
	struct task *newest;   /* in line; NULL: it was taken */
	unsigned int failures; /* since the last job that went well */
	int64_t slow_until;    /* one connection */
	int64_t next_start;    /* no message before, at its rate */
	int64_t dead_until;
	char dead_text[LIMIT_REASON];
};

struct task {
	struct task *next;
	struct active *active;
	struct destination *destination;
	uint32_t sender; /* a digest of who sent it */
	int64_t turn;    /* its sender's */
	int64_t rank;    /* turn, less priority */
	bool was_sent;   /* to an agent that died untouched */
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
	uint64_t device;           /* it wrote there; 0 nowhere */
	int64_t since;             /* waiting or working */
	bool is_closed, is_reused; /* closed: freed at the end of the step */
	bool is_silent;            /* closed for it */
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
	int64_t next_start; /* the first one that its rate holds up; or never */
	struct agent *agents;
	size_t agent_counts[SPAWNERS];
	struct file_system *file_systems;
};

struct dispatch *dispatch_new(void);
void dispatch_free(struct dispatch **dispatch);
/* One recipient, to the message's task for this route. */
void dispatch_add(struct manager *manager, struct active *active, size_t index,
    const struct route *route);
/* How many tasks stand in line for it. */
size_t dispatch_waiting(const struct manager *manager, const char *key);
void dispatch_run(struct manager *manager);
/* One connection at a time for so many seconds from now. */
void dispatch_slow_down(
    struct manager *manager, struct destination *destination, uint64_t seconds);
/* Forget dead hosts: an operator said retry. */
void dispatch_revive(struct manager *manager);
/* A task whose agent was gone before it began: first in line again. */
void dispatch_put_back(struct manager *manager, struct task *task);
/* What an operator has stopped, for this recipient; NULL: nothing. */
const struct pause *dispatch_find_pause(const struct manager *manager,
    const struct active *active, size_t index, const struct route *route);
/* Put off what stands in line and is paused now. */
void dispatch_put_off_paused(struct manager *manager);
/* Take a message's waiting tasks back. */
void dispatch_cancel(struct manager *manager, struct active *active);
void dispatch_task_end(struct manager *manager, struct task *task);
/* Something works, waits for a sync, or stands in line. */
bool dispatch_is_busy(const struct dispatch *dispatch);

#endif
