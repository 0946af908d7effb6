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
#include "queue/edit.h"
#include "queue/notify.h"

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
	active->journal = manager->journal;
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
	char original[LIMIT_SMTP_PATH + 16] = "", tls_text[64];
	struct slice tls;

	if (before < 0)
		before = 0;
	snprintf(tls_text, sizeof(tls_text), "%.*s,", SLICE_FMT(outcome->tls));
	tls = slice_first(
	    slice_of(tls_text), outcome->tls.len > 0 ? SIZE_MAX : 0);
	for (size_t i = 0; i < 3; i++)
		if (words[i][0][0] == outcome->state)
			word = words[i][1];
	if (recipient->original.len > 0 &&
	    !slice_eq_nocase(recipient->original, recipient->address))
		snprintf(original, sizeof(original), " orig_to=<%.*s>,",
		    SLICE_FMT(
			slice_first(recipient->original, LIMIT_SMTP_PATH)));
	journal_note(active->journal, active->entry->id,
	    "to=<%.*s>,%s relay=%.*s,%s%.*s delay=%.2f, "
	    "delays=%.2f/%.2f/0/%.2f, dsn=%.*s, status=%s (%.*s)",
	    SLICE_FMT(recipient->address), original,
	    SLICE_FMT(outcome->reason.remote.len > 0 ? outcome->reason.remote
						     : S("none")),
	    outcome->tls.len > 0 ? " tls=" : "", SLICE_FMT(tls),
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
	outcome->reason.meaning = slice_first(outcome->reason.text, 0);
	outcome->tls = arena_slice(active->arena, slice_of(verdict->tls));
	if (state != OUTCOME_UNSYNCED)
		log_outcome(active, index);
}

void
active_record_answer(struct active *active, size_t index,
    const struct verdict *verdict, char state, const struct answer_rule *rule)
{
	active_record(active, index, verdict, state);
	active->outcomes[index].reason.meaning =
	    arena_slice(active->arena, rule->meaning);
	journal_note(active->journal, active->entry->id,
	    "to=<%.*s>, means: %.*s",
	    SLICE_FMT(active->message.recipients[index].address),
	    SLICE_FMT(rule->meaning));
	if (state == OUTCOME_LATER && rule->slow > active->slow)
		active->slow = rule->slow;
}

void
active_note_done(struct active *active, size_t index, bool is_local,
    unsigned int verdict_flags)
{
	char status = notify_done_status(
	    &active->message, index, is_local, verdict_flags);

	active->outcomes[index].notice =
	    status == RECIPIENT_DONE ? '\0' : status;
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
	journal_add(manager->journal, id, S("damaged; moved to bad/"));
}

/* The lock and the envelope. */
static enum result
read_message(struct manager *manager, struct active *active, struct why *why)
{
	struct entry *entry = active->entry;
	enum result result;

	if (!active_open(manager, active)) {
		why->error = errno;
		if (errno != ELOOP && errno != ENXIO)
			return RESULT_LATER;
		why_set(why, "not a regular file");
		return RESULT_NEVER;
	}
	if (flock(active->fd, LOCK_SH | LOCK_NB) != 0) {
		why->error = EWOULDBLOCK;
		return RESULT_LATER;
	}
	result = spool_read(
	    active->fd, entry->id, active->arena, &active->message, why);
	if (result == RESULT_OK) {
		schedule_set_attempts(entry, active->message.schedule.attempts);
		entry->priority = (int8_t)active->message.options.priority;
	}
	return result;
}

