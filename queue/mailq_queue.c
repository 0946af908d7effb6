/* SPDX-License-Identifier: ISC */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "common/alloc.h"
#include "common/arena.h"
#include "common/io.h"
#include "common/log.h"

#include "queue/edit.h"
#include "queue/mailq.h"
#include "queue/scan.h"

#define MESSAGE_ARENA (64 * 1024 * 1024)
#define ACT_WAIT      5 /* seconds for qmgr to do as told */

struct id_list {
	char (*ids)[SPOOL_ID_SIZE];
	size_t count;
	size_t size;
};

static void
add_id(struct id_list *list, const char *id)
{
	if (list->count == list->size) {
		list->size = list->size == 0 ? 256 : list->size * 2;
		list->ids = alloc_resize(list->ids, list->size, SPOOL_ID_SIZE);
	}
	memcpy(list->ids[list->count++], id, SPOOL_ID_SIZE);
}

static int
compare_ids(const void *a, const void *b)
{
	return strcmp(a, b);
}

/* Ids begin with the time: sorted they are in the order of arrival. */
static void
list_ids(int spool_fd, struct id_list *list)
{
	struct scan *scan = scan_new(spool_fd, SCAN_LOOK);
	char id[SPOOL_ID_SIZE];

	do {
		while (scan_next(scan, id))
			add_id(list, id);
	} while (!scan_is_done(scan));
	scan_free(&scan);
	if (list->count > 0)
		qsort(list->ids, list->count, SPOOL_ID_SIZE, compare_ids);
}

static enum mailq_state
state_of(const struct spool_message *message, bool is_running, uint64_t now)
{
	const struct spool_schedule *slot = &message->schedule;

	if ((slot->flags & SCHEDULE_HOLD) != 0 ||
	    message->options.hold_until > now)
		return MAILQ_HELD;
	if (is_running &&
	    ((slot->flags & SCHEDULE_IN_FLIGHT) != 0 || slot->next <= now))
		return MAILQ_ACTIVE;
	return MAILQ_DEFERRED;
}

static uint64_t
held_until(const struct spool_message *message, uint64_t now)
{
	const struct spool_schedule *slot = &message->schedule;

	if ((slot->flags & SCHEDULE_UNTIL) != 0)
		return slot->next;
	return message->options.hold_until > now ? message->options.hold_until
						 : 0;
}

/* A file that is gone or damaged by now is passed over. */
static int
read_item(int spool_fd, const char *id, struct arena *arena,
    struct spool_message *message, struct reason **reasons)
{
	char path[SPOOL_PATH_SIZE];
	int fd;

	spool_path(id, path);
	fd = openat(
	    spool_fd, path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0) {
		if (errno != ENOENT)
			log_error("%s: %s", id, strerror(errno));
		return -1;
	}
	if (spool_read(fd, id, arena, message, NULL) == RESULT_OK) {
		*reasons = arena_alloc(
		    arena, (message->recipient_count + 1) * sizeof(**reasons));
		if (*reasons != NULL) {
			reason_read(spool_fd, id, arena, *reasons,
			    message->recipient_count);
			return fd;
		}
	}
	close(fd);
	return -1;
}

bool
mailq_walk(int spool_fd, bool is_running,
    const struct mailq_selection *selection, mailq_item_fn *each, void *context)
{
	struct arena *arena = arena_new("mailq", MESSAGE_ARENA);
	struct id_list list = { 0 };
	struct spool_message message;
	struct reason *reasons;
	uint64_t now = (uint64_t)time(NULL);
	bool goes_on = true;

	list_ids(spool_fd, &list);
	for (size_t i = 0; i < list.count && goes_on; i++) {
		struct mailq_item item = { .message = &message };
		int fd;

		arena_reset(arena);
		fd =
		    read_item(spool_fd, list.ids[i], arena, &message, &reasons);
		if (fd < 0)
			continue;
		item.reasons = reasons;
		item.state = state_of(&message, is_running, now);
		item.waits_for_sender = message.options.hold_until > now;
		item.held_until = held_until(&message, now);
		if (mailq_selection_matches(selection, &item))
			goes_on = each(context, fd, &item);
		close(fd);
	}
	alloc_release(list.ids);
	arena_free(&arena);
	return true;
}

