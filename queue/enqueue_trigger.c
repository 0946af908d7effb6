/* SPDX-License-Identifier: ISC */
/* What comes after the reply: qmgr is told by the trigger FIFO. */
#include "config.h"

#include "queue/enqueue_state.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "common/fault.h"

/* The id and a newline in one write; nobody listening is no error. */
static void
pull_trigger(struct enqueue *e, const char *id)
{
	char line[SPOOL_ID_LENGTH + 1];

	memcpy(line, id, SPOOL_ID_LENGTH);
	line[SPOOL_ID_LENGTH] = '\n';
	for (int tries = 0; tries < 2; tries++) {
		if (e->trigger_fd < 0)
			e->trigger_fd = openat(e->tables.spool_fd, "trigger",
			    O_WRONLY | O_NONBLOCK | O_CLOEXEC);
		if (e->trigger_fd < 0 ||
		    write(e->trigger_fd, line, sizeof(line)) > 0 ||
		    errno == EAGAIN)
			return;
		close(e->trigger_fd);
		e->trigger_fd = -1;
	}
}

void
enqueue_replied(struct enqueue *e)
{
	char id[SPOOL_ID_SIZE];

	if (!e->is_over)
		return;
	memcpy(id, e->committed, sizeof(id));
	if (id[0] != '\0')
		fault_point("A8");
	if (e->notice[0] != '\0')
		pull_trigger(e, e->notice);
	enqueue_reset(e);
	e->facts.forward.given = 0;
	if (id[0] == '\0')
		return;
	pull_trigger(e, id);
	fault_point("A9");
}
