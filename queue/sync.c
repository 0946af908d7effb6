/* SPDX-License-Identifier: ISC */
#include "config.h"

#include <stdint.h>
#include <string.h>

#include "common/alloc.h"
#include "common/job.h"
#include "common/log.h"

#include "queue/agent.h"
#include "queue/dispatch.h"

#define SYNC_BATCH        64
#define SYNC_DELAY_MS     200
#define SYNC_FAILURES_MAX 3
#define SEND_MS           1000
#define PATIENCE_MS       2000 /* for a working agent to become free */

static struct file_system *
find_file_system(struct dispatch *dispatch, uint64_t device)
{
	struct file_system *file_system = dispatch->file_systems;

	while (file_system != NULL && file_system->device != device)
		file_system = file_system->next;
	if (file_system == NULL) {
		file_system = alloc_zero(1, sizeof(*file_system));
		file_system->device = device;
		file_system->next = dispatch->file_systems;
		dispatch->file_systems = file_system;
	}
	return file_system;
}

void
sync_add(struct manager *manager, struct task *task, uint64_t device)
{
	struct file_system *file_system =
	    find_file_system(manager->dispatch, device);

	if (file_system->count == 0)
		file_system->since = manager->now;
	task->next = file_system->collected;
	file_system->collected = task;
	file_system->count++;
}

static int64_t
due(const struct manager *manager, const struct file_system *file_system)
{
	if (file_system->syncing != NULL)
		return file_system->agent != NULL ? INT64_MAX
						  : manager->now + 50;
	if (file_system->count == 0)
		return INT64_MAX;
	if (file_system->count >= SYNC_BATCH || manager->is_stopping)
		return manager->now;
	return file_system->since + SYNC_DELAY_MS;
}

int64_t
sync_next(const struct manager *manager)
{
	const struct file_system *file_system = manager->dispatch->file_systems;
	int64_t next = INT64_MAX, one;

	for (; file_system != NULL; file_system = file_system->next) {
		one = due(manager, file_system);
		if (one < next)
			next = one;
	}
	return next;
}

static bool
send_sync(struct agent *agent, const struct route *route)
{
	struct message message;
	enum io_status status;

	message_init(&message);
	message_begin(&message, SYNC);
	message_put_string(&message, route->user.mail);
	status = message_send(&message, agent->fd, io_now() + SEND_MS);
	message_free(&message);
	return status == IO_OK;
}

/*
 * The oldest one: its descriptor was open before most of what it is to sync
 * was written, so the kernel reports write errors of all of it.
 */
static struct agent *
find_agent(struct manager *manager, uint64_t device, bool *is_working)
{
	struct agent *agent = manager->dispatch->agents, *oldest = NULL;

	*is_working = false;
	for (; agent != NULL; agent = agent->next) {
		if (agent->is_closed || agent->device != device)
			continue;
		if (agent->state == AGENT_WAITING)
			oldest = agent;
		if (agent->state == AGENT_WORKING)
			*is_working = true;
	}
	return oldest;
}

/* NULL: none now; asked again at the next step. */
static struct agent *
choose_agent(struct manager *manager, struct file_system *file_system,
    const struct task *task)
{
	bool is_working;
	struct agent *agent =
	    find_agent(manager, file_system->device, &is_working);

	if (agent != NULL)
		return agent;
	if (is_working && manager->now - file_system->since < PATIENCE_MS)
		return NULL;
	if (!agent_may_start(manager, task->destination))
		return NULL;
	agent = agent_start(manager, task->destination);
	if (agent != NULL)
		agent->device = file_system->device;
	return agent;
}

/* The batch ended: done, or all of it delivered again later. */
static void
finish_batch(struct manager *manager, struct file_system *file_system, bool ok)
{
	struct task *task, *next = file_system->syncing;
	struct active *active;

	file_system->syncing = NULL;
	file_system->failures = 0;
	while ((task = next) != NULL) {
		next = task->next;
		active = task->active;
		for (size_t i = 0; i < task->count; i++) {
			if (ok) {
				active_record_synced(
				    active, task->recipients[i]);
				continue;
			}
			if (active->outcomes[task->recipients[i]].state !=
			    OUTCOME_UNSYNCED)
				continue;
			active->is_uncertain = true;
			active_record_text(active, task->recipients[i],
			    OUTCOME_LATER, "4.3.0",
			    "the mailbox cannot be made stable");
		}
		dispatch_task_end(manager, task);
	}
}

static void
start_batch(struct manager *manager, struct file_system *file_system)
{
	struct agent *agent;
	struct task *task;

	if (file_system->syncing == NULL) {
		file_system->syncing = file_system->collected;
		file_system->collected = NULL;
		file_system->count = 0;
		file_system->failures = 0;
	}
	task = file_system->syncing;
	agent = choose_agent(manager, file_system, task);
	if (agent == NULL)
		return;
	agent->state = AGENT_SYNCING;
	agent->since = manager->now;
	file_system->agent = agent;
	if (!send_sync(agent, &agent->destination->route))
		agent_close(manager, agent);
}

void
sync_run(struct manager *manager)
{
	struct file_system *file_system = manager->dispatch->file_systems;

	for (; file_system != NULL; file_system = file_system->next) {
		if (file_system->syncing != NULL) {
			if (file_system->agent == NULL)
				start_batch(manager, file_system);
			continue;
		}
		if (due(manager, file_system) <= manager->now)
			start_batch(manager, file_system);
	}
}

void
sync_answered(
    struct manager *manager, struct agent *agent, bool has_answer, bool ok)
{
	struct file_system *file_system = manager->dispatch->file_systems;

	while (file_system != NULL && file_system->agent != agent)
		file_system = file_system->next;
	if (file_system == NULL)
		return;
	file_system->agent = NULL;
	if (!has_answer && ++file_system->failures < SYNC_FAILURES_MAX)
		return;
	if (!ok)
		log_error("a mail file system cannot be synced; %s",
		    "its last deliveries are made again");
	finish_batch(manager, file_system, ok);
}
