/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "queue/agent.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/alloc.h"
#include "common/job.h"
#include "common/limits.h"
#include "common/log.h"

#include "queue/behind.h"
#include "queue/dispatch.h"
#include "queue/notify.h"

#define SEND_MS   1000 /* a fresh socket takes a job at once */
#define SPAWN_MS  5000 /* the spawner only forks */
#define READ_SIZE 65536

static enum spawner
agent_kind(const struct destination *destination)
{
	return destination->route.is_local ? SPAWNER_LOCAL : SPAWNER_REMOTE;
}

struct agent *
agent_find_waiting(
    struct manager *manager, const struct destination *destination)
{
	struct agent *agent = manager->dispatch->agents;

	if (destination->agents == destination->running)
		return NULL;
	while (agent != NULL &&
	       (agent->destination != destination || agent->is_closed ||
		   agent->state != AGENT_WAITING ||
		   manager->now - agent->since > DISPATCH_REUSE_MS))
		agent = agent->next;
	return agent;
}

bool
agent_make_room(struct manager *manager, enum spawner kind)
{
	struct agent *oldest = NULL, *agent = manager->dispatch->agents;

	for (; agent != NULL; agent = agent->next)
		if (!agent->is_closed && agent->state == AGENT_WAITING &&
		    agent_kind(agent->destination) == kind &&
		    (oldest == NULL || agent->since < oldest->since))
			oldest = agent;
	if (oldest == NULL)
		return false;
	agent_close(manager, oldest);
	return true;
}

/* Some relays are for mail whose destination is not known to be slow. */
static uint64_t
limit_for(const struct manager *manager, const struct destination *destination)
{
	const struct settings *settings = manager->settings;
	const struct task *task = destination->first;

	if (destination->route.is_local)
		return settings->delivery_processes;
	if (task != NULL && schedule_is_tried(task->active->entry))
		return settings->relay_processes -
		       settings->relay_processes / DISPATCH_FRESH_SHARE;
	return settings->relay_processes;
}

bool
agent_may_start(
    const struct manager *manager, const struct destination *destination)
{
	enum spawner kind = agent_kind(destination);
	uint64_t share = limit_for(manager, destination);
	const struct agent *agent = manager->dispatch->agents;

	if (manager->dispatch->agent_counts[kind] < share)
		return true;
	if (kind == SPAWNER_REMOTE &&
	    share < manager->settings->relay_processes)
		return false;
	while (agent != NULL &&
	       (agent->is_closed || agent->state != AGENT_WAITING ||
		   agent_kind(agent->destination) != kind))
		agent = agent->next;
	return agent != NULL;
}

/* The spawner forks an agent on the other end. */
static bool
ask_spawner(
    struct manager *manager, const struct destination *destination, int theirs)
{
	enum spawner kind = agent_kind(destination);
	struct message message;
	enum io_status status;

	message_init(&message);
	message_begin(&message, SPAWN_AGENT);
	message_put_u32(&message, destination->route.user.uid);
	message_put_u32(&message, destination->route.user.gid);
	status = message_send_fd(
	    &message, manager->spawners[kind], theirs, io_now() + SPAWN_MS);
	message_free(&message);
	if (status == IO_OK)
		return true;
	log_error("cannot ask for a %s agent: %s",
	    kind == SPAWNER_LOCAL ? "deliver" : "relay",
	    io_status_text(status));
	manager->has_failed = true;
	return false;
}

struct agent *
agent_start(struct manager *manager, struct destination *destination)
{
	enum spawner kind = agent_kind(destination);
	uint64_t limit = kind == SPAWNER_LOCAL
			     ? manager->settings->delivery_processes
			     : manager->settings->relay_processes;
	struct agent *agent;
	int ends[2];
	bool ok;

	if (manager->dispatch->agent_counts[kind] >= limit &&
	    !agent_make_room(manager, kind))
		return NULL;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) {
		log_error("socketpair: %s", strerror(errno));
		return NULL;
	}
	ok = io_set_nonblocking(ends[0], true) &&
	     ask_spawner(manager, destination, ends[1]);
	close(ends[1]);
	if (!ok) {
		close(ends[0]);
		return NULL;
	}
	agent = alloc_zero(1, sizeof(*agent));
	agent->fd = ends[0];
	agent->destination = destination;
	agent->since = manager->now;
	buf_init(&agent->input, 2 * LIMIT_PIPE_MESSAGE);
	agent->next = manager->dispatch->agents;
	manager->dispatch->agents = agent;
	manager->dispatch->agent_counts[kind]++;
	destination->agents++;
	return agent;
}

