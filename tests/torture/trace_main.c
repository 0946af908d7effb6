/* SPDX-License-Identifier: ISC */
/*
 * trace: run a host and stop it at one of its system calls.
 *
 *     trace [-a] [-w] [-s KINDS] [-k NAME:N] [-e ERROR] [-p PLANT] [-q DIR]
 *         -o LOG -- COMMAND [ARGUMENT...] [-- COMMAND...]
 *
 * Every process that comes from the commands is followed. Calls of the kinds
 * (calls.h) are counted for each program name and written to LOG as
 * "NAME:N CALL KINDS ARGUMENTS". At the N-th of NAME, before it or (-w) right
 * after it, the process is killed, or all of them (-a); or with -e that call,
 * or the next that can, gives the error, and nobody is killed. The first
 * command starts at once, the others at a SIGUSR1 each. SIGTERM kills all. On
 * stdout: "killed", "gave" (an error), "crashed NAME SIGNAL", "exit COMMAND
 * STATUS". Ends when no process is left.
 */
#include "config.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#include "tests/torture/calls.h"
#include "tests/torture/plant.h"
#include "tests/torture/tracee.h"

#define TRACEES_MAX  256
#define NAMES_MAX    64
#define COMMANDS_MAX 8

#define TRACE_OPTIONS                                                          \
	(PTRACE_O_EXITKILL | PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACEFORK |      \
	    PTRACE_O_TRACEVFORK | PTRACE_O_TRACECLONE | PTRACE_O_TRACEEXEC |   \
	    PTRACE_O_TRACESECCOMP)

/* What a call must be to give it. */
static const struct error {
	const char *name;
	int number;
	unsigned int kinds;
} errors[] = {
	{ "EIO", EIO, CALL_DISK },
	{ "ENOSPC", ENOSPC, CALL_DISK | CALL_CHANGES },
	{ "EDQUOT", EDQUOT, CALL_DISK | CALL_CHANGES },
	{ "EMFILE", EMFILE, CALL_OPENS },
	{ "ENOMEM", ENOMEM, CALL_MEMORY },
	{ "EROFS", EROFS, CALL_DISK | CALL_CHANGES },
	{ "EINTR", EINTR, CALL_SLOW },
	{ "short", -1, CALL_SIZED },
};

struct command {
	char **arguments;
	pid_t pid;
};

struct trace {
	bool kills_all, is_after;
	unsigned int kinds;
	char name[16];
	unsigned long at;          /* 0: nowhere, or it is over */
	const struct error *error; /* NULL: kill */
	struct plant plant;
	FILE *log;
	struct command commands[COMMANDS_MAX];
	size_t command_count, started;
	struct tracee tracees[TRACEES_MAX];
	struct {
		char name[16];
		unsigned long count;
	} counts[NAMES_MAX];
	bool is_over;    /* all are being killed */
	sigset_t before; /* the signal mask of the commands */
};

static struct tracee *
find_tracee(struct trace *trace, pid_t pid)
{
	struct tracee *free_place = NULL;

	for (size_t i = 0; i < TRACEES_MAX; i++) {
		if (trace->tracees[i].pid == pid)
			return &trace->tracees[i];
		if (trace->tracees[i].pid == 0 && free_place == NULL)
			free_place = &trace->tracees[i];
	}
	if (free_place == NULL)
		abort();
	memset(free_place, 0, sizeof(*free_place));
	free_place->pid = pid;
	return free_place;
}

static unsigned long
count(struct trace *trace, const char *name)
{
	for (size_t i = 0; i < NAMES_MAX; i++) {
		if (trace->counts[i].count == 0)
			memcpy(trace->counts[i].name, name,
			    sizeof(trace->counts[i].name));
		if (strcmp(trace->counts[i].name, name) == 0)
			return ++trace->counts[i].count;
	}
	abort();
}

static void
kill_all(struct trace *trace)
{
	trace->is_over = true;
	for (size_t i = 0; i < TRACEES_MAX; i++)
		if (trace->tracees[i].pid != 0)
			kill(trace->tracees[i].pid, SIGKILL);
}

static void
strike(struct trace *trace, const struct tracee *tracee)
{
	if (trace->kills_all)
		kill_all(trace);
	else
		kill(tracee->pid, SIGKILL);
	fprintf(trace->log, "killed\n");
	fflush(trace->log);
	printf("killed\n");
}