static const char *const verb_words[] = { "retry", "hold", "release", "delete",
	"bounce" };

static bool
tell_manager(int control_fd, const struct mailq_change *change, const char *id,
    struct why *why)
{
	char line[96], until[40] = "";
	int length;

	if (change->until != 0)
		snprintf(until, sizeof(until), " until=%llu",
		    (unsigned long long)change->until);
	length = snprintf(line, sizeof(line), "%s %s%s\n",
	    verb_words[change->verb], id, until);
	if (io_write_all(control_fd, slice_make(line, (size_t)length),
		io_deadline(ACT_WAIT)) != IO_OK)
		return why_set(why, "qmgr does not listen");
	return true;
}

/* Does the file show what was asked for? */
static bool
is_done(int spool_fd, const struct mailq_change *change, const char *id)
{
	enum mailq_verb verb = change->verb;
	struct arena *arena = arena_new("mailq", MESSAGE_ARENA);
	struct spool_message message;
	struct reason *reasons;
	bool is_held, ok = true;
	int fd = read_item(spool_fd, id, arena, &message, &reasons);

	if (fd >= 0) {
		is_held = (message.schedule.flags & SCHEDULE_HOLD) != 0 &&
			  (change->until == 0 ||
			      message.schedule.next == change->until);
		ok = verb == MAILQ_HOLD      ? is_held
		     : verb == MAILQ_RELEASE ? !is_held
					     : verb == MAILQ_RETRY;
		close(fd);
	}
	arena_free(&arena);
	return ok;
}

static bool
ask_manager(int spool_fd, int control_fd, const struct mailq_change *change,
    const char *id, struct why *why)
{
	struct timespec pause = { .tv_nsec = 10 * 1000 * 1000 };
	int64_t end = io_deadline(ACT_WAIT);

	if (!tell_manager(control_fd, change, id, why))
		return false;
	while (!is_done(spool_fd, change, id)) {
		if (io_now() > end)
			return why_set(why,
			    "%s: qmgr was told, but it is "
			    "under way and not done yet",
			    id);
		nanosleep(&pause, NULL);
	}
	return true;
}

static bool
edit_file(int spool_fd, const struct mailq_change *change, const char *id,
    struct why *why)
{
	struct spool_schedule slot = { .next = change->until };

	switch (change->verb) {
	case MAILQ_HOLD:
		return edit_schedule(spool_fd, id,
		    change->until != 0 ? EDIT_HOLD_UNTIL : EDIT_HOLD, &slot,
		    why);
	case MAILQ_RELEASE:
		return edit_schedule(spool_fd, id, EDIT_RELEASE, NULL, why);
	case MAILQ_RETRY:
		return edit_schedule(spool_fd, id, EDIT_RETRY, NULL, why);
	case MAILQ_DELETE:
		return edit_delete(spool_fd, id, why);
	case MAILQ_BOUNCE:
		break;
	}
	return why_set(why, "%s: only a running qmgr can return mail", id);
}

bool
mailq_act(int spool_fd, int control_fd, const struct mailq_change *change,
    const char *id, struct why *why)
{
	int fd;
	bool ok;

	if (control_fd >= 0)
		return ask_manager(spool_fd, control_fd, change, id, why);
	ok = edit_file(spool_fd, change, id, why);
	if (!ok || change->verb == MAILQ_DELETE)
		return ok;
	/* One that started meanwhile may have read the file before. */
	fd = openat(spool_fd, "control", O_WRONLY | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0)
		return true;
	ok = tell_manager(fd, change, id, why);
	close(fd);
	return ok;
}
