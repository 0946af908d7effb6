/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "queue/manager.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "common/alloc.h"
#include "common/fsutil.h"
#include "common/io.h"
#include "common/log.h"

#include "queue/active.h"
#include "queue/agent.h"
#include "queue/control.h"
#include "queue/dispatch.h"
#include "queue/reason.h"

#define FIFO_INPUT_MAX 65536
#define STOP_MS        5000 /* for what is under way */
#define IDLE_MS        500  /* to close agents in time */
#define PAUSE_MS       1000 /* to end a pause in time, by the wall clock */

/* The fixed places of the poll table; agents follow. */
enum {
	POLL_TRIGGER,
	POLL_CONTROL,
	POLL_STOP,
	POLL_SPAWNER_LOCAL,
	POLL_SPAWNER_REMOTE,
	POLL_AGENTS
};

/* A broken file is no reason to stop: ours hold meanwhile. */
static struct answers *
load_answers(const struct settings *settings)
{
	struct answers *answers = NULL;
	struct why why = { 0 };
	struct buf text;

	buf_init(&text, ANSWERS_FILE_MAX);
	if (fs_read_file(AT_FDCWD, settings->remote_answers, &text, &why))
		answers = answers_parse(buf_slice(&text), &why);
	else if (why.error == ENOENT)
		memset(&why, 0, sizeof(why));
	buf_free(&text);
	if (why.text[0] != '\0')
		log_error("remote_answers: %s: %s; the rules that come with "
			  "Merpati hold",
		    settings->remote_answers, why.text);
	return answers != NULL ? answers : answers_default();
}

static struct bounce_texts *
load_bounce_texts(const struct settings *settings)
{
	struct bounce_texts *texts = bounce_texts_new();
	struct why why = { 0 };
	struct buf text;
	bool ok;

	buf_init(&text, BOUNCE_TEXTS_FILE_MAX);
	ok = fs_read_file(AT_FDCWD, settings->bounce_texts, &text, &why)
		 ? bounce_texts_add(texts, buf_slice(&text), &why)
		 : why.error == ENOENT;
	buf_free(&text);
	if (ok)
		return texts;
	log_error("bounce_texts: %s: %s; the texts that come with Merpati "
		  "hold",
	    settings->bounce_texts, why.text);
	bounce_texts_free(&texts);
	return bounce_texts_new();
}

void
manager_init(
    struct manager *manager, const struct settings *settings, int spool_fd)
{
	memset(manager, 0, sizeof(*manager));
	manager->settings = settings;
	manager->spool_fd = spool_fd;
	manager->trigger_fd = -1;
	manager->control_fd = -1;
	manager->stop_fd = -1;
	manager->pickup_fd = -1;
	manager->spawners[SPAWNER_LOCAL] = -1;
	manager->spawners[SPAWNER_REMOTE] = -1;
	manager->schedule = schedule_new();
	manager->router = router_new(settings);
	manager->dispatch = dispatch_new();
	manager->scan = scan_new(spool_fd, SCAN_CLEAN);
	buf_init(&manager->trigger_input, FIFO_INPUT_MAX);
	buf_init(&manager->control_input, FIFO_INPUT_MAX);
	manager->now = manager->started = io_now();
	manager->answers = load_answers(settings);
	manager->bounce_texts = load_bounce_texts(settings);
	manager->journal = journal_new(spool_fd, settings->journal_life);
	manager->pauses = alloc_zero(1, sizeof(*manager->pauses));
}

void
manager_clear(struct manager *manager)
{
	struct agent *agent = manager->dispatch->agents;
	struct active *active;

	for (; agent != NULL; agent = agent->next) {
		if (!agent->is_closed)
			close(agent->fd);
		agent->is_closed = true;
		alloc_release(agent->task);
	}
	agent_reap(manager);
	dispatch_free(&manager->dispatch);
	while ((active = manager->actives) != NULL)
		active_free(manager, &active);
	scan_free(&manager->scan);
	router_free(&manager->router);
	schedule_free(&manager->schedule);
	alloc_release(manager->pauses);
	journal_free(&manager->journal);
	answers_free(&manager->answers);
	bounce_texts_free(&manager->bounce_texts);
	buf_free(&manager->trigger_input);
	buf_free(&manager->control_input);
}

void
manager_add(struct manager *manager, const char *id, bool may_be_tried)
{
	struct entry *entry = schedule_add(manager->schedule, id);

	if (entry == NULL)
		return;
	if (may_be_tried)
		entry->flags |= ENTRY_RETRY;
	schedule_set_due(manager->schedule, entry, manager->now);
}

/* A stop between the unlink of a message and of its reasons left these. */
static void
remove_orphan(struct manager *manager, const char *id)
{
	char path[SPOOL_PATH_SIZE];

	if (schedule_find(manager->schedule, id) != NULL)
		return;
	spool_path(id, path);
	if (faccessat(manager->spool_fd, path, F_OK, 0) != 0 && errno == ENOENT)
		reason_remove(manager->spool_fd, id);
}

/* One bucket: of queue/, and after the last of them of why/. */
static void
step_scan(struct manager *manager)
{
	enum scan_mode mode;
	char id[SPOOL_ID_SIZE];

	if (manager->scan == NULL) {
		if (manager->now < manager->next_scan)
			return;
		manager->scan = scan_new(manager->spool_fd, SCAN_CLEAN);
	}
	mode = scan_get_mode(manager->scan);
	while (scan_next(manager->scan, id)) {
		if (mode == SCAN_CLEAN)
			manager_add(manager, id, true);
		else
			remove_orphan(manager, id);
	}
	if (!scan_is_done(manager->scan))
		return;
	scan_free(&manager->scan);
	if (mode == SCAN_CLEAN)
		manager->scan = scan_new(manager->spool_fd, SCAN_REASONS);
	else
		manager->next_scan = manager->now + MANAGER_RESCAN_MS;
}