static void
fill_recipients(const struct task *task, struct job_recipient *recipients)
{
	const struct spool_recipient *recipient;

	for (size_t i = 0; i < task->count; i++) {
		recipient =
		    &task->active->message.recipients[task->recipients[i]];
		recipients[i] = (struct job_recipient){
			.index = task->recipients[i],
			.kind = (uint8_t)recipient->kind,
			.address = recipient->address,
			.original = recipient->original,
			.argument = recipient->argument,
			.extension = recipient->extension,
			.options = recipient->options,
		};
		recipients[i].options.notify = notify_passed_on(
		    &task->active->message, task->recipients[i]);
	}
}

/* "TLS-Required: no" lets opportunistic TLS be enough (RFC 8689 section 5). */
static uint32_t
tls_level_for(const struct route *route, const struct spool_message *message)
{
	if ((message->options.flags & MAIL_TLS_OPTIONAL) != 0 &&
	    route->tls_level > TLS_LEVEL_MAY)
		return TLS_LEVEL_MAY;
	return (uint32_t)route->tls_level;
}

static enum io_status
send_job(
    const struct manager *manager, struct agent *agent, const struct task *task)
{
	const struct spool_message *spooled = &task->active->message;
	const struct route *route = &task->destination->route;
	struct job_recipient recipients[JOB_RECIPIENTS_MAX];
	struct job job = { .sender = spooled->sender,
		.options = spooled->options,
		.created = spooled->created,
		.body_offset = spooled->body_offset,
		.body_length = spooled->body_length,
		.user = route->user,
		.domain = slice_of(route->domain),
		.nexthop = slice_of(route->nexthop),
		.tls_level = tls_level_for(route, spooled),
		.login = slice_of(route->login),
		.password = slice_of(route->password),
		.recipient_count = task->count,
		.recipients = recipients };
	struct message message;
	enum io_status status;

	snprintf(job.id, sizeof(job.id), "%s", spooled->id);
	if ((task->active->entry->flags & ENTRY_RETRY) != 0 || task->was_sent)
		job.flags |= JOB_RETRY;
	if ((spooled->flags & SPOOL_8BIT) != 0)
		job.flags |= JOB_8BIT;
	if (behind_is_careful(manager, task))
		job.flags |= JOB_CAREFUL;
	fill_recipients(task, recipients);
	message_init(&message);
	job_encode(&message, &job);
	status = message_send_fd(
	    &message, agent->fd, task->active->fd, io_now() + SEND_MS);
	message_free(&message);
	return status;
}

bool
agent_send_job(struct manager *manager, struct agent *agent, struct task *task)
{
	struct outcome *outcomes = task->active->outcomes;

	if (!active_open(manager, task->active) ||
	    send_job(manager, agent, task) != IO_OK) {
		agent_close(manager, agent);
		return false;
	}
	if (!task->destination->route.is_local)
		active_mark_in_flight(manager, task->active);
	for (size_t i = 0; i < task->count; i++)
		outcomes[task->recipients[i]].started = io_now();
	agent->state = AGENT_WORKING;
	agent->task = task;
	agent->since = manager->now;
	agent->destination->running++;
	return true;
}

/* The second one in a row: the message may be what ends them. An agent that
 * was told to end, or that was silent too long, says nothing of it. */
static void
note_crash(const struct manager *manager, const struct agent *agent,
    struct active *active)
{
	if (agent->is_silent || manager->is_stopping || manager->has_failed)
		return;
	if ((active->entry->flags & ENTRY_CRASHED) != 0)
		active->is_crashing = true;
	active->entry->flags |= ENTRY_CRASHED;
}

