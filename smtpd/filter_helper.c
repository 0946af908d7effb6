/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "smtpd/filter_helper.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include "common/io.h"
#include "common/jail.h"
#include "common/limits.h"
#include "common/log.h"
#include "common/pipemsg.h"
#include "common/program.h"

enum helper_message {
	HELPER_RUN = 1,  /* u32 number */
	HELPER_WAIT = 2, /* u32 number, u32 milliseconds */
	/* u32 is ok, u32 wait status; of RUN: two of them, with the stream
	 * and, where there is one, the errors attached */
	HELPER_RESULT = 3,
};

enum {
	REQUEST_SECONDS = 20,
	ERRORS_DESCRIPTOR = 3
};

struct helper {
	const struct settings *settings;
	const struct filter_specs *specs;
	pid_t pids[LIMIT_FILTERS]; /* leaders of groups; 0 none */
};

static void
close_pair(const int ends[2])
{
	if (ends[0] >= 0)
		close(ends[0]);
	if (ends[1] >= 0)
		close(ends[1]);
}

_Noreturn static void
run_program(const struct filter_spec *spec, int stream, int errors)
{
	char path[] = "PATH=/usr/local/bin:/usr/bin:/bin:/usr/sbin:"
		      "/sbin",
	     home[] = "HOME=/";
	char *const environment[] = { path, home, NULL };
	char *arguments[FILTER_ARGUMENTS_MAX + 1];
	const struct program_start start = { .name = filter_name(spec),
		.descriptors = { stream, stream, -1, errors },
		.descriptor_count = errors >= 0 ? 4 : 3 };
	const struct sigaction normal = { .sa_handler = SIG_DFL };
	struct why why = { 0 };

	/* execve takes char *, and changes nothing. */
	memcpy(arguments, spec->arguments, sizeof(arguments));
	if (setpgid(0, 0) == 0 && program_settle(&start, &why) &&
	    (errors < 0 || (dup2(ERRORS_DESCRIPTOR, STDERR_FILENO) >= 0 &&
			       close(ERRORS_DESCRIPTOR) == 0)) &&
	    sigaction(SIGPIPE, &normal, NULL) == 0)
		execve(arguments[0], arguments, environment);
	_exit(EX_OSFILE);
}

static bool
send_result(struct message *message, bool is_ok, int status, int attached)
{
	int64_t deadline = io_deadline(REQUEST_SECONDS);
	enum io_status io;

	message_begin(message, HELPER_RESULT);
	message_put_u32(message, is_ok ? 1 : 0);
	message_put_u32(message, (uint32_t)status);
	io = attached >= 0
		 ? message_send_fd(message, STDIN_FILENO, attached, deadline)
		 : message_send(message, STDIN_FILENO, deadline);
	return io == IO_OK;
}

/* The whole group, so that what it started goes as well. */
static void
kill_group(struct helper *helper, size_t number)
{
	pid_t pid = helper->pids[number];

	if (pid <= 0)
		return;
	kill(-pid, SIGKILL);
	kill(pid, SIGKILL);
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		continue;
	helper->pids[number] = 0;
}

static bool
serve_run(struct helper *helper, struct message *message, uint32_t number)
{
	const struct filter_spec *spec = &helper->specs->items[number];
	int stream[2] = { -1, -1 }, errors[2] = { -1, -1 };
	bool ok, is_short = spec->kind == FILTER_COMMAND;
	pid_t pid = -1;

	kill_group(helper, number);
	ok = socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, stream) == 0 &&
	     (!is_short || pipe2(errors, O_CLOEXEC) == 0);
	if (ok)
		pid = fork();
	if (ok && pid == 0)
		run_program(spec, stream[1], errors[1]);
	if (pid > 0)
		helper->pids[number] = pid;
	ok = send_result(message, pid > 0, 0, pid > 0 ? stream[0] : -1) &&
	     send_result(message, pid > 0, 0, pid > 0 ? errors[0] : -1);
	close_pair(stream);
	close_pair(errors);
	return ok;
}

static bool
wait_until(pid_t pid, int64_t deadline, int *status)
{
	const struct timespec step = { .tv_nsec = 5000000 };
	sigset_t set;
	pid_t got;

	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	for (;;) {
		got = waitpid(pid, status, WNOHANG);
		if (got == pid || (got < 0 && errno != EINTR))
			return got == pid;
		if (io_now() >= deadline)
			return false;
		/* Blocked, so pending when it came before this. */
		sigtimedwait(&set, NULL, &step);
	}
}

