/* SPDX-License-Identifier: ISC */
#include "config.h"

#include <fcntl.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "common/alloc.h"
#include "common/io.h"

#include "queue/mailq.h"

#define ACT_WAIT 5 /* seconds for qmgr to do as told */

static const char *const verb_words[] = { "pause", "drain", "resume" };

static bool
is_listed(const struct pauses *pauses, const struct pause *pause,
    bool is_until_whenever)
{
	for (size_t i = 0; i < pauses->count; i++)
		if (strcmp(pauses->items[i].name, pause->name) == 0)
			return is_until_whenever ||
			       pauses->items[i].until == pause->until;
	return false;
}

static bool
is_done(int spool_fd, enum mailq_pause_verb verb, const struct pause *pause)
{
	struct pauses *pauses = alloc_zero(1, sizeof(*pauses));
	bool is_there;

	is_there = pauses_load(spool_fd, pauses, NULL) &&
		   is_listed(pauses, pause, verb == MAILQ_RESUME);
	alloc_release(pauses);
	return is_there != (verb == MAILQ_RESUME);
}

static bool
ask_manager(int spool_fd, int control_fd, enum mailq_pause_verb verb,
    const struct pause *pause, struct why *why)
{
	struct timespec nap = { .tv_nsec = 10 * 1000 * 1000 };
	int64_t end = io_deadline(ACT_WAIT);
	enum io_status status;
	struct buf line;

	buf_init(&line, 1024);
	buf_add_format(&line, "%s ", verb_words[verb]);
	pause_format(&line, pause);
	buf_add_char(&line, '\n');
	status = io_write_all(control_fd, buf_slice(&line), end);
	buf_free(&line);
	while (status == IO_OK && !is_done(spool_fd, verb, pause)) {
		if (io_now() > end)
			return why_set(why, "qmgr was told, but does not show "
					    "it in the spool; see its log");
		nanosleep(&nap, NULL);
	}
	return status == IO_OK || why_set(why, "qmgr does not listen");
}

static bool
edit_list(struct pauses *pauses, enum mailq_pause_verb verb,
    const struct pause *pause, struct why *why)
{
	bool is_there = pauses_remove(pauses, pause->name);

	if (verb == MAILQ_RESUME && !is_there)
		return why_set(why, "%s is not paused", pause->name);
	if (verb != MAILQ_RESUME && !pauses_set(pauses, pause))
		return why_set(why, "%d pauses are enough", PAUSE_MAX);
	return true;
}

/* One that started meanwhile may have read the list before. */
static bool
tell_new_manager(int spool_fd, enum mailq_pause_verb verb,
    const struct pause *pause, struct why *why)
{
	int fd = openat(spool_fd, "control", O_WRONLY | O_NONBLOCK | O_CLOEXEC);
	bool ok;

	if (fd < 0)
		return true;
	ok = ask_manager(spool_fd, fd, verb, pause, why);
	close(fd);
	return ok;
}

bool
mailq_pause(int spool_fd, int control_fd, enum mailq_pause_verb verb,
    const struct pause *pause, struct why *why)
{
	struct pauses *pauses = alloc_zero(1, sizeof(*pauses));
	bool ok = pauses_load(spool_fd, pauses, why) &&
		  edit_list(pauses, verb, pause, why);

	if (ok && control_fd >= 0)
		ok = ask_manager(spool_fd, control_fd, verb, pause, why);
	else if (ok)
		ok = pauses_save(spool_fd, pauses, why) &&
		     tell_new_manager(spool_fd, verb, pause, why);
	alloc_release(pauses);
	return ok;
}

void
mailq_print_pauses(struct buf *out, const struct pauses *pauses)
{
	char text[PAUSE_TEXT_SIZE];

	for (size_t i = 0; i < pauses->count; i++)
		buf_add_format(out, "%-30s %s\n", pauses->items[i].name,
		    pause_reason(&pauses->items[i], text));
	if (pauses->count == 0)
		buf_add_string(out, "No destination is paused\n");
}