/* Its answers are not the contract, or it ended: what it owed is open. */
static void
drop_task(struct manager *manager, struct agent *agent)
{
	struct task *task = agent->task;
	struct active *active = task->active;
	struct destination *destination = task->destination;
	struct outcome *outcome;

	agent->task = NULL;
	destination->running--;
	active->entry->flags |= ENTRY_RETRY;
	if (agent->is_reused && !task->was_answered && !task->was_sent) {
		task->was_sent = true;
		dispatch_put_back(manager, task);
		return;
	}
	note_crash(manager, agent, active);
	active->is_uncertain = true;
	for (size_t i = 0; i < task->count; i++) {
		outcome = &active->outcomes[task->recipients[i]];
		if (outcome->state == OUTCOME_OPEN ||
		    outcome->state == OUTCOME_AGAIN ||
		    outcome->state == OUTCOME_UNSYNCED)
			active_record_text(active, task->recipients[i],
			    OUTCOME_LATER, "4.3.0",
			    "the delivery agent ended without an answer");
	}
	dispatch_task_end(manager, task);
}

void
agent_close(struct manager *manager, struct agent *agent)
{
	if (agent->is_closed)
		return;
	agent->is_closed = true;
	close(agent->fd);
	agent->fd = -1;
	agent->destination->agents--;
	manager->dispatch->agent_counts[agent_kind(agent->destination)]--;
	if (agent->state == AGENT_SYNCING)
		sync_answered(manager, agent, false, false);
	if (agent->task != NULL)
		drop_task(manager, agent);
}

void
agent_reap(struct manager *manager)
{
	struct agent **link = &manager->dispatch->agents, *agent;

	while ((agent = *link) != NULL) {
		if (!agent->is_closed) {
			link = &agent->next;
			continue;
		}
		*link = agent->next;
		buf_free(&agent->input);
		alloc_release(agent);
	}
}

/* A refusal by another host may be known by its words. */
static void
record_verdict(struct manager *manager, struct task *task,
    const struct verdict *verdict, char state)
{
	const struct answer_rule *rule = NULL;

	if (!task->destination->route.is_local &&
	    (state == OUTCOME_LATER || state == OUTCOME_FAILED))
		rule = answers_find(manager->answers, slice_of(verdict->remote),
		    slice_of(verdict->text));
	if (rule == NULL) {
		active_record(task->active, verdict->index, verdict, state);
		return;
	}
	if (rule->is_deferring)
		state = OUTCOME_LATER;
	active_record_answer(
	    task->active, verdict->index, verdict, state, rule);
	if (rule->slow > 0)
		dispatch_slow_down(manager, task->destination, rule->slow);
}

/* A recipient of this task whose verdict is still owed. */
static bool
is_owed(const struct task *task, uint32_t index)
{
	size_t i = 0;

	while (i < task->count && task->recipients[i] != index)
		i++;
	return i < task->count &&
	       task->active->outcomes[index].state == OUTCOME_OPEN;
}

static bool
take_verdict(
    struct manager *manager, struct agent *agent, struct message *message)
{
	struct task *task = agent->task;
	struct verdict verdict;
	char state;

	if (agent->state != AGENT_WORKING ||
	    !verdict_decode(message, &verdict) || !is_owed(task, verdict.index))
		return false;
	state = verdict.status;
	if (state == OUTCOME_DONE)
		active_note_done(task->active, verdict.index,
		    task->destination->route.is_local, verdict.flags);
	if (state == OUTCOME_DONE && task->destination->route.is_local) {
		state = OUTCOME_UNSYNCED;
		task->has_unsynced = true;
	}
	task->was_answered = true;
	agent->since = manager->now;
	task->active->was_tried = true;
	if (state == OUTCOME_LATER && (verdict.flags & VERDICT_BEHIND) != 0 &&
	    task->destination->route.is_local) {
		behind_take(manager, task, &verdict);
		return true;
	}
	record_verdict(manager, task, &verdict, state);
	return true;
}

