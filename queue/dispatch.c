/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "queue/dispatch.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/alloc.h"
#include "common/log.h"

struct dispatch *
dispatch_new(void)
{
	return alloc_zero(1, sizeof(struct dispatch));
}

static void
tasks_free(struct task *task)
{
	struct task *next;

	for (; task != NULL; task = next) {
		next = task->next;
		alloc_release(task);
	}
}

void
dispatch_free(struct dispatch **dispatch)
{
	struct destination *destination, *next;
	struct file_system *file_system;

	for (size_t i = 0; i < DISPATCH_TABLE; i++)
		for (destination = (*dispatch)->table[i]; destination != NULL;
		     destination = next) {
			next = destination->chain;
			tasks_free(destination->first);
			alloc_release(destination);
		}
	while ((file_system = (*dispatch)->file_systems) != NULL) {
		(*dispatch)->file_systems = file_system->next;
		tasks_free(file_system->collected);
		tasks_free(file_system->syncing);
		alloc_release(file_system);
	}
	alloc_release(*dispatch);
	*dispatch = NULL;
}

bool
dispatch_is_busy(const struct dispatch *dispatch)
{
	const struct agent *agent = dispatch->agents;
	const struct file_system *file_system = dispatch->file_systems;

	while (agent != NULL && agent->state == AGENT_WAITING)
		agent = agent->next;
	while (file_system != NULL && file_system->collected == NULL &&
	       file_system->syncing == NULL)
		file_system = file_system->next;
	return agent != NULL || file_system != NULL;
}

static struct destination **
find_chain(struct dispatch *dispatch, const char *key)
{
	unsigned int hash = 5381;

	for (; *key != '\0'; key++)
		hash = hash * 33 + (unsigned char)*key;
	return &dispatch->table[hash % DISPATCH_TABLE];
}

static struct destination *
find_destination(struct dispatch *dispatch, const struct route *route)
{
	struct destination **chain = find_chain(dispatch, route->key);
	struct destination *destination = *chain;

	while (destination != NULL &&
	       strcmp(destination->route.key, route->key) != 0)
		destination = destination->chain;
	if (destination == NULL) {
		destination = alloc_zero(1, sizeof(*destination));
		destination->chain = *chain;
		*chain = destination;
		dispatch->destination_count++;
	}
	/* What the tables say now: a home or a password may have changed. */
	destination->route = *route;
	return destination;
}

size_t
dispatch_waiting(const struct manager *manager, const char *key)
{
	const struct destination *destination =
	    *find_chain(manager->dispatch, key);

	while (destination != NULL && strcmp(destination->route.key, key) != 0)
		destination = destination->chain;
	return destination == NULL ? 0 : destination->waiting;
}

static void
prune_destinations(struct manager *manager)
{
	struct dispatch *dispatch = manager->dispatch;
	struct destination **link, *destination;

	for (size_t i = 0; i < DISPATCH_TABLE; i++) {
		link = &dispatch->table[i];
		while ((destination = *link) != NULL) {
			if (destination->is_listed || destination->agents > 0 ||
			    destination->dead_until > manager->now) {
				link = &destination->chain;
				continue;
			}
			*link = destination->chain;
			alloc_release(destination);
			dispatch->destination_count--;
		}
	}
}

static void
list_destination(struct manager *manager, struct destination *destination)
{
	if (destination->is_listed)
		return;
	destination->is_listed = true;
	destination->next_waiting = manager->dispatch->waiting;
	manager->dispatch->waiting = destination;
}

static struct task *
task_new(struct manager *manager, struct active *active,
    struct destination *destination)
{
	struct task *task = alloc_zero(1, sizeof(*task));

	task->active = active;
	task->destination = destination;
	if (destination->first == NULL)
		destination->first = task;
	else
		destination->final->next = task;
	destination->final = task;
	destination->waiting++;
	list_destination(manager, destination);
	active->tasks++;
	return task;
}

void
dispatch_put_back(struct manager *manager, struct task *task)
{
	struct destination *destination = task->destination;

	task->next = destination->first;
	if (destination->first == NULL)
		destination->final = task;
	destination->first = task;
	destination->waiting++;
	list_destination(manager, destination);
}

void
dispatch_add(struct manager *manager, struct active *active, size_t index,
    const struct route *route)
{
	const struct spool_recipient *recipient =
	    &active->message.recipients[index];
	struct destination *destination =
	    find_destination(manager->dispatch, route);
	size_t bytes = recipient->address.len + recipient->original.len +
		       recipient->argument.len + recipient->extension.len + 32;
	struct task *task;

	if (destination->dead_until > manager->now &&
	    (active->entry->flags & ENTRY_URGENT) == 0) {
		active_record_text(active, index, OUTCOME_LATER, "4.4.1",
		    destination->dead_text);
		return;
	}
	task = destination->first == NULL ? NULL : destination->final;
	if (task == NULL || task->active != active ||
	    task->count == JOB_RECIPIENTS_MAX ||
	    task->bytes + bytes > DISPATCH_TASK_BYTES)
		task = task_new(manager, active, destination);
	task->recipients[task->count++] = (uint32_t)index;
	task->bytes += bytes;
}

