/* SPDX-License-Identifier: ISC */
#include "config.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "common/io.h"
#include "common/limits.h"

#include "queue/relay_outside.h"

#define WAIT_NS 10000000L

static _Noreturn void
execute(const char *program, const char *login, const char *host, int output)
{
	char path[1024], user[LIMIT_USER_NAME + 1], peer[OUTSIDE_HOST_SIZE];
	char place[] = "PATH=/usr/sbin:/usr/bin:/sbin:/bin";
	char *environment[] = { place, NULL };
	char *arguments[] = { path, user, peer, NULL };
	const struct sigaction reset = { .sa_handler = SIG_DFL };
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	setpgid(0, 0);
	sigaction(SIGPIPE, &reset, NULL);
	snprintf(path, sizeof(path), "%s", program);
	snprintf(user, sizeof(user), "%s", login);
	snprintf(peer, sizeof(peer), "%s", host);
	if (dup2(null, STDIN_FILENO) < 0 || dup2(output, STDOUT_FILENO) < 0 ||
	    dup2(null, STDERR_FILENO) < 0)
		_exit(111);
	execve(path, arguments, environment);
	_exit(111);
}

/* All that it prints before the deadline, one byte past the limit at most. */
static void
read_output(int fd, int64_t deadline, struct buf *out)
{
	char bytes[1024];
	size_t got;

	while (out->len <= LIMIT_TOKEN &&
	       io_read_some(fd, bytes, sizeof(bytes), &got, deadline) == IO_OK)
		buf_add(out, slice_make(bytes, got));
}

static bool
wait_for_end(pid_t pid, int64_t deadline, struct why *why)
{
	const struct timespec pause = { .tv_nsec = WAIT_NS };
	int status = 0;
	pid_t got;

	while (
	    (got = waitpid(pid, &status, WNOHANG)) == 0 && io_now() < deadline)
		nanosleep(&pause, NULL);
	/* Whatever it has started goes with it. */
	kill(-pid, SIGKILL);
	if (got == 0) {
		waitpid(pid, &status, 0);
		return why_set(why, "relay_token_command takes too long");
	}
	if (got == pid && WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return true;
	return why_set(why, "relay_token_command failed (status %d)",
	    WIFEXITED(status) ? WEXITSTATUS(status) : -1);
}

bool
relay_token_run(const struct settings *settings, const char *login,
    const char *host, struct buf *token, struct why *why)
{
	int64_t deadline = io_deadline(TIMEOUT_TOKEN);
	struct slice line, rest;
	struct buf output;
	int ends[2];
	pid_t pid;
	bool ok;

	if (pipe2(ends, O_CLOEXEC) < 0)
		return why_errno(why, "pipe");
	buf_init(&output, LIMIT_TOKEN + 1024);
	pid = fork();
	if (pid == 0)
		execute(settings->relay_token_command, login, host, ends[1]);
	close(ends[1]);
	if (pid > 0)
		read_output(ends[0], deadline, &output);
	close(ends[0]);
	ok =
	    pid > 0 ? wait_for_end(pid, deadline, why) : why_errno(why, "fork");
	slice_cut(buf_slice(&output), '\n', &line, &rest);
	line = slice_trim(line);
	if (ok && (line.len == 0 || line.len > LIMIT_TOKEN))
		ok = why_set(why, "relay_token_command printed no token");
	if (ok)
		buf_add(token, line);
	buf_free(&output);
	return ok;
}
