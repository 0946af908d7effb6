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
#include "queue/behind.h"
#include "queue/bounce.h"
#include "queue/notify.h"

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

static char
status_byte(const struct outcome *outcome)
{
	if (outcome->state == OUTCOME_DONE && outcome->notice != 0)
		return outcome->notice;
	return outcome->state;
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
		ok = spool_mark(fd, i, status_byte(&outcomes[i]), &why);
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
	journal_note(manager->journal, id, "removed");
}

static bool
has_notices(const struct active *active)
{
	for (size_t i = 0; i < active->message.recipient_count; i++)
		if (active->outcomes[i].state == OUTCOME_DONE &&
		    active->outcomes[i].notice != 0)
			return true;
	return false;
}

static size_t
count_state(const struct active *active, char state)
{
	size_t n = 0;

	for (size_t i = 0; i < active->message.recipient_count; i++)
		n += active->outcomes[i].state == state;
	return n;
}

/* Too old, or an operator gave it up. */
static bool
is_over(const struct manager *manager, const struct active *active,
    const struct outcome *outcome)
{
	const struct spool_message *message = &active->message;
	uint64_t lifetime = message->sender.len == 0
				? manager->settings->bounce_queue_lifetime
				: outcome->policy.lifetime;

	return active->is_given_up ||
	       schedule_is_expired(notify_start(message), (uint64_t)time(NULL),
		   lifetime, message->schedule.attempts);
}

/* What is still open then has failed. */
static void
expire(const struct manager *manager, struct active *active)
{
	const struct spool_message *message = &active->message;
	struct outcome *outcome;
	size_t count = 0;

	for (size_t i = 0; i < message->recipient_count; i++) {
		outcome = &active->outcomes[i];
		if (outcome->state != OUTCOME_LATER ||
		    !is_over(manager, active, outcome))
			continue;
		count++;
		outcome->state = OUTCOME_FAILED;
		outcome->reason.status = 'F';
		outcome->reason.code =
		    active->is_given_up ? S("5.0.0") : S("5.4.7");
	}
	if (count > 0)
		journal_note(active->journal, message->id,
		    "from=<%.*s>, status=expired, returned to sender",
		    SLICE_FMT(message->sender));
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
		    active->outcomes[i].state == OUTCOME_FAILED ||
		    (active->outcomes[i].state == OUTCOME_DONE &&
			active->outcomes[i].notice != 0))
			reasons[i] = active->outcomes[i].reason;
	reason_write(manager->spool_fd, active->message.id, reasons, count);
}

/* The status byte of a recipient that this report settles; 0: not of it. */
static char
settled_status(const struct outcome *outcome, enum bounce_kind kind)
{
	if (kind == BOUNCE_FAILED)
		return outcome->state == OUTCOME_FAILED ? RECIPIENT_BOUNCED
							: '\0';
	return outcome->state == OUTCOME_DONE && outcome->notice != 0
		   ? RECIPIENT_DONE
		   : '\0';
}

static void
settle(struct outcome *outcome)
{
	if (outcome->state == OUTCOME_FAILED)
		outcome->state = OUTCOME_CLOSED;
	outcome->notice = '\0';
}

/* [Q5] the report exists under its derived id; [Q6] then F becomes B, and N
 * and R become D. */
static bool
report(struct manager *manager, struct active *active, enum bounce_kind kind)
{
	struct why why = { 0 };
	char status;
	int fd;

	if (!bounce_send(manager, active, kind)) {
		log_warning("%s: what became of it cannot be reported yet",
		    active->message.id);
		return false;
	}
	fault_point("Q5");
	fd = open_for_marks(manager, active->message.id);
	if (fd < 0)
		return false;
	for (size_t i = 0; i < active->message.recipient_count; i++) {
		status = settled_status(&active->outcomes[i], kind);
		if (status == '\0')
			continue;
		if (!spool_mark(fd, i, status, &why))
			log_error("%s: %s", active->message.id, why.text);
		settle(&active->outcomes[i]);
	}
	if (fdatasync(fd) != 0)
		log_error(
		    "%s: fdatasync: %s", active->message.id, strerror(errno));
	fault_point("Q6");
	close(fd);
	return true;
}

/* Once, at the end of the first attempt (RFC 3461 section 5.2.7.3). */
static bool
report_expansions(struct manager *manager, struct active *active)
{
	struct spool_schedule *slot = &active->message.schedule;
	size_t i = 0;

	while (i < active->message.recipient_count &&
	       !notify_wants_expansion(&active->message, i))
		i++;
	if (i == active->message.recipient_count ||
	    (slot->flags & SCHEDULE_EXPANDED) != 0)
		return true;
	if (!bounce_send(manager, active, BOUNCE_EXPANDED))
		return false;
	slot->flags |= SCHEDULE_EXPANDED;
	return true;
}

/* False: something could not be reported, and the message stays. */
static bool
report_all(struct manager *manager, struct active *active)
{
	bool ok = report_expansions(manager, active);

	if (has_notices(active))
		ok = report(manager, active, BOUNCE_SUCCESS) && ok;
	if (count_state(active, OUTCOME_FAILED) > 0)
		ok = report(manager, active, BOUNCE_FAILED) && ok;
	return ok;
}

