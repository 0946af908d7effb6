/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "queue/edit.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "common/arena.h"
#include "common/fault.h"

#include "queue/reason.h"

#define EDIT_ARENA (64 * 1024 * 1024)

static int
open_locked(int spool_fd, const char *id, struct why *why)
{
	char path[SPOOL_PATH_SIZE];
	int fd;

	spool_path(id, path);
	fd = openat(spool_fd, path, O_RDWR | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0) {
		why_errno(why, "%s", id);
		return -1;
	}
	if (flock(fd, LOCK_SH | LOCK_NB) != 0) {
		why_errno(why, "%s is being written", id);
		close(fd);
		return -1;
	}
	return fd;
}

static void
change_slot(
    struct spool_schedule *slot, enum edit_change change, uint64_t until)
{
	const uint32_t hold = SCHEDULE_HOLD | SCHEDULE_UNTIL;

	switch (change) {
	case EDIT_HOLD:
		slot->flags = (slot->flags & ~hold) | SCHEDULE_HOLD;
		break;
	case EDIT_HOLD_UNTIL:
		slot->flags |= hold;
		slot->next = until;
		break;
	case EDIT_RELEASE:
		slot->flags &= ~hold;
		slot->next = 0;
		break;
	case EDIT_RETRY:
		if ((slot->flags & SCHEDULE_UNTIL) == 0)
			slot->next = 0;
		break;
	}
}

bool
edit_schedule(int spool_fd, const char *id, enum edit_change change,
    struct spool_schedule *slot, struct why *why)
{
	struct arena *arena;
	struct spool_message message;
	int fd = open_locked(spool_fd, id, why);
	bool ok;

	if (fd < 0)
		return false;
	arena = arena_new("edit", EDIT_ARENA);
	ok = spool_read(fd, id, arena, &message, why) == RESULT_OK;
	if (ok) {
		change_slot(
		    &message.schedule, change, slot != NULL ? slot->next : 0);
		ok = spool_write_schedule(fd, &message.schedule, why);
		fault_point("Q10");
		if (slot != NULL)
			*slot = message.schedule;
	}
	arena_free(&arena);
	close(fd);
	return ok;
}

bool
edit_delete(int spool_fd, const char *id, struct why *why)
{
	char path[SPOOL_PATH_SIZE];
	int fd = open_locked(spool_fd, id, why);

	if (fd < 0)
		return false;
	close(fd);
	spool_path(id, path);
	if (unlinkat(spool_fd, path, 0) != 0)
		return why_errno(why, "remove %s", id);
	fault_point("Q11");
	reason_remove(spool_fd, id);
	return true;
}

void
edit_announce(int spool_fd, const char *id)
{
	char line[SPOOL_ID_LENGTH + 1];
	int fd = openat(spool_fd, "trigger", O_WRONLY | O_NONBLOCK | O_CLOEXEC);
	ssize_t ignored;

	if (fd < 0)
		return;
	memcpy(line, id, SPOOL_ID_LENGTH);
	line[SPOOL_ID_LENGTH] = '\n';
	/* What is lost here is found by the next scan. */
	ignored = write(fd, line, sizeof(line));
	(void)ignored;
	close(fd);
}
