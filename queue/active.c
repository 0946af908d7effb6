/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "queue/active.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

#include "common/alloc.h"
#include "common/fault.h"
#include "common/log.h"

#include "queue/dispatch.h"

#define ACTIVE_ARENA (64 * 1024 * 1024)

struct active *
active_find(const struct manager *manager, const struct entry *entry)
{
	struct active *active = manager->actives;

	while (active != NULL && active->entry != entry)
		active = active->next;
	return active;
}

void
active_free(struct manager *manager, struct active **active)
{
	*(*active)->link = (*active)->next;
	if ((*active)->next != NULL)
		(*active)->next->link = (*active)->link;
	manager->active_count--;
	if ((*active)->fd >= 0)
		close((*active)->fd);
	arena_free(&(*active)->arena);
	alloc_release(*active);
	*active = NULL;
}

static struct active *
active_new(struct manager *manager, struct entry *entry)
{
	struct active *active = alloc_zero(1, sizeof(*active));

	active->entry = entry;
	active->arena = arena_new("message", ACTIVE_ARENA);
	active->fd = -1;
	active->taken = manager->now;
	active->next = manager->actives;
	active->link = &manager->actives;
	if (active->next != NULL)
		active->next->link = &active->next;
	manager->actives = active;
	manager->active_count++;
	return active;
}

