/* SPDX-License-Identifier: ISC */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "common/fault.h"
#include "common/log.h"

#include "queue/active.h"
#include "queue/bounce.h"

static int
open_for_marks(const struct manager *manager, const char *id)
{
	char path[SPOOL_PATH_SIZE];
	int fd;

	spool_path(id, path);
	fd = openat(manager->spool_fd, path, O_RDWR | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		log_error("%s: cannot open for marks: %s", id, strerror(errno));
	return fd;
}

static bool
needs_status_byte(const struct outcome *outcome)
{
	return !outcome->is_marked && (outcome->state == OUTCOME_DONE ||
					  outcome->state == OUTCOME_FAILED);
}

/* [Q2] one byte each, [Q3] one fdatasync for all of them. */
void
active_mark(struct manager *manager, struct active *active)
{
	struct outcome *outcomes = active->outcomes;
	size_t count = active->message.recipient_count, i = 0;
	struct why why = { 0 };
	bool ok = true;
	int fd;

	active->needs_mark = false;
	while (i < count && !needs_status_byte(&outcomes[i]))
		i++;
	if (i == count)
		return;
	fd = open_for_marks(manager, active->entry->id);
	if (fd < 0)
		return;
	for (; i < count && ok; i++) {
		if (!needs_status_byte(&outcomes[i]))
			continue;
		ok = spool_mark(fd, i, outcomes[i].state, &why);
		outcomes[i].is_marked = ok;
	}
	fault_point("Q2");
	if (!ok || fdatasync(fd) != 0)
		log_error("%s: cannot mark: %s", active->entry->id,
		    ok ? strerror(errno) : why.text);
	fault_point("Q3");
	close(fd);
}

static bool
write_slot(
    struct manager *manager, const char *id, const struct spool_schedule *slot)
{
	struct why why = { 0 };
	int fd = open_for_marks(manager, id);
	bool ok;

	if (fd < 0)
		return false;
	ok = spool_write_schedule(fd, slot, &why);
	if (!ok)
		log_error("%s: cannot write the schedule: %s", id, why.text);
	close(fd);
	return ok;
}

void
active_mark_in_flight(struct manager *manager, struct active *active)
{
	struct spool_schedule *slot = &active->message.schedule;

	if ((slot->flags & SCHEDULE_IN_FLIGHT) != 0)
		return;
	slot->flags |= SCHEDULE_IN_FLIGHT;
	write_slot(manager, active->entry->id, slot);
	fault_point("Q4");
}

void
active_remove_file(struct manager *manager, const char *id)
{
	char path[SPOOL_PATH_SIZE];

	spool_path(id, path);
	if (unlinkat(manager->spool_fd, path, 0) != 0 && errno != ENOENT) {
		log_error("%s: cannot remove: %s", id, strerror(errno));
		return;
	}
	fault_point("Q7");
	log_info("%s: removed", id);
}

static size_t
count_state(const struct active *active, char state)
{
	size_t n = 0;

	for (size_t i = 0; i < active->message.recipient_count; i++)
		n += active->outcomes[i].state == state;
	return n;
}

/* Too old, or an operator gave it up: what is left has failed. */
static void
expire(const struct manager *manager, struct active *active)
{
	const struct spool_message *message = &active->message;
	uint64_t lifetime = message->sender.len == 0
				? manager->settings->bounce_queue_lifetime
				: manager->settings->maximal_queue_lifetime;
	struct outcome *outcome;

	if (!active->is_given_up &&
	    !schedule_is_expired(message->created, (uint64_t)time(NULL),
		lifetime, message->schedule.attempts))
		return;
	for (size_t i = 0; i < message->recipient_count; i++) {
		outcome = &active->outcomes[i];
		if (outcome->state != OUTCOME_LATER)
			continue;
		outcome->state = OUTCOME_FAILED;
		outcome->reason.status = 'F';
		outcome->reason.code =
		    active->is_given_up ? S("5.0.0") : S("5.4.7");
	}
	log_info("%s: from=<%.*s>, status=expired, returned to sender",
	    message->id, SLICE_FMT(message->sender));
}

static void
write_reasons(const struct manager *manager, struct active *active)
{
	size_t count = active->message.recipient_count;
	struct reason *reasons =
	    arena_alloc(active->arena, count * sizeof(*reasons));

	if (reasons == NULL)
		return;
	for (size_t i = 0; i < count; i++)
		if (active->outcomes[i].state == OUTCOME_LATER ||
		    active->outcomes[i].state == OUTCOME_FAILED)
			reasons[i] = active->outcomes[i].reason;
	reason_write(manager->spool_fd, active->message.id, reasons, count);
}

/* [Q5] the report exists under its derived id; [Q6] then F becomes B. */
static bool
report_failures(struct manager *manager, struct active *active)
{
	struct why why = { 0 };
	int fd;

	if (!bounce_send(manager, active, BOUNCE_FAILED)) {
		log_warning("%s: the failure cannot be reported yet",
		    active->message.id);
		return false;
	}
	fault_point("Q5");
	fd = open_for_marks(manager, active->message.id);
	if (fd < 0)
		return false;
	for (size_t i = 0; i < active->message.recipient_count; i++) {
		if (active->outcomes[i].state != OUTCOME_FAILED)
			continue;
		if (!spool_mark(fd, i, RECIPIENT_BOUNCED, &why))
			log_error("%s: %s", active->message.id, why.text);
		active->outcomes[i].state = OUTCOME_CLOSED;
	}
	if (fdatasync(fd) != 0)
		log_error(
		    "%s: fdatasync: %s", active->message.id, strerror(errno));
	fault_point("Q6");
	close(fd);
	return true;
}

static void
warn_of_delay(struct manager *manager, struct active *active)
{
	const struct settings *settings = manager->settings;
	struct spool_message *message = &active->message;
	uint64_t now = (uint64_t)time(NULL);

	if (settings->delay_warning_time == 0 || message->sender.len == 0 ||
	    (message->schedule.flags & SCHEDULE_WARNED) != 0 ||
	    now < message->created ||
	    now - message->created < settings->delay_warning_time)
		return;
	if (bounce_send(manager, active, BOUNCE_DELAYED))
		message->schedule.flags |= SCHEDULE_WARNED;
}

/* Something is left: when to go on, in the file and in memory. */
static void
put_off(struct manager *manager, struct active *active)
{
	struct spool_message *message = &active->message;
	struct entry *entry = active->entry;
	const struct settings *settings = manager->settings;
	uint64_t now = (uint64_t)time(NULL);
	uint64_t wait = schedule_back_off(message->created, now,
	    settings->minimal_backoff_time, settings->maximal_backoff_time);

	message->schedule.next = now + wait;
	message->schedule.flags &= ~(uint32_t)SCHEDULE_IN_FLIGHT;
	write_slot(manager, message->id, &message->schedule);
	fault_point("Q9");
	entry->attempts = message->schedule.attempts;
	entry->flags &= ~(uint32_t)(ENTRY_RETRY | ENTRY_URGENT);
	if (active->is_uncertain)
		entry->flags |= ENTRY_RETRY;
	active_free(manager, &active);
	if ((entry->flags & ENTRY_HELD) != 0)
		entry->flags &= ~(uint32_t)ENTRY_ACTIVE;
	else
		schedule_set_due(manager->schedule, entry,
		    manager->now + (int64_t)wait * 1000);
}

/* R5: everything went well in one go: no mark is worth its write. */
static void
remove_message(struct manager *manager, struct active *active)
{
	struct entry *entry = active->entry;
	bool has_reasons = active->message.schedule.attempts > 1 ||
			   active->has_reasons ||
			   (entry->flags & ENTRY_RETRY) != 0;

	active_remove_file(manager, entry->id);
	if (has_reasons)
		reason_remove(manager->spool_fd, entry->id);
	active_free(manager, &active);
	schedule_remove(manager->schedule, entry);
}

void
active_finish(struct manager *manager, struct active *active)
{
	bool is_reported = true, had_failures;

	if (active->was_tried)
		active->message.schedule.attempts++;
	if (active->is_deleted) {
		active->has_reasons = true;
		remove_message(manager, active);
		return;
	}
	expire(manager, active);
	if (count_state(active, OUTCOME_LATER) > 0 ||
	    count_state(active, OUTCOME_FAILED) > 0) {
		write_reasons(manager, active);
		active->has_reasons = true;
		active_mark(manager, active);
	}
	had_failures = count_state(active, OUTCOME_FAILED) > 0;
	if (had_failures)
		is_reported = report_failures(manager, active);
	/* The number of attempts makes the id of the next report. */
	if (active->message.schedule.attempts == active->entry->attempts)
		active->message.schedule.attempts += had_failures;
	if (count_state(active, OUTCOME_LATER) > 0) {
		warn_of_delay(manager, active);
		put_off(manager, active);
	} else if (!is_reported) {
		put_off(manager, active);
	} else {
		remove_message(manager, active);
	}
}
