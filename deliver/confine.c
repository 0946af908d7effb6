/* SPDX-License-Identifier: ISC */
#include "config.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "common/arena.h"
#include "common/jail.h"
#include "common/log.h"
#include "common/mailbox/maildir.h"
#include "common/resolve.h"

#include "deliver/deliver.h"

/* Two of a recipient, two of the mailbox, the home, the end. */
#define PATHS_MAX  (2 * JOB_RECIPIENTS_MAX + 4)
#define PATH_ARENA (2 * LIMIT_PIPE_MESSAGE)

struct path_list {
	struct arena *arena;
	const char *paths[PATHS_MAX];
	size_t count;
};

static enum confinement
confinement_for(const struct job *job)
{
	enum confinement found = CONFINED_TO_MAILBOX;

	for (size_t i = 0; i < job->recipient_count; i++) {
		if (job->recipients[i].kind == TARGET_PROGRAM)
			return CONFINED_TO_COMMANDS;
		if (job->recipients[i].kind == TARGET_FILE)
			found = CONFINED_TO_FILES;
	}
	return found;
}

static void
add_path(struct path_list *list, struct slice path)
{
	if (list->count < PATHS_MAX - 1)
		list->paths[list->count++] = arena_dup(list->arena, path);
}

/* A Maildir by itself, made when it is missing: later nothing above it may
 * be written. An mbox with its directory, where its lock is made; and by
 * its own name, which may be a link. */
static void
add_mailbox(struct path_list *list, struct slice path)
{
	const char *name = arena_dup(list->arena, path);
	struct why why;
	int fd;

	if (name == NULL || name[0] != '/' || strcmp(name, "/dev/null") == 0)
		return;
	if (delivery_path_is_maildir(name)) {
		fd = maildir_open(name, true, &why);
		if (fd < 0)
			log_warning("%s", why.text);
		else
			close(fd);
	} else {
		add_path(
		    list, slice_first(path, slice_last_index(path, '/') + 1));
	}
	add_path(list, path);
}

static void
list_paths(struct path_list *list, const struct job *job)
{
	bool has_mailbox = false;

	for (size_t i = 0; i < job->recipient_count; i++) {
		if (job->recipients[i].kind == TARGET_FILE)
			add_mailbox(list, job->recipients[i].argument);
		else
			has_mailbox = true;
	}
	if (!has_mailbox)
		return;
	add_path(list, slice_of(job->user.home));
	add_mailbox(list, slice_of(job->user.mail));
}

/* spool stays open, and what is below it. */
static bool
enter_jail(
    struct agent *agent, const struct job *job, int spool, struct why *why)
{
	struct path_list list = { .arena = arena_new("paths", PATH_ARENA) };
	struct jail_request request = { .keep_count = spool + 1,
		.paths = list.paths,
		.uid = geteuid(),
		.gid = getegid() };
	time_t zero = 0;
	struct tm tm;
	bool ok;

	/* libc reads the time zone now or never. */
	localtime_r(&zero, &tm);
	list_paths(&list, job);
	ok = jail_enter(jail_find("deliver"), agent->settings, &request, why);
	if (!ok)
		log_error("%s", why->text);
	arena_free(&list.arena);
	return ok;
}

/* Without a home the agent stays as it is, and this is its last job: what
 * is made or mounted later would not be in the rules. */
bool
agent_confine(struct agent *agent, const struct job *job, int spool, bool *ok,
    struct why *why)
{
	enum confinement needed = confinement_for(job);

	*ok = true;
	if (agent->confinement == CONFINE_NEVER)
		return true;
	if (agent->confinement != CONFINE_AT_JOB)
		return agent->confinement == needed;
	/* What the message meets there is no fault of its own: an answer. */
	if ((needed == CONFINED_TO_MAILBOX &&
		!delivery_make_home(&job->user, why)) ||
	    (needed != CONFINED_TO_COMMANDS &&
		!enter_jail(agent, job, spool, why))) {
		*ok = false;
		agent->is_spent = true;
		return true;
	}
	agent->confinement = needed;
	agent->is_spent = needed == CONFINED_TO_FILES;
	return true;
}
