/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "queue/control.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "common/log.h"

#include "queue/active.h"
#include "queue/command.h"
#include "queue/dispatch.h"
#include "queue/edit.h"

#define READ_SIZE 4096

/* What is there now, into input; an endless line is forgotten. */
static void
collect(int fd, struct buf *input)
{
	char *room;
	ssize_t n;

	if (input->len > 2 * READ_SIZE)
		buf_clear(input);
	room = buf_reserve(input, READ_SIZE);
	if (room == NULL)
		return;
	n = read(fd, room, READ_SIZE);
	if (n > 0)
		buf_commit(input, (size_t)n);
}

/* The next whole line; consume line.len + 1 after use. */
static bool
next_line(struct buf *input, struct slice *line)
{
	struct slice rest;

	return slice_cut(buf_slice(input), '\n', line, &rest);
}

void
control_read_trigger(struct manager *manager)
{
	char id[SPOOL_ID_SIZE];
	struct slice line;

	collect(manager->trigger_fd, &manager->trigger_input);
	while (next_line(&manager->trigger_input, &line)) {
		if (spool_id_is_valid(line) &&
		    slice_to_array(line, id, sizeof(id)))
			manager_add(manager, id, false);
		buf_consume(&manager->trigger_input, line.len + 1);
	}
}

static void
retry_entry(void *context, struct entry *entry)
{
	struct manager *manager = context;

	if ((entry->flags & (ENTRY_ACTIVE | ENTRY_HELD)) != 0)
		return;
	entry->flags |= ENTRY_URGENT;
	schedule_set_due(manager->schedule, entry, manager->now);
}

struct domain_retry {
	struct manager *manager;
	struct arena *arena;
	struct slice domain;
};

static bool
has_recipient_in(const struct spool_message *message, struct slice domain)
{
	struct slice address;

	for (size_t i = 0; i < message->recipient_count; i++) {
		address = message->recipients[i].address;
		if (message->recipients[i].status == RECIPIENT_TODO &&
		    slice_eq_nocase(
			slice_from(address, slice_last_index(address, '@') + 1),
			domain))
			return true;
	}
	return false;
}

static void
retry_domain_entry(void *context, struct entry *entry)
{
	struct domain_retry *retry = context;
	struct spool_message message;
	char path[SPOOL_PATH_SIZE];
	int fd;

	if ((entry->flags & (ENTRY_ACTIVE | ENTRY_HELD)) != 0)
		return;
	spool_path(entry->id, path);
	fd = openat(retry->manager->spool_fd, path,
	    O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0)
		return;
	arena_reset(retry->arena);
	if (spool_read(fd, entry->id, retry->arena, &message, NULL) ==
		RESULT_OK &&
	    has_recipient_in(&message, retry->domain))
		retry_entry(retry->manager, entry);
	close(fd);
}

static void
run_retry(
    struct manager *manager, const struct command *command, struct entry *entry)
{
	struct domain_retry retry = { .manager = manager,
		.domain = command->domain };

	dispatch_revive(manager);
	router_forget(manager->router);
	if (command->object == COMMAND_ID)
		retry_entry(manager, entry);
	else if (command->object == COMMAND_ALL)
		schedule_each(manager->schedule, retry_entry, manager);
	else {
		retry.arena = arena_new("retry", 64 * 1024 * 1024);
		schedule_each(manager->schedule, retry_domain_entry, &retry);
		arena_free(&retry.arena);
	}
}

/* The flag in the file says so too: it holds across a restart. */
static bool
write_hold(struct manager *manager, const struct command *command)
{
	const uint32_t hold = SCHEDULE_HOLD | SCHEDULE_UNTIL;
	struct entry *entry = schedule_find(manager->schedule, command->id);
	struct active *active = active_find(manager, entry);
	struct spool_schedule slot = { .next = command->until };
	enum edit_change change =
	    command->until != 0 ? EDIT_HOLD_UNTIL : EDIT_HOLD;
	struct why why = { 0 };

	if (command->verb == COMMAND_RELEASE)
		change = EDIT_RELEASE;
	if (!edit_schedule(manager->spool_fd, entry->id, change, &slot, &why)) {
		log_warning("control: %s", why.text);
		return false;
	}
	if (active == NULL)
		return true;
	active->message.schedule.flags =
	    (active->message.schedule.flags & ~hold) | (slot.flags & hold);
	active->hold_until = command->until;
	return true;
}

static void
set_hold(
    struct manager *manager, const struct command *command, struct entry *entry)
{
	bool is_held = command->verb == COMMAND_HOLD;

	if (!write_hold(manager, command))
		return;
	schedule_park(manager->schedule, entry);
	if (!is_held) {
		entry->flags &= (uint8_t) ~(ENTRY_HELD | ENTRY_CRASHED);
		retry_entry(manager, entry);
	} else {
		entry->flags |= ENTRY_HELD;
		/* Its file is read, and says until when. */
		if (command->until != 0 && (entry->flags & ENTRY_ACTIVE) == 0)
			schedule_set_due(
			    manager->schedule, entry, manager->now);
	}
	journal_note(manager->journal, entry->id, "%s",
	    is_held ? "placed on hold" : "released from hold");
}