static bool
take_job_done(
    struct manager *manager, struct agent *agent, struct message *message)
{
	struct task *task = agent->task;
	struct job_done done;

	if (agent->state != AGENT_WORKING || !job_done_decode(message, &done))
		return false;
	for (size_t i = 0; i < task->count; i++)
		if (task->active->outcomes[task->recipients[i]].state ==
		    OUTCOME_OPEN)
			return false;
	agent->task = NULL;
	agent->destination->running--;
	agent->state = AGENT_WAITING;
	agent->is_reused = true;
	agent->since = manager->now;
	if (done.device != 0)
		agent->device = done.device;
	behind_go_on(manager, task);
	if (task->has_unsynced && done.device != 0) {
		sync_add(manager, task, done.device);
	} else {
		for (size_t i = 0; i < task->count; i++)
			active_record_synced(task->active, task->recipients[i]);
		dispatch_task_end(manager, task);
	}
	if (!done.may_continue)
		agent_close(manager, agent);
	return true;
}

static bool
take_synced(
    struct manager *manager, struct agent *agent, struct message *message)
{
	uint8_t ok;

	if (agent->state != AGENT_SYNCING || !message_get_u8(message, &ok) ||
	    !message_end(message))
		return false;
	agent->state = AGENT_WAITING;
	agent->since = manager->now;
	sync_answered(manager, agent, true, ok == 1);
	return true;
}

static bool
take_message(
    struct manager *manager, struct agent *agent, struct message *message)
{
	switch (message->type) {
	case VERDICT:
		return take_verdict(manager, agent, message);
	case JOB_DONE:
		return take_job_done(manager, agent, message);
	case SYNCED:
		return take_synced(manager, agent, message);
	default:
		return false;
	}
}

static void
take_messages(struct manager *manager, struct agent *agent)
{
	struct message message;
	bool ok = true;

	message_init(&message);
	while (
	    !agent->is_closed && message_take(&message, &agent->input, &ok)) {
		if (take_message(manager, agent, &message))
			continue;
		ok = false;
		break;
	}
	message_free(&message);
	if (!ok && !agent->is_closed) {
		log_error("the agent for %s broke the protocol; closed",
		    agent->destination->route.key);
		agent_close(manager, agent);
	}
}

void
agent_serve(struct manager *manager, struct agent *agent, short revents)
{
	char *room;
	ssize_t n;

	if (agent->is_closed || revents == 0)
		return;
	room = buf_reserve(&agent->input, READ_SIZE);
	if (room == NULL) {
		agent_close(manager, agent);
		return;
	}
	n = recv(agent->fd, room, READ_SIZE, MSG_DONTWAIT);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		agent_close(manager, agent);
		return;
	}
	buf_commit(&agent->input, (size_t)n);
	take_messages(manager, agent);
}

/* How long an agent may work without a word, in milliseconds. */
static int64_t
patience(const struct agent *agent)
{
	if (agent_kind(agent->destination) == SPAWNER_REMOTE)
		return (int64_t)TIMEOUT_SMTP_SESSION * 1000;
	return (int64_t)TIMEOUT_DELIVERY * 1000;
}

void
agent_expire(struct manager *manager)
{
	struct agent *agent = manager->dispatch->agents;
	int64_t age;

	for (; agent != NULL; agent = agent->next) {
		age = manager->now - agent->since;
		if (agent->is_closed)
			continue;
		if (agent->state == AGENT_WAITING && age > DISPATCH_REUSE_MS)
			agent_close(manager, agent);
		if (agent->state == AGENT_WORKING && age > patience(agent)) {
			log_error("the agent for %s is silent; closed",
			    agent->destination->route.key);
			agent->is_silent = true;
			agent_close(manager, agent);
		}
		if (agent->state == AGENT_SYNCING &&
		    age > (int64_t)TIMEOUT_PIPE * 1000)
			agent_close(manager, agent);
	}
}
