/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "common/program.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sysexits.h>
#include <unistd.h>

#include "common/log.h"

/* What a started program keeps of the environment; the last three are for
 * builds with sanitizers. */
static const char *const program_environment[] = {
	"PATH",
	"TZ",
	"MERPATI_CONF",
#ifdef WITH_FAULT_POINTS
	"MERPATI_FAULT_POINT",
#endif
	"ASAN_OPTIONS",
	"UBSAN_OPTIONS",
	"LSAN_OPTIONS",
};

#define PROGRAM_ENVIRONMENT                                                    \
	(sizeof(program_environment) / sizeof(program_environment[0]))

/* Signals that any of our programs handles, ignores or blocks. */
static const int program_signals[] = { SIGHUP, SIGINT, SIGTERM, SIGCHLD,
	SIGALRM, SIGUSR1, SIGUSR2 };

static const struct program *
program_find(const char *name)
{
	for (const struct program *p = program_table; p->name != NULL; p++)
		if (strcmp(p->name, name) == 0)
			return p;
	return NULL;
}

static bool
program_close_from(int first)
{
#ifdef SYS_close_range
	if (syscall(SYS_close_range, (unsigned int)first, ~0U, 0U) == 0)
		return true;
#endif
	for (long fd = first; fd < sysconf(_SC_OPEN_MAX); fd++)
		close((int)fd);
	return true;
}

/* Sources that another descriptor's place would overwrite go above all
 * places first. */
static bool
program_lift(int *sources, int count)
{
	for (int i = 0; i < count; i++) {
		if (sources[i] < 0 || sources[i] == i)
			continue;
		if (sources[i] < count)
			sources[i] =
			    fcntl(sources[i], F_DUPFD, PROGRAM_DESCRIPTORS_MAX);
		if (sources[i] < 0)
			return false;
	}
	return true;
}

static bool
program_place(int source, int place)
{
	bool is_null = source < 0;

	if (source == place)
		return fcntl(place, F_SETFD, 0) == 0;
	if (is_null)
		source = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (source == place)
		return fcntl(place, F_SETFD, 0) == 0;
	if (source < 0 || dup2(source, place) < 0)
		return false;
	if (is_null)
		close(source);
	return true;
}

static bool
program_map_descriptors(const struct program_start *start, struct why *why)
{
	int sources[PROGRAM_DESCRIPTORS_MAX] = { -1, -1, STDERR_FILENO };
	int count = start->descriptor_count;

	BUG_UNLESS(count <= PROGRAM_DESCRIPTORS_MAX);
	log_move(STDERR_FILENO);
	for (int i = 0; i < count; i++)
		if (i != STDERR_FILENO)
			sources[i] = start->descriptors[i];
	if (count <= STDERR_FILENO)
		count = STDERR_FILENO + 1;
	if (!program_lift(sources, count))
		return why_errno(why, "descriptors of %s", start->name);
	for (int i = 0; i < count; i++)
		if (!program_place(sources[i], i))
			return why_errno(
			    why, "descriptor %d of %s", i, start->name);
	return program_close_from(count);
}

static void
program_reset_signals(void)
{
	struct sigaction action = { .sa_handler = SIG_DFL };
	sigset_t none;

	for (size_t i = 0;
	     i < sizeof(program_signals) / sizeof(program_signals[0]); i++)
		sigaction(program_signals[i], &action, NULL);
	action.sa_handler = SIG_IGN;
	sigaction(SIGPIPE, &action, NULL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

/* The entries stay where they are in the parent's environment; only the
 * vector is new. */
static void
program_pick_environment(char *kept[PROGRAM_ENVIRONMENT + 1])
{
	size_t n = 0;

	for (char **entry = environ; *entry != NULL; entry++) {
		struct slice name, value;

		slice_cut(slice_of(*entry), '=', &name, &value);
		for (size_t i = 0; i < PROGRAM_ENVIRONMENT; i++)
			if (n < PROGRAM_ENVIRONMENT &&
			    slice_eq(name, slice_of(program_environment[i])))
				kept[n++] = *entry;
	}
	kept[n] = NULL;
}

static int
program_add_arguments(char **out, int n, const struct program_start *start)
{
	for (int i = 0; i < PROGRAM_ARGUMENTS_MAX; i++) {
		if (start->arguments[i] == NULL)
			break;
		/* execve and getopt take char *, and change nothing. */
		memcpy(&out[n++], &start->arguments[i], sizeof(char *));
	}
	out[n] = NULL;
	return n;
}

static bool
program_exec_file(const struct settings *settings,
    const struct program_start *start, struct why *why)
{
	char *arguments[PROGRAM_ARGUMENTS_MAX + 4];
	char *environment[PROGRAM_ENVIRONMENT + 1];
	char option[] = "-c";
	char path[4096];
	int n = 0;

	if ((size_t)snprintf(path, sizeof(path), "%s/%s",
		settings->program_directory, start->name) >= sizeof(path))
		return why_set(why, "program_directory: name too long");
	memcpy(&arguments[n++], &start->name, sizeof(char *));
	if (settings->path != NULL && settings->path[0] != '\0') {
		arguments[n++] = option;
		arguments[n++] = settings->path;
	}
	program_add_arguments(arguments, n, start);
	program_pick_environment(environment);
	execve(path, arguments, environment);
	return why_errno(why, "execute %s", path);
}

bool
program_settle(const struct program_start *start, struct why *why)
{
	program_reset_signals();
	return program_map_descriptors(start, why);
}

bool
program_exec(const struct settings *settings, const struct program_start *start,
    struct why *why)
{
	const struct program *linked = program_find(start->name);
	char *arguments[PROGRAM_ARGUMENTS_MAX + 2];
	int count;

	if (!program_settle(start, why))
		return false;
	if (linked == NULL)
		return program_exec_file(settings, start, why);
	log_rename(start->name);
	memcpy(&arguments[0], &start->name, sizeof(char *));
	count = program_add_arguments(arguments, 1, start);
	_exit(linked->run(settings, count, arguments));
}

pid_t
program_spawn(const struct settings *settings,
    const struct program_start *start, struct why *why)
{
	pid_t pid = fork();

	if (pid < 0)
		why_errno(why, "start %s", start->name);
	if (pid != 0)
		return pid;
	program_exec(settings, start, why);
	log_error("%s", why == NULL ? start->name : why->text);
	_exit(EX_TEMPFAIL);
}