static void
delete_message(struct manager *manager, struct entry *entry)
{
	struct active *active = active_find(manager, entry);
	struct why why = { 0 };

	journal_note(
	    manager->journal, entry->id, "deleted by the administrator");
	if (active != NULL) {
		active->is_deleted = true;
		active->tasks++;
		dispatch_cancel(manager, active);
		active_task_done(manager, active);
		return;
	}
	if (!edit_delete(manager->spool_fd, entry->id, &why)) {
		log_warning("control: %s", why.text);
		return;
	}
	schedule_remove(manager->schedule, entry);
}

/* Given up at the end of its attempt: one is made at once if none is on. */
static void
bounce_message(struct manager *manager, struct entry *entry)
{
	struct active *active = active_find(manager, entry);

	if (active != NULL)
		active->is_given_up = true;
	else
		active_give_up(manager, entry);
}

static void
run_on_entry(struct manager *manager, const struct command *command)
{
	struct entry *entry = schedule_find(manager->schedule, command->id);

	if (entry == NULL) {
		manager_add(manager, command->id, true);
		entry = schedule_find(manager->schedule, command->id);
	}
	switch (command->verb) {
	case COMMAND_RETRY:
		run_retry(manager, command, entry);
		break;
	case COMMAND_HOLD:
	case COMMAND_RELEASE:
		set_hold(manager, command, entry);
		break;
	case COMMAND_DELETE:
		delete_message(manager, entry);
		break;
	case COMMAND_BOUNCE:
		bounce_message(manager, entry);
		break;
	default:
		break;
	}
}

/* Everything that may have waited for it. */
static void
retry_after_pause(struct manager *manager, const char *name)
{
	struct command command = { .verb = COMMAND_RETRY,
		.object = COMMAND_DOMAIN,
		.domain = slice_of(name) };

	if (strcmp(name, "local") == 0 || strcmp(name, "remote") == 0 ||
	    strpbrk(name, "[:") != NULL || name[0] == '.')
		command.object = COMMAND_ALL;
	run_retry(manager, &command, NULL);
}

static void
save_pauses(struct manager *manager)
{
	struct why why = { 0 };

	if (!pauses_save(manager->spool_fd, manager->pauses, &why))
		log_error("pauses end with this qmgr: %s", why.text);
}

static void
run_pause(struct manager *manager, const struct command *command)
{
	const struct pause *pause = &command->pause;
	char text[PAUSE_TEXT_SIZE];

	if (command->verb == COMMAND_RESUME) {
		if (!pauses_remove(manager->pauses, pause->name))
			return;
		save_pauses(manager);
		log_info("destination %s: resumed", pause->name);
		retry_after_pause(manager, pause->name);
		return;
	}
	if (!pauses_set(manager->pauses, pause)) {
		log_warning("control: %d pauses are enough", PAUSE_MAX);
		return;
	}
	save_pauses(manager);
	log_info("destination %s: %s", pause->name, pause_reason(pause, text));
	if (command->verb == COMMAND_PAUSE)
		dispatch_put_off_paused(manager);
}

void
control_end_pauses(struct manager *manager)
{
	const struct pause *pause;
	struct command command = { .verb = COMMAND_RESUME,
		.object = COMMAND_PAUSED };

	while (manager->pauses->count > 0 &&
	       (pause = pauses_over(manager->pauses, (uint64_t)time(NULL))) !=
		   NULL) {
		command.pause = *pause;
		run_pause(manager, &command);
	}
}

static void
run_command(struct manager *manager, const struct command *command)
{
	if (command->object == COMMAND_PAUSED) {
		run_pause(manager, command);
	} else if (command->object == COMMAND_ID) {
		run_on_entry(manager, command);
	} else if (command->verb == COMMAND_RETRY) {
		run_retry(manager, command, NULL);
	} else if (command->verb == COMMAND_PICKUP) {
		if (manager->pickup_fd >= 0 &&
		    write(manager->pickup_fd, "p", 1) < 0)
			log_warning("pickup: %s", strerror(errno));
	} else if (command->verb == COMMAND_RELOAD) {
		log_info("reload: ending, to be started with the new "
			 "settings");
		manager->is_stopping = true;
	}
}

void
control_read_commands(struct manager *manager)
{
	struct command command;
	struct slice line;

	collect(manager->control_fd, &manager->control_input);
	while (next_line(&manager->control_input, &line)) {
		if (command_parse(line, &command))
			run_command(manager, &command);
		else
			log_warning(
			    "control: not a command: %.*s", SLICE_FMT(line));
		buf_consume(&manager->control_input, line.len + 1);
	}
}
