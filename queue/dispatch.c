/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "queue/dispatch.h"

#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "common/alloc.h"
#include "common/crc32c.h"
#include "common/log.h"

#include "queue/agent.h"

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
find_destination(struct manager *manager, const struct route *route)
{
	struct dispatch *dispatch = manager->dispatch;
	struct destination **chain = find_chain(dispatch, route->key);
	struct destination *destination = *chain;

	while (destination != NULL &&
	       strcmp(destination->route.key, route->key) != 0)
		destination = destination->chain;
	if (destination == NULL) {
		destination = alloc_zero(1, sizeof(*destination));
		destination->chain = *chain;
		destination->window = route->policy.initial_concurrency;
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

/* Its next message may not go yet. */
static bool
is_too_early(
    const struct manager *manager, const struct destination *destination)
{
	return destination->route.policy.interval > 0 &&
	       destination->next_start > manager->now;
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
			    destination->dead_until > manager->now ||
			    is_too_early(manager, destination) ||
			    destination->slow_until > manager->now) {
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

/* Behind all that are as urgent: most often at the end. */
static void
insert_in_line(struct destination *destination, struct task *task)
{
	struct task **link = &destination->first;

	if (destination->first != NULL &&
	    destination->final->rank <= task->rank)
		link = &destination->final->next;
	while (*link != NULL && (*link)->rank <= task->rank)
		link = &(*link)->next;
	task->next = *link;
	*link = task;
	if (task->next == NULL)
		destination->final = task;
	destination->newest = task;
}

/* Of this message, in line; NULL: there is none. Its recipients come one
 * after the other. */
static struct task *
find_in_line(const struct destination *destination, const struct active *active)
{
	struct task *newest = destination->newest;

	return newest != NULL && newest->active == active ? newest : NULL;
}

/* Who is logged in, or else who the envelope says. */
static uint32_t
digest_sender(const struct active *active)
{
	struct slice sender = active->message.login.len > 0
				  ? active->message.login
				  : active->message.sender;

	return crc32c(0, sender.ptr, sender.len);
}

/* Behind the turns that its sender has already. */
static int64_t
next_turn(const struct destination *destination, uint32_t sender)
{
	int64_t turn = destination->turn;

	for (const struct task *task = destination->first; task != NULL;
	     task = task->next)
		if (task->sender == sender && task->turn >= turn)
			turn = task->turn + 1;
	return turn;
}

static struct task *
task_new(struct manager *manager, struct active *active,
    struct destination *destination)
{
	struct task *task = alloc_zero(1, sizeof(*task));

	task->active = active;
	task->destination = destination;
	task->sender = digest_sender(active);
	task->turn = next_turn(destination, task->sender);
	task->rank = task->turn - (int64_t)active->message.options.priority *
				      DISPATCH_PRIORITY_TURNS;
	insert_in_line(destination, task);
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
	struct destination *destination = find_destination(manager, route);
	size_t bytes = recipient->address.len + recipient->original.len +
		       recipient->argument.len + recipient->extension.len +
		       recipient->options.original.len + 48;
	struct task *task;

	if (destination->dead_until > manager->now &&
	    (active->entry->flags & ENTRY_URGENT) == 0) {
		active_record_text(active, index, OUTCOME_LATER, "4.4.1",
		    destination->dead_text);
		return;
	}
	task = find_in_line(destination, active);
	if (task == NULL || task->count == JOB_RECIPIENTS_MAX ||
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
	if (destination->newest == task)
		destination->newest = NULL;
	if (destination->turn < task->turn)
		destination->turn = task->turn;
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

void
dispatch_slow_down(
    struct manager *manager, struct destination *destination, uint64_t seconds)
{
	int64_t until = manager->now + (int64_t)seconds * 1000;

	if (destination->slow_until < until)
		destination->slow_until = until;
	destination->window = 1;
	destination->credit = 0;
}

static size_t
concurrency(const struct destination *destination)
{
	return destination->route.is_local ? DISPATCH_USER_CONCURRENCY
					   : destination->window;
}

static void
count_start(const struct manager *manager, struct destination *destination)
{
	destination->next_start =
	    manager->now + (int64_t)destination->route.policy.interval;
}

/* False: no agent is to be had for this destination now. */
static bool
start_first(struct manager *manager, struct destination *destination)
{
	struct agent *agent;
	struct task *task;

	if (destination->running >= concurrency(destination) ||
	    is_too_early(manager, destination))
		return false;
	agent = agent_find_waiting(manager, destination);
	if (agent == NULL && !agent_may_start(manager, destination))
		return false;
	task = take_first(destination);
	count_start(manager, destination);
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

	dispatch->next_start = INT64_MAX;
	while ((destination = *link) != NULL) {
		while (destination->first != NULL && !manager->is_stopping &&
		       start_first(manager, destination))
			continue;
		if (destination->first == NULL) {
			*link = destination->next_waiting;
			destination->is_listed = false;
		} else {
			if (is_too_early(manager, destination) &&
			    destination->next_start < dispatch->next_start)
				dispatch->next_start = destination->next_start;
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

const struct pause *
dispatch_find_pause(const struct manager *manager, const struct active *active,
    size_t index, const struct route *route)
{
	struct slice address = active->message.recipients[index].address;
	const struct pause_target target = {
		.domain =
		    slice_from(address, slice_last_index(address, '@') + 1),
		.nexthop = slice_of(route->nexthop),
		.is_local = route->is_local
	};

	return pauses_find(manager->pauses, &target, (uint64_t)time(NULL));
}

/* A line whose first recipients are paused. A task of several domains goes
 * where its first one goes: it is on its way already. */
static void
put_off_line(struct manager *manager, struct destination *destination)
{
	struct task *task, *next = destination->first;
	char text[PAUSE_TEXT_SIZE];
	const struct pause *pause;

	destination->first = destination->final = destination->newest = NULL;
	destination->waiting = 0;
	while ((task = next) != NULL) {
		next = task->next;
		pause = dispatch_find_pause(manager, task->active,
		    task->recipients[0], &destination->route);
		if (pause != NULL) {
			fail_task(
			    manager, task, "4.3.2", pause_reason(pause, text));
			continue;
		}
		insert_in_line(destination, task);
		destination->waiting++;
	}
	destination->newest = NULL;
}

void
dispatch_put_off_paused(struct manager *manager)
{
	struct destination *destination = manager->dispatch->waiting;

	for (; destination != NULL; destination = destination->next_waiting)
		put_off_line(manager, destination);
}

static void
cancel_in_line(struct destination *destination, struct active *active)
{
	struct task **link = &destination->first, *task;

	destination->final = destination->newest = NULL;
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

/* Longer each time: a host that hangs takes a process for minutes. */
static int64_t
pause_of(struct destination *destination)
{
	const struct destination_policy *policy = &destination->route.policy;
	int64_t least = (int64_t)policy->minimal_backoff * 1000;
	int64_t most = (int64_t)policy->maximal_backoff * 1000;
	int64_t pause = least < DISPATCH_DEAD_MS ? least : DISPATCH_DEAD_MS;

	for (unsigned int i = 0; i < destination->failures; i++)
		if (pause < DISPATCH_DEAD_MAX_MS)
			pause *= 2;
	destination->failures++;
	if (pause > DISPATCH_DEAD_MAX_MS)
		pause = DISPATCH_DEAD_MAX_MS;
	return pause < most ? pause : most;
}

static void
bury(
    struct manager *manager, struct destination *destination, struct slice text)
{
	struct task *task, *next = destination->first;

	destination->dead_until = manager->now + pause_of(destination);
	destination->window = 1;
	destination->credit = 0;
	snprintf(destination->dead_text, sizeof(destination->dead_text),
	    "delivery temporarily suspended: %.*s", SLICE_FMT(text));
	destination->first = destination->newest = NULL;
	destination->waiting = 0;
	while ((task = next) != NULL) {
		next = task->next;
		fail_task(manager, task, "4.4.1", destination->dead_text);
	}
}

/* A host that bears some connections is not dead: it is left those. */
static void
note_failure(struct manager *manager, const struct task *task)
{
	struct destination *destination = task->destination;
	const struct outcome *outcome =
	    &task->active->outcomes[task->recipients[0]];

	destination->credit = 0;
	if (destination->running > 0 && destination->window > 1)
		destination->window = destination->running;
	else
		bury(manager, destination, outcome->reason.text);
}

static void
note_success(const struct manager *manager, struct destination *destination)
{
	const struct destination_policy *policy = &destination->route.policy;

	if (destination->failures > 0)
		destination->window = policy->initial_concurrency;
	destination->failures = 0;
	if (destination->slow_until > manager->now ||
	    ++destination->credit < destination->window)
		return;
	destination->credit = 0;
	if (destination->window < policy->concurrency)
		destination->window++;
}

void
dispatch_task_end(struct manager *manager, struct task *task)
{
	struct active *active = task->active;

	if (is_site_failure(task))
		note_failure(manager, task);
	else if (task->was_answered)
		note_success(manager, task->destination);
	alloc_release(task);
	active_task_done(manager, active);
}
