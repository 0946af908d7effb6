/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "queue/behind.h"

#include <stdio.h>

#include "queue/active.h"
#include "queue/schedule.h"

bool
behind_is_careful(const struct manager *manager, const struct task *task)
{
	return task->destination->route.is_local &&
	       manager->now - manager->started < BEHIND_MS &&
	       (task->active->entry->flags & ENTRY_AHEAD) == 0;
}

/* Does an agent have it for a mailbox, or will one? */
static bool
is_open_here(const struct active *active)
{
	for (size_t i = 0; i < active->message.recipient_count; i++)
		if (active->message.recipients[i].kind != TARGET_REMOTE &&
		    active->outcomes[i].state == OUTCOME_OPEN)
			return true;
	return false;
}

/* What was under way at the cut is due at once, so nothing else is waited
 * for: not a message that is held, nor one that was put off, nor one that
 * waits itself: where it is the last one it has been at work already, and two
 * could wait for each other in two mailboxes. */
static bool
is_to_come(const struct manager *manager, const char *id)
{
	const struct entry *entry = schedule_find(manager->schedule, id);
	const struct active *active;

	if (entry == NULL || (entry->flags & (ENTRY_HELD | ENTRY_BEHIND)) != 0)
		return false;
	if ((entry->flags & ENTRY_ACTIVE) == 0)
		return entry->due <= manager->now + BEHIND_WAIT * 1000;
	active = active_find(manager, entry);
	return active != NULL && is_open_here(active);
}

void
behind_take(
    struct manager *manager, struct task *task, const struct verdict *verdict)
{
	struct active *active = task->active;
	char text[128];

	if (!is_to_come(manager, verdict->text)) {
		active->entry->flags |= ENTRY_AHEAD;
		active->outcomes[verdict->index].state = OUTCOME_AGAIN;
		return;
	}
	snprintf(text, sizeof(text),
	    "waits for %.20s, the last message of this mbox, to be delivered "
	    "again",
	    verdict->text);
	active->is_behind = active->is_uncertain = true;
	active_record_text(
	    active, verdict->index, OUTCOME_LATER, verdict->code, text);
}

void
behind_go_on(struct manager *manager, struct task *task)
{
	struct active *active = task->active;
	struct outcome *outcome;

	for (size_t i = 0; i < task->count; i++) {
		outcome = &active->outcomes[task->recipients[i]];
		if (outcome->state != OUTCOME_AGAIN)
			continue;
		outcome->state = OUTCOME_OPEN;
		dispatch_add(manager, active, task->recipients[i],
		    &task->destination->route);
	}
}