/* In another run the N-th call may be another one. */
static bool
can_give(const struct error *error, const struct tracee *tracee)
{
	if ((tracee->call->kinds & error->kinds) != error->kinds)
		return false;
	if ((error->kinds & CALL_DISK) != 0 && tracee->call->format[0] == 'd' &&
	    tracee_is_stream(tracee, tracee->arguments[0]))
		return false;
	return error->number != ENOMEM || !tracee_is_loading(tracee);
}

static void
give_error(struct trace *trace, struct tracee *tracee)
{
	trace->at = 0;
	tracee->is_in_call = true;
	if (tracee->call->number == SYS_brk) {
		/* It knows no error: the end of the heap stays where it is. */
		tracee_set_argument(tracee, 0, 0);
	} else if (trace->error->number > 0) {
		tracee_skip_call(tracee, -trace->error->number);
	} else if (tracee->arguments[2] > 1) {
		tracee_set_argument(tracee, 2, tracee->arguments[2] / 2);
	}
	fprintf(trace->log, "gave\n");
	printf("gave\n");
}

/* Now, or at the end of the call. */
static void
strike_at(struct trace *trace, struct tracee *tracee)
{
	trace->at = 0;
	tracee->is_in_call = true;
	if (trace->is_after)
		tracee->is_point = true;
	else
		strike(trace, tracee);
}

static void
log_call(struct trace *trace, const struct tracee *tracee, unsigned long n)
{
	unsigned int kinds = tracee->call->kinds;
	char text[600], letters[8];

	/* ld.so crashes by itself when it is refused memory. */
	if ((kinds & trace->kinds & CALL_MEMORY) != 0 &&
	    tracee_is_loading(tracee))
		kinds &= ~(unsigned int)CALL_MEMORY;
	tracee_describe(tracee, text, sizeof(text));
	fprintf(trace->log, "%s:%lu %s %s%s\n", tracee->name, n,
	    tracee->call->name, call_letters(kinds, letters), text);
}

static void
enter(struct trace *trace, struct tracee *tracee)
{
	long number = tracee_read_call(tracee);
	unsigned long n;

	tracee->call = call_find(number, tracee->arguments, trace->kinds);
	if (tracee->call == NULL || trace->is_over)
		return;
	tracee_read_name(tracee);
	n = count(trace, tracee->name);
	log_call(trace, tracee, n);
	plant_step(&trace->plant, tracee);
	tracee->is_in_call = plant_enter(&trace->plant, tracee);
	if (trace->at == 0 || n < trace->at ||
	    strcmp(tracee->name, trace->name) != 0)
		return;
	if (trace->error == NULL)
		strike_at(trace, tracee);
	else if (can_give(trace->error, tracee))
		give_error(trace, tracee);
}

static void
leave(struct trace *trace, struct tracee *tracee)
{
	if (tracee->is_changed)
		tracee_restore_arguments(tracee);
	if (tracee->is_answered)
		tracee_set_result(tracee, tracee->result);
	tracee->is_in_call = tracee->is_answered = false;
	if (tracee->is_point)
		strike(trace, tracee);
	tracee->is_point = false;
}

static bool
is_crash(int number)
{
	return number == SIGSEGV || number == SIGABRT || number == SIGBUS ||
	       number == SIGFPE || number == SIGILL || number == SIGSYS;
}

static void
finish(struct trace *trace, struct tracee *tracee, int status)
{
	int code =
	    WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);

	for (size_t i = 0; i < trace->started; i++)
		if (trace->commands[i].pid == tracee->pid)
			printf("exit %zu %d\n", i, code);
	if (WIFSIGNALED(status) && is_crash(WTERMSIG(status)))
		printf("crashed %s %d\n", tracee->name, WTERMSIG(status));
	if (tracee->is_point)
		strike(trace, tracee);
	memset(tracee, 0, sizeof(*tracee));
}

/* The signal to go on with. */
static int
handle_stop(struct trace *trace, struct tracee *tracee, int status)
{
	int number = WSTOPSIG(status);

	if (status >> 16 == PTRACE_EVENT_SECCOMP)
		enter(trace, tracee);
	else if (number == (SIGTRAP | 0x80))
		leave(trace, tracee);
	else if (status >> 16 != 0)
		return 0;
	else if (number == SIGSTOP && !tracee->is_known)
		tracee->is_known = true;
	else
		return number;
	return 0;
}

static void
handle(struct trace *trace, pid_t pid, int status)
{
	struct tracee *tracee = find_tracee(trace, pid);
	long number;

	if (!WIFSTOPPED(status)) {
		finish(trace, tracee, status);
		return;
	}
	number = handle_stop(trace, tracee, status);
	if (trace->is_over)
		kill(pid, SIGKILL);
	ptrace(tracee->is_in_call ? PTRACE_SYSCALL : PTRACE_CONT, pid, NULL,
	    number);
}