static struct task *
take_first(struct destination *destination)
{
	struct task *task = destination->first;

	destination->first = task->next;
	destination->waiting--;
	task->next = NULL;
	return task;
}

static void
fail_task(struct manager *manager, struct task *task, const char *code,
    const char *text)
{
	for (size_t i = 0; i < task->count; i++)
		if (task->active->outcomes[task->recipients[i]].state ==
		    OUTCOME_OPEN)
			active_record_text(task->active, task->recipients[i],
			    OUTCOME_LATER, code, text);
	dispatch_task_end(manager, task);
}

static size_t
concurrency(
    const struct manager *manager, const struct destination *destination)
{
	return destination->route.is_local
		   ? DISPATCH_USER_CONCURRENCY
		   : (size_t)manager->settings->destination_concurrency;
}

/* False: no agent is to be had for this destination now. */
static bool
start_first(struct manager *manager, struct destination *destination)
{
	struct agent *agent;
	struct task *task;

	if (destination->running >= concurrency(manager, destination))
		return false;
	agent = agent_find_waiting(manager, destination);
	if (agent == NULL && !agent_may_start(manager, destination))
		return false;
	task = take_first(destination);
	if (agent != NULL && agent_send_job(manager, agent, task))
		return true;
	if (!active_open(manager, task->active)) {
		fail_task(manager, task, "4.3.0", "cannot read the queue file");
		return true;
	}
	agent = agent_start(manager, destination);
	if (agent == NULL || !agent_send_job(manager, agent, task))
		fail_task(
		    manager, task, "4.3.0", "cannot start a delivery agent");
	return true;
}

void
dispatch_run(struct manager *manager)
{
	struct dispatch *dispatch = manager->dispatch;
	struct destination **link = &dispatch->waiting, *destination;

	while ((destination = *link) != NULL) {
		while (destination->first != NULL && !manager->is_stopping &&
		       start_first(manager, destination))
			continue;
		if (destination->first == NULL) {
			*link = destination->next_waiting;
			destination->is_listed = false;
		} else {
			link = &destination->next_waiting;
		}
	}
	if (dispatch->destination_count > DISPATCH_KEPT)
		prune_destinations(manager);
}

void
dispatch_revive(struct manager *manager)
{
	for (size_t i = 0; i < DISPATCH_TABLE; i++)
		for (struct destination *destination =
			 manager->dispatch->table[i];
		     destination != NULL; destination = destination->chain)
			destination->dead_until = 0;
}

static void
cancel_in_line(struct destination *destination, struct active *active)
{
	struct task **link = &destination->first, *task;

	destination->final = NULL;
	while ((task = *link) != NULL) {
		if (task->active != active) {
			destination->final = task;
			link = &task->next;
			continue;
		}
		*link = task->next;
		for (size_t i = 0; i < task->count; i++)
			active->outcomes[task->recipients[i]].state =
			    OUTCOME_CLOSED;
		alloc_release(task);
		destination->waiting--;
		active->tasks--;
	}
}

void
dispatch_cancel(struct manager *manager, struct active *active)
{
	struct destination *destination = manager->dispatch->waiting;

	for (; destination != NULL; destination = destination->next_waiting)
		cancel_in_line(destination, active);
}

/* Every recipient was put off for want of a connection (RFC 3463 4.4.x). */
static bool
is_site_failure(const struct task *task)
{
	const struct outcome *outcome;

	if (task->destination->route.is_local || !task->was_answered)
		return false;
	for (size_t i = 0; i < task->count; i++) {
		outcome = &task->active->outcomes[task->recipients[i]];
		if (outcome->state != OUTCOME_LATER ||
		    !slice_starts(outcome->reason.code, S("4.4.")))
			return false;
	}
	return true;
}

static void
bury(
    struct manager *manager, struct destination *destination, struct slice text)
{
	int64_t pause = (int64_t)manager->settings->minimal_backoff_time * 1000;
	struct task *task, *next = destination->first;

	if (pause > DISPATCH_DEAD_MS)
		pause = DISPATCH_DEAD_MS;
	destination->dead_until = manager->now + pause;
	snprintf(destination->dead_text, sizeof(destination->dead_text),
	    "delivery temporarily suspended: %.*s", SLICE_FMT(text));
	destination->first = NULL;
	destination->waiting = 0;
	while ((task = next) != NULL) {
		next = task->next;
		fail_task(manager, task, "4.4.1", destination->dead_text);
	}
}

void
dispatch_task_end(struct manager *manager, struct task *task)
{
	struct active *active = task->active;
	struct slice text;

	if (is_site_failure(task)) {
		text = active->outcomes[task->recipients[0]].reason.text;
		bury(manager, task->destination, text);
	}
	alloc_release(task);
	active_task_done(manager, active);
}