/* Once: a million messages that only wait are not read whole. */
static enum result
verify_message(struct active *active, struct why *why)
{
	enum result result;

	if ((active->entry->flags & ENTRY_VERIFIED) != 0)
		return RESULT_OK;
	result = spool_verify(active->fd, why);
	if (result == RESULT_OK)
		active->entry->flags |= ENTRY_VERIFIED;
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

/* False: it stays held, and was put back or, without an end, out of the
 * schedule. */
static bool
is_hold_over(struct manager *manager, struct active *active)
{
	struct spool_schedule *slot = &active->message.schedule;
	struct entry *entry = active->entry;
	uint64_t now = (uint64_t)time(NULL), wait;

	entry->flags |= ENTRY_HELD;
	if ((slot->flags & SCHEDULE_UNTIL) == 0) {
		active_free(manager, &active);
		entry->flags &= (uint8_t)~ENTRY_ACTIVE;
		return false;
	}
	if (slot->next <= now && edit_schedule(manager->spool_fd, entry->id,
				     EDIT_RELEASE, slot, NULL)) {
		journal_note(manager->journal, entry->id,
		    "released from hold: its time has come");
		return true;
	}
	wait = slot->next > now ? slot->next - now : MANAGER_TROUBLE_MS / 1000;
	if (wait > manager->settings->maximal_backoff_time)
		wait = manager->settings->maximal_backoff_time;
	give_back(manager, active, manager->now + (int64_t)wait * 1000);
	return false;
}

/* False: held, or its time has not come; it was put back. */
static bool
is_due(struct manager *manager, struct active *active)
{
	const struct spool_schedule *slot = &active->message.schedule;
	struct entry *entry = active->entry;
	uint64_t now = (uint64_t)time(NULL), wait;

	if ((slot->flags & SCHEDULE_HOLD) != 0 &&
	    !is_hold_over(manager, active))
		return false;
	entry->flags &= (uint8_t)~ENTRY_HELD;
	/* FUTURERELEASE is the sender's wish: nobody's hurry ends it. */
	if (active->message.options.hold_until > now)
		wait = active->message.options.hold_until - now;
	else if ((entry->flags & ENTRY_URGENT) != 0 || slot->next <= now)
		return true;
	else
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

	if (manager->active_count < MANAGER_ACTIVE_MAX / 2 ||
	    message->options.priority > 0)
		return false;
	while (i < message->recipient_count &&
	       message->recipients[i].status != RECIPIENT_TODO)
		i++;
	if (i == message->recipient_count ||
	    router_find(manager->router, message, &message->recipients[i],
		&route, &why) != RESULT_OK ||
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

/* False: it may go there. */
static bool
is_paused(struct manager *manager, struct active *active, size_t index,
    const struct route *route)
{
	const struct pause *pause =
	    dispatch_find_pause(manager, active, index, route);
	char text[PAUSE_TEXT_SIZE];

	if (pause == NULL)
		return false;
	active_record_text(
	    active, index, OUTCOME_LATER, "4.3.2", pause_reason(pause, text));
	return true;
}

static void
route_recipient(struct manager *manager, struct active *active, size_t index)
{
	struct route route;
	struct why why;
	enum result result = router_find(manager->router, &active->message,
	    &active->message.recipients[index], &route, &why);

	if (result == RESULT_OK) {
		active->outcomes[index].policy = route.policy;
		if (!is_paused(manager, active, index, &route))
			dispatch_add(manager, active, index, &route);
	} else if (result == RESULT_NEVER)
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

/* Settled but not reported, when qmgr stopped: as it was then. */
static bool
restore_outcome(struct outcome *outcome, char status)
{
	switch (status) {
	case RECIPIENT_FAILED:
		outcome->state = OUTCOME_FAILED;
		break;
	case RECIPIENT_DELIVERED:
	case RECIPIENT_RELAYED:
		outcome->state = OUTCOME_DONE;
		outcome->notice = status;
		break;
	default:
		return false;
	}
	outcome->is_marked = true;
	return true;
}

static void
prepare_outcomes(struct manager *manager, struct active *active)
{
	const struct spool_message *message = &active->message;
	struct destination_policy policy;
	struct reason *reasons = NULL;

	active->outcomes = arena_alloc(active->arena,
	    (message->recipient_count + 1) * sizeof(struct outcome));
	BUG_UNLESS(active->outcomes != NULL);
	destination_policy_default(manager->settings, &policy);
	for (size_t i = 0; i < message->recipient_count; i++) {
		active->outcomes[i].policy = policy;
		if (message->recipients[i].status == RECIPIENT_TODO)
			active->outcomes[i].state = OUTCOME_OPEN;
		if (!restore_outcome(
			&active->outcomes[i], message->recipients[i].status))
			continue;
		if (reasons == NULL)
			reasons = read_reasons(manager, active);
		active->outcomes[i].reason = reasons[i];
	}
}

static void
start_tasks(struct manager *manager, struct active *active)
{
	const struct spool_message *message = &active->message;
	bool is_late =
	    notify_is_late(message, MAIL_BY_RETURN, (uint64_t)time(NULL));

	/* Held up by one, so that nothing finishes it half way. */
	active->tasks = 1;
	for (size_t i = 0; i < message->recipient_count; i++)
		if (active->outcomes[i].state != OUTCOME_OPEN)
			continue;
		else if (is_late)
			active_record_text(active, i, OUTCOME_FAILED, "5.4.7",
			    "not delivered in the time that its sender gave");
		else
			route_recipient(manager, active, i);
	close(active->fd);
	active->fd = -1;
	active_task_done(manager, active);
}

/* Where it came from, at its first attempt: the log has it from enqueue. */
static void
note_arrival(const struct active *active)
{
	const struct spool_message *message = &active->message;
	struct buf text;

	if (message->schedule.attempts > 0)
		return;
	buf_init(&text, JOURNAL_LINE_MAX);
	buf_add_format(&text,
	    "from=<%.*s>, size=%llu, nrcpt=%zu, client=%.*s, helo=<%.*s>, "
	    "login=%.*s, queued=%llu",
	    SLICE_FMT(message->sender),
	    (unsigned long long)message->body_length, message->recipient_count,
	    SLICE_FMT(message->peer), SLICE_FMT(message->helo),
	    SLICE_FMT(message->login), (unsigned long long)message->created);
	journal_add(active->journal, message->id, buf_slice(&text));
	buf_free(&text);
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
	result = verify_message(active, &why);
	if (result != RESULT_OK) {
		set_aside(manager, active, result, &why);
		return;
	}
	log_info("%s: from=<%.*s>, size=%llu, nrcpt=%zu (queue active)",
	    entry->id, SLICE_FMT(active->message.sender),
	    (unsigned long long)active->message.body_length,
	    active->message.recipient_count);
	note_arrival(active);
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
	if (result == RESULT_OK)
		result = verify_message(active, &why);
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