/* The age at which the first of those still open is to be told of; 0: none. */
static uint64_t
first_warning(const struct active *active)
{
	uint64_t first = 0, warning;

	for (size_t i = 0; i < active->message.recipient_count; i++) {
		warning = active->outcomes[i].policy.delay_warning;
		if (active->outcomes[i].state == OUTCOME_LATER && warning > 0 &&
		    (first == 0 || warning < first))
			first = warning;
	}
	return first;
}

static void
warn_of_delay(struct manager *manager, struct active *active)
{
	struct spool_message *message = &active->message;
	uint64_t now = (uint64_t)time(NULL), start = notify_start(message);
	uint64_t warning = first_warning(active);
	uint32_t flag = 0;

	/* RFC 2852 section 4.1.3: BY=...;N has a time of its own for it. */
	if (notify_is_late(message, MAIL_BY_NOTIFY, now))
		flag = SCHEDULE_LATE;
	else if (warning > 0 && now >= start && now - start >= warning)
		flag = SCHEDULE_WARNED;
	if (flag == 0 || (message->schedule.flags & flag) != 0)
		return;
	if (bounce_send(manager, active, BOUNCE_DELAYED))
		message->schedule.flags |= flag | SCHEDULE_WARNED;
}

/* The shortest wait of those still open, and not past the moment when
 * something is to be done about being late. */
static uint64_t
wait_for_next(
    const struct settings *settings, const struct active *active, uint64_t now)
{
	const struct spool_message *message = &active->message;
	uint64_t deliver_by = message->options.deliver_by;
	uint64_t wait = UINT64_MAX, one;
	const struct destination_policy *policy;

	for (size_t i = 0; i < message->recipient_count; i++) {
		if (active->outcomes[i].state != OUTCOME_LATER)
			continue;
		policy = &active->outcomes[i].policy;
		one = schedule_back_off(notify_start(message), now,
		    policy->minimal_backoff, policy->maximal_backoff);
		if (one < wait)
			wait = one;
	}
	/* Only a report is open. */
	if (wait == UINT64_MAX)
		wait = schedule_back_off(notify_start(message), now,
		    settings->minimal_backoff_time,
		    settings->maximal_backoff_time);
	if (deliver_by > now && deliver_by - now < wait)
		return deliver_by - now;
	return wait;
}

/* A message that ends its agents is kept from them until somebody looks. */
static void
hold_crashing(struct active *active)
{
	struct spool_schedule *slot = &active->message.schedule;

	slot->flags = (slot->flags & ~(uint32_t)SCHEDULE_UNTIL) | SCHEDULE_HOLD;
	active->entry->flags |= ENTRY_HELD;
	log_error("%s: placed on hold: two delivery agents ended over it; see "
		  "the log, then \"mailq release %s\"",
	    active->entry->id, active->entry->id);
	journal_add(active->journal, active->entry->id,
	    S("placed on hold: two delivery agents ended over it"));
}

/* Something is left: when to go on, in the file and in memory. */
static void
put_off(struct manager *manager, struct active *active)
{
	struct spool_message *message = &active->message;
	struct entry *entry = active->entry;
	const struct settings *settings = manager->settings;
	uint64_t now = (uint64_t)time(NULL);
	uint64_t wait = wait_for_next(settings, active, now);
	bool is_held;

	if (wait < active->slow)
		wait = active->slow;
	if (active->is_behind) {
		wait = BEHIND_WAIT;
		entry->flags |= ENTRY_BEHIND;
	}
	if (active->is_crashing)
		hold_crashing(active);
	if ((message->schedule.flags & SCHEDULE_UNTIL) != 0)
		wait = active->hold_until > now ? active->hold_until - now : 0;
	message->schedule.next = now + wait;
	message->schedule.flags &= ~(uint32_t)SCHEDULE_IN_FLIGHT;
	write_slot(manager, message->id, &message->schedule);
	fault_point("Q9");
	schedule_set_attempts(entry, message->schedule.attempts);
	entry->flags &= (uint8_t) ~(ENTRY_RETRY | ENTRY_URGENT);
	if (active->is_uncertain)
		entry->flags |= ENTRY_RETRY;
	is_held = (message->schedule.flags & SCHEDULE_HOLD) != 0 &&
		  (message->schedule.flags & SCHEDULE_UNTIL) == 0;
	active_free(manager, &active);
	if (wait > settings->maximal_backoff_time)
		wait = settings->maximal_backoff_time;
	if (is_held)
		entry->flags &= (uint8_t)~ENTRY_ACTIVE;
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
	bool is_reported, had_reports;

	if (active->was_tried)
		active->message.schedule.attempts++;
	if (active->is_deleted) {
		active->has_reasons = true;
		remove_message(manager, active);
		return;
	}
	expire(manager, active);
	if (count_state(active, OUTCOME_LATER) > 0 ||
	    count_state(active, OUTCOME_FAILED) > 0 || has_notices(active)) {
		write_reasons(manager, active);
		active->has_reasons = true;
		active_mark(manager, active);
	}
	had_reports =
	    count_state(active, OUTCOME_FAILED) > 0 || has_notices(active);
	is_reported = report_all(manager, active);
	/* The number of attempts makes the id of the next report. */
	if (active->message.schedule.attempts == active->entry->attempts)
		active->message.schedule.attempts += had_reports;
	if (count_state(active, OUTCOME_LATER) > 0) {
		warn_of_delay(manager, active);
		put_off(manager, active);
	} else if (!is_reported) {
		put_off(manager, active);
	} else {
		remove_message(manager, active);
	}
}
