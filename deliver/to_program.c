/* SPDX-License-Identifier: ISC */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/fsutil.h"
#include "common/io.h"

#include "deliver/command.h"
#include "deliver/deliver.h"

#define PROGRAM_TIMEOUT 1000 /* seconds */
#define PROGRAM_PATH    "/usr/local/bin:/usr/bin:/bin"
#define OUTPUT_KEPT     512

struct to_lines {
	int fd;
	bool is_after_cr;
};

/* A program reads a text of this system: LF ends. */
static bool
write_lines(void *context, struct slice bytes, struct why *why)
{
	struct to_lines *to = context;
	size_t run;

	while (bytes.len > 0) {
		if (to->is_after_cr && bytes.ptr[0] != '\n' &&
		    !fs_write_all(to->fd, S("\r"), why))
			return false;
		run = slice_index(bytes, '\r');
		to->is_after_cr = run < bytes.len;
		if (!fs_write_all(to->fd, slice_first(bytes, run), why))
			return false;
		bytes = slice_from(bytes, run + 1);
	}
	return true;
}

/* The message as an anonymous file, so that the program may read it at its
 * own pace, or not at all. */
static int
message_file(const struct delivery *delivery, struct why *why)
{
	struct to_lines to = { .fd = memfd_create("message", MFD_CLOEXEC) };

	if (to.fd < 0) {
		why_errno(why, "cannot hold the message for the command");
		return -1;
	}
	if (!delivery_copy(delivery, write_lines, &to, why) ||
	    lseek(to.fd, 0, SEEK_SET) != 0) {
		close(to.fd);
		return -1;
	}
	return to.fd;
}

static void
set_variable(const char *name, struct slice value)
{
	char text[2048];

	if (!slice_to_array(value, text, sizeof(text)))
		text[0] = '\0';
	(void)setenv(name, text, 1);
}

static void
set_environment(const struct delivery *delivery)
{
	const struct user *user = &delivery->job->user;
	struct slice address = delivery->recipient->address;
	size_t at = slice_last_index(address, '@');

	clearenv();
	set_variable("PATH", S(PROGRAM_PATH));
	set_variable("HOME", slice_of(user->home));
	set_variable("USER", slice_of(user->name));
	set_variable("LOGNAME", slice_of(user->name));
	set_variable("SENDER", delivery->job->sender);
	set_variable("RECIPIENT", address);
	set_variable("ORIGINAL_RECIPIENT", delivery->recipient->original);
	set_variable("LOCAL", slice_first(address, at));
	set_variable("DOMAIN", slice_from(address, at + 1));
	set_variable("EXTENSION", delivery->recipient->extension);
}

/* By the path, as execvp does, but never through a shell. Returns on
 * failure, with errno. */
static void
execute(char *const words[])
{
	struct slice rest = slice_of(PROGRAM_PATH), directory;
	char path[1024];

	if (strchr(words[0], '/') != NULL) {
		execv(words[0], words);
		return;
	}
	while (slice_token(&rest, S(":"), &directory)) {
		snprintf(path, sizeof(path), "%.*s/%s", SLICE_FMT(directory),
		    words[0]);
		execv(path, words);
		if (errno != ENOENT)
			return;
	}
}

_Noreturn static void
run_program(
    const struct delivery *delivery, char *const words[], int input, int output)
{
	const struct sigaction action = { .sa_handler = SIG_DFL };

	(void)setpgid(0, 0);
	sigaction(SIGPIPE, &action, NULL);
	if (dup2(input, 0) < 0 || dup2(output, 1) < 0 || dup2(output, 2) < 0)
		_exit(126);
	for (int fd = 3; fd < 256; fd++)
		close(fd);
	set_environment(delivery);
	if (chdir(delivery->job->user.home) != 0 && chdir("/") != 0)
		_exit(126);
	execute(words);
	dprintf(2, "%s: %s\n", words[0], strerror(errno));
	_exit(errno == ENOENT ? 127 : 126);
}

/* Its last words, at most OUTPUT_KEPT bytes. False: it did not end in time. */
static bool
collect_output(int fd, struct buf *output)
{
	int64_t deadline = io_deadline(PROGRAM_TIMEOUT);
	enum io_status status;
	char bytes[OUTPUT_KEPT];
	size_t got;

	while ((status = io_read_some(
		    fd, bytes, sizeof(bytes), &got, deadline)) == IO_OK) {
		if (output->len + got > OUTPUT_KEPT)
			buf_consume(output, output->len + got - OUTPUT_KEPT);
		buf_add(output, slice_make(bytes, got));
	}
	return status != IO_TIMEOUT;
}

static void
decide(struct delivery *delivery, int wait_status, bool in_time,
    struct slice output)
{
	const struct command_end *end = command_end_find(
	    WIFEXITED(wait_status) ? WEXITSTATUS(wait_status) : 75);
	struct slice last = slice_trim(output);
	size_t line = slice_last_index(last, '\n');
	char text[LIMIT_REASON];

	if (!in_time) {
		delivery_decide(delivery, 'T', "4.3.0",
		    "the command did not end in time and was killed");
		return;
	}
	if (line < last.len)
		last = slice_from(last, line + 1);
	if (WIFSIGNALED(wait_status))
		snprintf(text, sizeof(text), "command ended by signal %d",
		    WTERMSIG(wait_status));
	else
		snprintf(text, sizeof(text), "%s%s%.*s", end->text,
		    last.len > 0 ? ": " : "", SLICE_FMT(last));
	delivery_decide(delivery, end->status, end->enhanced, text);
}

static void
start_program(struct delivery *delivery, char *const words[], int input)
{
	struct buf output;
	int ends[2], status = 0;
	bool in_time;
	pid_t pid;

	if (pipe2(ends, O_CLOEXEC) != 0) {
		delivery_decide(delivery, 'T', "4.3.0", "no pipe");
		return;
	}
	pid = fork();
	if (pid == 0)
		run_program(delivery, words, input, ends[1]);
	close(ends[1]);
	if (pid < 0) {
		close(ends[0]);
		delivery_decide(
		    delivery, 'T', "4.3.0", "cannot start a process");
		return;
	}
	buf_init(&output, 2 * OUTPUT_KEPT);
	in_time = collect_output(ends[0], &output);
	if (!in_time)
		kill(-pid, SIGKILL);
	close(ends[0]);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		continue;
	decide(delivery, status, in_time, buf_slice(&output));
	buf_free(&output);
}

void
delivery_to_program(struct delivery *delivery)
{
	char *words[COMMAND_WORDS_MAX + 1];
	struct arena *arena;
	struct why why = { 0 };
	int input;

	arena = arena_new("command", 131072);
	if (!command_split(delivery->recipient->argument, arena, words, &why)) {
		delivery_decide(delivery, 'F', "5.3.5", why.text);
	} else {
		input = message_file(delivery, &why);
		if (input < 0)
			delivery_decide(delivery, 'T', "4.3.0", why.text);
		else
			start_program(delivery, words, input);
		if (input >= 0)
			close(input);
	}
	arena_free(&arena);
}