static bool
serve_wait(struct helper *helper, struct message *message, uint32_t number,
    uint32_t milliseconds)
{
	pid_t pid = helper->pids[number];
	int status = 0;
	bool is_known =
	    pid > 0 && wait_until(pid, io_now() + milliseconds, &status);

	if (is_known) {
		/* What it left behind has its descriptors still. */
		kill(-pid, SIGKILL);
		helper->pids[number] = 0;
	}
	kill_group(helper, number);
	return send_result(message, is_known, status, -1);
}

/* One request; false when verify is gone or says something else. */
static bool
serve(struct helper *helper, struct message *message)
{
	uint32_t number = 0, milliseconds = 0;

	if (message_receive(message, STDIN_FILENO, IO_FOREVER) != IO_OK)
		return false;
	message_get_u32(message, &number);
	if (message->type == HELPER_WAIT)
		message_get_u32(message, &milliseconds);
	if (!message_end(message) || number >= helper->specs->count ||
	    helper->specs->items[number].kind == FILTER_MILTER ||
	    milliseconds > 1000U * TIMEOUT_VERIFY)
		return false;
	if (message->type == HELPER_RUN)
		return serve_run(helper, message, number);
	return message->type == HELPER_WAIT &&
	       serve_wait(helper, message, number, milliseconds);
}

_Noreturn static void
helper_run(const void *context, int fd)
{
	const struct helper *start = context;
	struct helper helper = *start;
	const struct jail_request request = { .keep_count = 3,
		.user = "_mpverify" };
	struct message message;
	struct why why = { 0 };
	sigset_t set;

	log_move(STDERR_FILENO);
	if (dup2(fd, STDIN_FILENO) < 0 ||
	    !jail_enter(jail_find("filter"), helper.settings, &request, &why)) {
		log_error("filter helper: %s", why.text);
		_exit(1);
	}
	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	sigprocmask(SIG_BLOCK, &set, NULL);
	message_init(&message);
	while (serve(&helper, &message))
		continue;
	for (size_t i = 0; i < helper.specs->count; i++)
		kill_group(&helper, i);
	_exit(0);
}

int
filter_helper_start(const struct settings *settings,
    const struct filter_specs *specs, struct why *why)
{
	const struct helper start = { .settings = settings, .specs = specs };

	return program_fork_helper(helper_run, &start, NULL, why);
}

static bool
receive_result(int helper, struct message *message, int *attached,
    int64_t deadline, uint32_t *status)
{
	uint32_t is_ok = 0;

	*attached = -1;
	if (message_receive_fd(message, helper, attached, deadline) != IO_OK ||
	    message->type != HELPER_RESULT)
		return false;
	message_get_u32(message, &is_ok);
	message_get_u32(message, status);
	return message_end(message) && is_ok == 1;
}

bool
filter_helper_run(
    int helper, size_t number, struct filter_process *process, struct why *why)
{
	int64_t deadline = io_deadline(REQUEST_SECONDS);
	struct message message;
	uint32_t status;
	bool ok;

	process->stream = process->errors = -1;
	message_init(&message);
	message_begin(&message, HELPER_RUN);
	message_put_u32(&message, (uint32_t)number);
	ok = message_send(&message, helper, deadline) == IO_OK;
	/* Both come, whatever the first says. */
	ok = receive_result(
		 helper, &message, &process->stream, deadline, &status) &&
	     ok;
	ok = receive_result(
		 helper, &message, &process->errors, deadline, &status) &&
	     ok && process->stream >= 0;
	message_free(&message);
	if (ok && io_set_nonblocking(process->stream, true))
		return true;
	close_pair((const int[2]){ process->stream, process->errors });
	process->stream = process->errors = -1;
	return why_set(why, "the helper did not start it");
}

bool
filter_helper_wait(int helper, size_t number, int64_t deadline, int *status)
{
	int64_t left = deadline - io_now();
	struct message message;
	uint32_t value = 0;
	int none = -1;
	bool ok;

	left = left < 0 ? 0 : left;
	message_init(&message);
	message_begin(&message, HELPER_WAIT);
	message_put_u32(&message, (uint32_t)number);
	message_put_u32(&message, (uint32_t)left);
	ok = message_send(&message, helper, io_deadline(REQUEST_SECONDS)) ==
		 IO_OK &&
	     receive_result(helper, &message, &none,
		 io_now() + left + 1000 * REQUEST_SECONDS, &value);
	*status = (int)value;
	if (none >= 0)
		close(none);
	message_free(&message);
	return ok;
}
