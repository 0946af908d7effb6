/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "queue/dropwatch.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#ifdef HAVE_SYS_INOTIFY_H
#include <sys/inotify.h>
#endif
#include <sys/wait.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include "common/inject.h"
#include "common/io.h"
#include "common/jail.h"
#include "common/log.h"
#include "common/program.h"
#include "common/verify.h"
#include "common/verify_start.h"

enum {
	DROPWATCH_STARTER = 3
}; /* as pickup has it */

/* -1: there is no such thing here; the directory is looked at often. */
static int
watch_directory(const struct settings *settings)
{
#ifdef HAVE_SYS_INOTIFY_H
	char path[4096];
	int fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);

	snprintf(path, sizeof(path), "%s/drop", settings->queue_directory);
	if (fd >= 0 && inotify_add_watch(fd, path,
			   IN_CLOSE_WRITE | IN_MOVED_TO | IN_ATTRIB) >= 0)
		return fd;
	log_warning("cannot watch %s: %s; looking every %d s", path,
	    strerror(errno), DROPWATCH_POLL);
	if (fd >= 0)
		close(fd);
#else
	(void)settings;
#endif
	return -1;
}

static void
run_pickup(const struct settings *settings, int starter)
{
	struct program_start start = { .name = "pickup",
		.descriptors = { -1, -1, -1, starter },
		.descriptor_count = starter < 0 ? 0 : DROPWATCH_STARTER + 1 };
	struct timespec pause = { .tv_sec = DROPWATCH_PAUSE };
	struct why why = { 0 };
	int status = 0;
	pid_t pid = program_spawn(settings, &start, &why);

	if (pid < 0) {
		log_error("cannot start pickup: %s", why.text);
		nanosleep(&pause, NULL);
		return;
	}
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		continue;
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
		log_warning("pickup ended with status %d", status);
		nanosleep(&pause, NULL);
	}
}

/* Several changes are one reason to look. */
static void
drain(int fd)
{
	char bytes[4096];

	while (fd >= 0 && read(fd, bytes, sizeof(bytes)) > 0)
		continue;
}

static void
watch(const struct settings *settings, int starter, int change_fd)
{
	int timeout =
	    (change_fd >= 0 ? DROPWATCH_RESCAN : DROPWATCH_POLL) * 1000;
	struct pollfd polls[2] = { { .fd = STDIN_FILENO, .events = POLLIN },
		{ .fd = change_fd, .events = POLLIN } };
	char byte;

	for (;;) {
		run_pickup(settings, starter);
		polls[0].revents = 0;
		if (poll(polls, 2, timeout) < 0 && errno != EINTR)
			return;
		if (polls[0].revents != 0 && read(STDIN_FILENO, &byte, 1) <= 0)
			return;
		drain(change_fd);
	}
}

int
dropwatch_run(const struct settings *settings, int request_fd)
{
	int change_fd = watch_directory(settings);
	struct jail_request request = { .keep_count = 3 };
	struct why why = { 0 };
	int starter = -1;

	/* What else qmgr has open is not for here. */
	if (dup2(request_fd, STDIN_FILENO) < 0 ||
	    (change_fd >= 0 && dup2(change_fd, STDOUT_FILENO) < 0)) {
		log_error("dropwatch: %s", strerror(errno));
		return EX_OSERR;
	}
	if (verify_is_needed(settings, INJECT_LOCAL)) {
		/* The log may be there. */
		log_move(STDERR_FILENO);
		starter = verify_starter(settings, &why);
		if (starter < 0 ||
		    dup2(starter, DROPWATCH_STARTER) != DROPWATCH_STARTER) {
			log_error("dropwatch: %s", why.text);
			return EX_OSERR;
		}
		starter = DROPWATCH_STARTER;
		request.keep_count = DROPWATCH_STARTER + 1;
	}
	if (!jail_enter(jail_find("pickup"), settings, &request, &why)) {
		log_error("dropwatch: %s", why.text);
		return EX_OSERR;
	}
	watch(settings, starter, change_fd < 0 ? -1 : STDOUT_FILENO);
	return EX_OK;
}
