/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "queue/qmgr.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sysexits.h>
#include <unistd.h>

#include "common/arena.h"
#include "common/io.h"
#include "common/jail.h"
#include "common/log.h"
#include "common/program.h"
#include "common/spooldir.h"

#include "queue/dropwatch.h"
#include "queue/manager.h"

#define STEP_MS        60000
#define READ_PATHS_MAX 16

/* Everything that outlives the start. */
struct start {
	int spool_fd;
	int lock_fd;
	int trigger_fd;
	int control_fd;
	int pickup_fd;
	int spawners[SPAWNERS];
	pid_t pids[SPAWNERS];
};

static bool
open_spool(
    const struct settings *settings, struct start *start, struct why *why)
{
	if (!spool_check(settings, why))
		return false;
	start->spool_fd = spool_open(settings, why);
	if (start->spool_fd < 0)
		return false;
	start->lock_fd = openat(start->spool_fd, "lock", O_RDWR | O_CLOEXEC);
	if (start->lock_fd < 0)
		return why_errno(why, "spool lock");
	if (flock(start->lock_fd, LOCK_EX | LOCK_NB) != 0)
		return why_set(why, "a qmgr is running on %s already",
		    settings->queue_directory);
	/* For writing as well, so that there is never an end of file. */
	start->trigger_fd =
	    openat(start->spool_fd, "trigger", O_RDWR | O_NONBLOCK | O_CLOEXEC);
	start->control_fd =
	    openat(start->spool_fd, "control", O_RDWR | O_NONBLOCK | O_CLOEXEC);
	if (start->trigger_fd < 0 || start->control_fd < 0)
		return why_errno(why, "spool FIFO");
	return true;
}

static bool
start_spawner(const struct settings *settings, struct start *start,
    enum spawner kind, struct why *why)
{
	static const char *const names[SPAWNERS] = { "deliver-spawn",
		"relay-spawn" };
	struct program_start program = { .name = names[kind],
		.descriptor_count = 1 };
	int ends[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
		return why_errno(why, "socketpair");
	program.descriptors[0] = ends[1];
	start->pids[kind] = program_spawn(settings, &program, why);
	close(ends[1]);
	if (start->pids[kind] < 0) {
		close(ends[0]);
		return why_context(why, "%s", names[kind]);
	}
	start->spawners[kind] = ends[0];
	return true;
}

static void
close_for_dropwatch(const struct start *start, int stop_fd)
{
	close(start->spool_fd);
	close(start->lock_fd);
	close(start->trigger_fd);
	close(start->control_fd);
	close(start->spawners[SPAWNER_LOCAL]);
	close(start->spawners[SPAWNER_REMOTE]);
	if (stop_fd >= 0)
		close(stop_fd);
}

static bool
start_dropwatch(const struct settings *settings, struct start *start,
    int stop_fd, struct why *why)
{
	int ends[2];
	pid_t pid;

	if (pipe2(ends, O_CLOEXEC) != 0)
		return why_errno(why, "pipe");
	pid = fork();
	if (pid < 0)
		return why_errno(why, "fork");
	if (pid == 0) {
		close(ends[1]);
		close_for_dropwatch(start, stop_fd);
		log_rename("dropwatch");
		_exit(dropwatch_run(settings, ends[0]));
	}
	close(ends[0]);
	start->pickup_fd = ends[1];
	return io_set_nonblocking(ends[1], true);
}

/* The directory of each table: an editor replaces the file itself. */
static void
add_directories(
    const struct settings *settings, struct arena *arena, const char **paths)
{
	const char *files[] = { settings->path, settings->route_map,
		settings->relay_map, settings->sender_route_map,
		settings->tls_policy_map, settings->destination_map,
		settings->aliases, settings->virtual_aliases, settings->users };
	struct slice file;
	size_t n = 0;

	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		file = slice_of(files[i] == NULL ? "" : files[i]);
		file = slice_first(file, slice_last_index(file, '/'));
		if (slice_starts(file, S("/")))
			paths[n++] = arena_dup(arena, file);
	}
}

static bool
enter_jail(const struct settings *settings, int highest, bool dies_with_parent,
    struct why *why)
{
	const char *paths[] = { settings->queue_directory,
		settings->state_directory, NULL };
	const char *read_paths[READ_PATHS_MAX] = { "/etc",
		"/usr/share/zoneinfo", "/usr/lib", "/lib", "/lib64",
		"/run/systemd/userdb" };
	struct jail_request request = { .keep_count = highest + 1,
		.paths = paths,
		.read_paths = read_paths,
		.dies_with_parent = dies_with_parent };
	struct arena *arena = arena_new("start", 65536);
	bool ok;

	add_directories(settings, arena, read_paths + 6);
	ok = jail_enter(jail_find("qmgr"), settings, &request, why);
	arena_free(&arena);
	return ok;
}

static int
highest_descriptor(const struct start *start, int stop_fd)
{
	const int all[] = { start->spool_fd, start->lock_fd, start->trigger_fd,
		start->control_fd, start->pickup_fd,
		start->spawners[SPAWNER_LOCAL], start->spawners[SPAWNER_REMOTE],
		stop_fd };
	int highest = STDERR_FILENO;

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		if (all[i] > highest)
			highest = all[i];
	return highest;
}

static int
serve(const struct settings *settings, const struct start *start, int stop_fd)
{
	struct manager manager;
	int status;

	manager_init(&manager, settings, start->spool_fd);
	manager.trigger_fd = start->trigger_fd;
	manager.control_fd = start->control_fd;
	manager.pickup_fd = start->pickup_fd;
	manager.stop_fd = stop_fd;
	for (int i = 0; i < SPAWNERS; i++)
		manager.spawners[i] = start->spawners[i];
	while (manager_step(&manager, STEP_MS))
		continue;
	status = manager.has_failed ? EX_TEMPFAIL : EX_OK;
	manager_clear(&manager);
	return status;
}

int
qmgr_serve(const struct settings *settings, const struct qmgr_end *end)
{
	struct start start = { .pickup_fd = -1 };
	struct why why = { 0 };

	if (!open_spool(settings, &start, &why) ||
	    !start_spawner(settings, &start, SPAWNER_LOCAL, &why) ||
	    !start_spawner(settings, &start, SPAWNER_REMOTE, &why) ||
	    !start_dropwatch(settings, &start, end->stop_fd, &why) ||
	    !enter_jail(settings, highest_descriptor(&start, end->stop_fd),
		end->parent != 0, &why)) {
		log_error("cannot start: %s", why.text);
		return EX_TEMPFAIL;
	}
	/* It may have ended before the kernel was asked to tell. */
	if (end->parent != 0 && getppid() != end->parent) {
		log_error("cannot start: who started it is gone");
		return EX_TEMPFAIL;
	}
	log_info("started on %s", settings->queue_directory);
	return serve(settings, &start, end->stop_fd);
}