bool
active_open(struct manager *manager, struct active *active)
{
	char path[SPOOL_PATH_SIZE];

	if (active->fd >= 0)
		return true;
	spool_path(active->entry->id, path);
	/* Without blocking: what lies there may be a FIFO. */
	active->fd = openat(manager->spool_fd, path,
	    O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (active->fd < 0)
		log_warning("%s: cannot open %s: %s", active->entry->id, path,
		    strerror(errno));
	return active->fd >= 0;
}

static void
log_outcome(const struct active *active, size_t index)
{
	static const char *const words[][2] = { { "D", "sent" },
		{ "F", "bounced" }, { "T", "deferred" } };
	const struct spool_recipient *recipient =
	    &active->message.recipients[index];
	const struct outcome *outcome = &active->outcomes[index];
	const char *word = "deferred";
	int64_t age = (int64_t)time(NULL) - (int64_t)active->message.created;
	int64_t started =
	    outcome->started > 0 ? outcome->started : outcome->ended;
	double waited = (double)(started - active->taken) / 1000;
	double took = (double)(outcome->ended - started) / 1000;
	double before = (double)(age > 0 ? age : 0) - waited - took;
	char original[LIMIT_SMTP_PATH + 16] = "";

	if (before < 0)
		before = 0;
	for (size_t i = 0; i < 3; i++)
		if (words[i][0][0] == outcome->state)
			word = words[i][1];
	if (recipient->original.len > 0 &&
	    !slice_eq_nocase(recipient->original, recipient->address))
		snprintf(original, sizeof(original), " orig_to=<%.*s>,",
		    SLICE_FMT(
			slice_first(recipient->original, LIMIT_SMTP_PATH)));
	log_info("%s: to=<%.*s>,%s relay=%.*s, delay=%.2f, "
		 "delays=%.2f/%.2f/0/%.2f, dsn=%.*s, status=%s (%.*s)",
	    active->entry->id, SLICE_FMT(recipient->address), original,
	    SLICE_FMT(outcome->reason.remote.len > 0 ? outcome->reason.remote
						     : S("none")),
	    before + waited + took, before, waited, took,
	    SLICE_FMT(outcome->reason.code), word,
	    SLICE_FMT(outcome->reason.text));
}

void
active_record(struct active *active, size_t index,
    const struct verdict *verdict, char state)
{
	struct outcome *outcome = &active->outcomes[index];

	outcome->state = state;
	outcome->ended = io_now();
	outcome->reason.status = verdict->status;
	outcome->reason.code =
	    arena_slice(active->arena, slice_of(verdict->code));
	outcome->reason.remote =
	    arena_slice(active->arena, slice_of(verdict->remote));
	outcome->reason.text =
	    arena_slice(active->arena, slice_of(verdict->text));
	if (state != OUTCOME_UNSYNCED)
		log_outcome(active, index);
}

void
active_record_text(struct active *active, size_t index, char state,
    const char *code, const char *text)
{
	struct verdict verdict = { .status = state };

	(void)slice_to_array(
	    slice_of(code), verdict.code, sizeof(verdict.code));
	snprintf(verdict.text, sizeof(verdict.text), "%s", text);
	active_record(active, index, &verdict, state);
}

void
active_record_synced(struct active *active, size_t index)
{
	if (active->outcomes[index].state != OUTCOME_UNSYNCED)
		return;
	active->outcomes[index].state = OUTCOME_DONE;
	log_outcome(active, index);
}

void
active_task_done(struct manager *manager, struct active *active)
{
	BUG_UNLESS(active->tasks > 0);
	active->tasks--;
	active->needs_mark = true;
	if (active->tasks == 0)
		active_finish(manager, active);
}

/* A damaged file was never acknowledged, or the disk lies: keep it. */
static void
quarantine(struct manager *manager, const char *id, const struct why *why)
{
	char path[SPOOL_PATH_SIZE], bad[SPOOL_PATH_SIZE];

	spool_path(id, path);
	snprintf(bad, sizeof(bad), "bad/%s", id);
	if (renameat(manager->spool_fd, path, manager->spool_fd, bad) != 0) {
		log_error("%s: damaged (%s), and cannot move it to bad/: %s",
		    id, why->text, strerror(errno));
		return;
	}
	fault_point("Q8");
	log_error("%s: damaged: %s; moved to bad/", id, why->text);
}

/* The lock, the envelope and, the first time, the CRC of everything. */
static enum result
read_message(struct manager *manager, struct active *active, struct why *why)
{
	struct entry *entry = active->entry;
	enum result result;

	if (!active_open(manager, active)) {
		why->error = errno;
		return RESULT_LATER;
	}
	if (flock(active->fd, LOCK_SH | LOCK_NB) != 0) {
		why->error = EWOULDBLOCK;
		return RESULT_LATER;
	}
	result = spool_read(
	    active->fd, entry->id, active->arena, &active->message, why);
	if (result == RESULT_OK)
		entry->attempts = active->message.schedule.attempts;
	if (result == RESULT_OK && (entry->flags & ENTRY_VERIFIED) == 0) {
		result = spool_verify(active->fd, why);
		if (result == RESULT_OK)
			entry->flags |= ENTRY_VERIFIED;
	}
	return result;
}

static void
give_back(struct manager *manager, struct active *active, int64_t due)
{
	struct entry *entry = active->entry;

	active_free(manager, &active);
	schedule_set_due(manager->schedule, entry, due);
}

/* What could not be read: gone, locked by its writer, damaged, or later. */
static void
set_aside(struct manager *manager, struct active *active, enum result result,
    const struct why *why)
{
	struct entry *entry = active->entry;

	if (result == RESULT_LATER && why->error == EWOULDBLOCK) {
		give_back(manager, active, manager->now + MANAGER_LOCKED_MS);
		return;
	}
	if (result == RESULT_LATER && why->error != ENOENT) {
		if (why->text[0] != '\0')
			log_warning("%s: %s", entry->id, why->text);
		give_back(manager, active, manager->now + MANAGER_TROUBLE_MS);
		return;
	}
	if (result == RESULT_NEVER)
		quarantine(manager, entry->id, why);
	active_free(manager, &active);
	schedule_remove(manager->schedule, entry);
}

/* False: held, or its time has not come; it was put back. */
static bool
is_due(struct manager *manager, struct active *active)
{
	const struct spool_schedule *slot = &active->message.schedule;
	struct entry *entry = active->entry;
	uint64_t now = (uint64_t)time(NULL), wait;

	if ((slot->flags & SCHEDULE_HOLD) != 0) {
		active_free(manager, &active);
		entry->flags &= ~(uint32_t)ENTRY_ACTIVE;
		entry->flags |= ENTRY_HELD;
		return false;
	}
	entry->flags &= ~(uint32_t)ENTRY_HELD;
	if ((entry->flags & ENTRY_URGENT) != 0 || slot->next <= now)
		return true;
	wait = slot->next - now;
	if (wait > manager->settings->maximal_backoff_time)
		wait = manager->settings->maximal_backoff_time;
	give_back(manager, active, manager->now + (int64_t)wait * 1000);
	return false;
}

/*
 * Half of the places are taken and this one would only stand at the end of a
 * long line: a slow destination does not fill the queue manager.
 */
static bool
is_crowded(struct manager *manager, struct active *active)
{
	const struct spool_message *message = &active->message;
	int64_t pause = (int64_t)schedule_count(manager->schedule);
	struct route route;
	struct why why;
	size_t i = 0;

	if (manager->active_count < MANAGER_ACTIVE_MAX / 2)
		return false;
	while (i < message->recipient_count &&
	       message->recipients[i].status != RECIPIENT_TODO)
		i++;
	if (i == message->recipient_count ||
	    router_find(manager->router, &message->recipients[i], &route,
		&why) != RESULT_OK ||
	    route.is_local ||
	    dispatch_waiting(manager, route.key) < MANAGER_LINE_MAX)
		return false;
	if (pause > MANAGER_TROUBLE_MS)
		pause = MANAGER_TROUBLE_MS;
	give_back(manager, active, manager->now + MANAGER_CROWDED_MS + pause);
	return true;
}

static void
note_unclean_stop(struct active *active)
{
	const struct spool_message *message = &active->message;

	if ((message->schedule.flags & SCHEDULE_IN_FLIGHT) == 0)
		return;
	active->entry->flags |= ENTRY_RETRY;
	for (size_t i = 0; i < message->recipient_count; i++)
		if (message->recipients[i].status == RECIPIENT_TODO &&
		    message->recipients[i].kind == TARGET_REMOTE)
			log_warning("%s: possible duplicate: to=<%.*s> was "
				    "under way when qmgr stopped",
			    message->id,
			    SLICE_FMT(message->recipients[i].address));
}

static void
route_recipient(struct manager *manager, struct active *active, size_t index)
{
	struct route route;
	struct why why;
	enum result result = router_find(
	    manager->router, &active->message.recipients[index], &route, &why);

	if (result == RESULT_OK)
		dispatch_add(manager, active, index, &route);
	else if (result == RESULT_NEVER)
		active_record_text(active, index, OUTCOME_FAILED,
		    why.status[0] != '\0' ? why.status : "5.0.0", why.text);
	else
		active_record_text(active, index, OUTCOME_LATER,
		    why.status[0] != '\0' ? why.status : "4.3.0", why.text);
}

static struct reason *
read_reasons(const struct manager *manager, struct active *active)
{
	size_t count = active->message.recipient_count;
	struct reason *reasons =
	    arena_alloc(active->arena, (count + 1) * sizeof(*reasons));

	BUG_UNLESS(reasons != NULL);
	reason_read(manager->spool_fd, active->message.id, active->arena,
	    reasons, count);
	return reasons;
}

static void
prepare_outcomes(struct manager *manager, struct active *active)
{
	const struct spool_message *message = &active->message;
	struct reason *reasons = NULL;

	active->outcomes = arena_alloc(active->arena,
	    (message->recipient_count + 1) * sizeof(struct outcome));
	BUG_UNLESS(active->outcomes != NULL);
	for (size_t i = 0; i < message->recipient_count; i++) {
		if (message->recipients[i].status == RECIPIENT_TODO)
			active->outcomes[i].state = OUTCOME_OPEN;
		if (message->recipients[i].status != RECIPIENT_FAILED)
			continue;
		if (reasons == NULL)
			reasons = read_reasons(manager, active);
		active->outcomes[i].state = OUTCOME_FAILED;
		active->outcomes[i].is_marked = true;
		active->outcomes[i].reason = reasons[i];
	}
}

static void
start_tasks(struct manager *manager, struct active *active)
{
	const struct spool_message *message = &active->message;

	/* Held up by one, so that nothing finishes it half way. */
	active->tasks = 1;
	for (size_t i = 0; i < message->recipient_count; i++)
		if (active->outcomes[i].state == OUTCOME_OPEN)
			route_recipient(manager, active, i);
	close(active->fd);
	active->fd = -1;
	active_task_done(manager, active);
}

void
active_start(struct manager *manager, struct entry *entry)
{
	struct active *active = active_new(manager, entry);
	struct why why = { 0 };
	enum result result = read_message(manager, active, &why);

	if (result != RESULT_OK) {
		set_aside(manager, active, result, &why);
		return;
	}
	if (!is_due(manager, active) || is_crowded(manager, active))
		return;
	log_info("%s: from=<%.*s>, size=%llu, nrcpt=%zu (queue active)",
	    entry->id, SLICE_FMT(active->message.sender),
	    (unsigned long long)active->message.body_length,
	    active->message.recipient_count);
	note_unclean_stop(active);
	prepare_outcomes(manager, active);
	start_tasks(manager, active);
}

void
active_give_up(struct manager *manager, struct entry *entry)
{
	struct active *active = active_new(manager, entry);
	struct why why = { 0 };
	enum result result;
	struct reason *reasons;

	schedule_park(manager->schedule, entry);
	entry->flags |= ENTRY_ACTIVE;
	result = read_message(manager, active, &why);
	if (result != RESULT_OK) {
		set_aside(manager, active, result, &why);
		return;
	}
	prepare_outcomes(manager, active);
	reasons = read_reasons(manager, active);
	for (size_t i = 0; i < active->message.recipient_count; i++) {
		if (active->outcomes[i].state != OUTCOME_OPEN)
			continue;
		active->outcomes[i].state = OUTCOME_LATER;
		active->outcomes[i].reason = reasons[i];
		if (reasons[i].status == 0)
			active->outcomes[i].reason.text =
			    S("given up by the administrator");
	}
	active->is_given_up = true;
	active_finish(manager, active);
}