static void
start_command(struct trace *trace)
{
	struct command *command = &trace->commands[trace->started];
	pid_t pid;
	int status;

	fflush(NULL);
	pid = fork();
	if (pid == 0) {
		ptrace(PTRACE_TRACEME, 0, NULL, NULL);
		sigprocmask(SIG_SETMASK, &trace->before, NULL);
		if (raise(SIGSTOP) != 0 || !calls_filter(trace->kinds))
			_exit(EX_OSERR);
		execvp(command->arguments[0], command->arguments);
		_exit(EX_UNAVAILABLE);
	}
	trace->started++;
	command->pid = pid;
	find_tracee(trace, pid)->is_known = true;
	waitpid(pid, &status, __WALL);
	ptrace(PTRACE_SETOPTIONS, pid, NULL, TRACE_OPTIONS);
	ptrace(PTRACE_CONT, pid, NULL, 0L);
}

static void
run(struct trace *trace)
{
	sigset_t ours;
	siginfo_t info;
	pid_t pid;
	int status;

	sigemptyset(&ours);
	sigaddset(&ours, SIGUSR1);
	sigaddset(&ours, SIGTERM);
	sigaddset(&ours, SIGCHLD);
	sigprocmask(SIG_BLOCK, &ours, &trace->before);
	start_command(trace);
	for (;;) {
		while ((pid = waitpid(-1, &status, __WALL | WNOHANG)) > 0)
			handle(trace, pid, status);
		fflush(stdout);
		if (pid < 0)
			return;
		sigwaitinfo(&ours, &info);
		if (info.si_signo == SIGTERM)
			kill_all(trace);
		else if (info.si_signo == SIGUSR1 && !trace->is_over &&
			 trace->started < trace->command_count)
			start_command(trace);
	}
}

static bool
parse_kinds(const char *text, unsigned int *kinds)
{
	static const char letters[] = "CDOMSP";
	const char *at;

	*kinds = 0;
	for (; *text != '\0'; text++) {
		at = strchr(letters, *text);
		if (at == NULL)
			return false;
		*kinds |= 1U << (at - letters);
	}
	return true;
}

static bool
parse_place(struct trace *trace, const char *text)
{
	const char *colon = strrchr(text, ':');

	if (colon == NULL)
		return false;
	snprintf(trace->name, sizeof(trace->name), "%.*s", (int)(colon - text),
	    text);
	trace->at = strtoul(colon + 1, NULL, 10);
	return trace->at > 0;
}

static bool
parse_error(struct trace *trace, const char *text)
{
	for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++)
		if (strcmp(errors[i].name, text) == 0)
			trace->error = &errors[i];
	return trace->error != NULL;
}

static bool
parse_option(struct trace *trace, int option)
{
	switch (option) {
	case 'a':
		return trace->kills_all = true;
	case 'w':
		return trace->is_after = true;
	case 's':
		return parse_kinds(optarg, &trace->kinds);
	case 'k':
		return parse_place(trace, optarg);
	case 'e':
		return parse_error(trace, optarg);
	case 'p':
		return plant_parse(&trace->plant, optarg);
	case 'q':
		trace->plant.queue = optarg;
		return true;
	case 'o':
		trace->log = fopen(optarg, "we");
		return trace->log != NULL;
	default:
		return false;
	}
}

static bool
parse(struct trace *trace, int argc, char **argv)
{
	int option, last = argc;

	trace->kinds = CALL_CHANGES;
	while ((option = getopt(argc, argv, "+awe:k:o:p:q:s:")) != -1)
		if (!parse_option(trace, option))
			return false;
	for (int i = argc - 1; i >= optind; i--)
		if (strcmp(argv[i], "--") == 0)
			argv[i] = NULL;
	for (int i = optind; i < last; i++)
		if (argv[i] != NULL && (i == optind || argv[i - 1] == NULL) &&
		    trace->command_count < COMMANDS_MAX)
			trace->commands[trace->command_count++].arguments =
			    &argv[i];
	return trace->command_count > 0 && trace->log != NULL;
}

int
main(int argc, char *argv[])
{
	struct trace *trace = calloc(1, sizeof(*trace));

	if (trace == NULL || !parse(trace, argc, argv)) {
		fprintf(stderr, "usage: trace ... -o log -- command ...\n");
		return EX_USAGE;
	}
	run(trace);
	fclose(trace->log);
	free(trace);
	return EX_OK;
}