/* What was tried before may not take every place. */
static bool
is_for_fresh_only(const struct manager *manager)
{
	return manager->active_count >= MANAGER_TRIED_MAX;
}

static void
start_due(struct manager *manager)
{
	struct entry *entry;

	for (int i = 0; i < MANAGER_START_MAX && !manager->is_stopping &&
			manager->active_count < MANAGER_ACTIVE_MAX;
	     i++) {
		entry = schedule_take_due(manager->schedule, manager->now,
		    is_for_fresh_only(manager));
		if (entry == NULL)
			return;
		active_start(manager, entry);
	}
}

static void
write_marks(struct manager *manager)
{
	struct active *active = manager->actives;

	for (; active != NULL; active = active->next)
		if (active->needs_mark && active->tasks > 0)
			active_mark(manager, active);
}

static int64_t
earlier(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

static int
wait_time(const struct manager *manager, int timeout)
{
	int64_t next =
	    earlier(sync_next(manager), manager->dispatch->next_start);
	int64_t now = io_now();

	if (manager->scan != NULL && !manager->is_stopping)
		return 0;
	if (!manager->is_stopping && manager->active_count < MANAGER_ACTIVE_MAX)
		next = earlier(next, schedule_first_due(manager->schedule,
					 is_for_fresh_only(manager)));
	if (manager->dispatch->agents != NULL)
		next = earlier(next, now + IDLE_MS);
	if (manager->pauses->count > 0)
		next = earlier(next, now + PAUSE_MS);
	if (next <= now)
		return 0;
	return next - now < timeout ? (int)(next - now) : timeout;
}

static size_t
fill_polls(struct manager *manager, struct pollfd *polls, size_t size)
{
	const int fixed[POLL_AGENTS] = { manager->trigger_fd,
		manager->control_fd, manager->stop_fd,
		manager->spawners[SPAWNER_LOCAL],
		manager->spawners[SPAWNER_REMOTE] };
	struct agent *agent = manager->dispatch->agents;
	size_t n = 0;

	for (; n < POLL_AGENTS; n++)
		polls[n] = (struct pollfd){ .fd = fixed[n], .events = POLLIN };
	for (; agent != NULL && n < size; agent = agent->next)
		polls[n++] =
		    (struct pollfd){ .fd = agent->fd, .events = POLLIN };
	return n;
}

static void
serve_fixed(struct manager *manager, const struct pollfd *polls)
{
	if (polls[POLL_TRIGGER].revents != 0)
		control_read_trigger(manager);
	if (polls[POLL_CONTROL].revents != 0)
		control_read_commands(manager);
	if (polls[POLL_STOP].revents != 0 && !manager->is_stopping) {
		log_info("ending");
		manager->is_stopping = true;
	}
	if (polls[POLL_SPAWNER_LOCAL].revents != 0 ||
	    polls[POLL_SPAWNER_REMOTE].revents != 0) {
		log_error("a spawner ended; ending, to be started again");
		manager->has_failed = true;
	}
}

static void
wait_and_serve(struct manager *manager, int timeout)
{
	/* New agents come in front of this one, and none is freed here. */
	struct agent *agent = manager->dispatch->agents;
	size_t size = POLL_AGENTS + manager->dispatch->agent_counts[0] +
		      manager->dispatch->agent_counts[1],
	       n;
	struct pollfd *polls;

	polls = alloc_zero(size, sizeof(*polls));
	n = fill_polls(manager, polls, size);
	if (manager->is_stopping)
		polls[POLL_STOP].fd = -1;
	if (poll(polls, n, wait_time(manager, timeout)) > 0) {
		manager->now = io_now();
		serve_fixed(manager, polls);
		for (size_t i = POLL_AGENTS; i < n; i++) {
			agent_serve(manager, agent, polls[i].revents);
			agent = agent->next;
		}
	}
	manager->now = io_now();
	alloc_release(polls);
}

static bool
may_end(struct manager *manager)
{
	if (manager->has_failed)
		return true;
	if (!manager->is_stopping)
		return false;
	if (manager->stop_until == 0)
		manager->stop_until = manager->now + STOP_MS;
	return !dispatch_is_busy(manager->dispatch) ||
	       manager->now > manager->stop_until;
}

/* Not before the control FIFO is open: from then on mailq tells us. */
static void
begin(struct manager *manager)
{
	struct why why = { 0 };

	manager->has_begun = true;
	if (!pauses_load(manager->spool_fd, manager->pauses, &why))
		log_error("cannot read the pauses: %s", why.text);
}

bool
manager_step(struct manager *manager, int timeout)
{
	if (!manager->has_begun)
		begin(manager);
	wait_and_serve(manager, timeout);
	if (!manager->is_stopping)
		step_scan(manager);
	control_end_pauses(manager);
	start_due(manager);
	dispatch_run(manager);
	write_marks(manager);
	sync_run(manager);
	journal_flush(manager->journal, (uint64_t)time(NULL));
	agent_expire(manager);
	agent_reap(manager);
	return !may_end(manager);
}
