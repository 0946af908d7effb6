/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "common/auth_helper.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "common/alloc.h"
#include "common/io.h"
#include "common/jail.h"
#include "common/log.h"
#include "common/program.h"

#define HELPER_MAGIC 0x4d504148u

enum {
	HELPER_CHANNEL = 3, /* the socketpair, in the helper */
	COMMAND_SECRET = 3, /* checkpassword's descriptor, in the program */
	MECHANISM_SIZE = 24,
	WAIT_MS = 10,
};

/* What crosses: fixed, terminated arrays. */
struct wire_question {
	uint32_t magic;
	uint32_t command;
	char mechanism[MECHANISM_SIZE];
	char user[LIMIT_USER_NAME + 1];
	char secret[LIMIT_SASL_RESPONSE + 1];
};

struct wire_answer {
	uint32_t magic;
	uint32_t result; /* enum result */
	char name[LIMIT_USER_NAME + 1];
	char text[160];
};

struct helper {
	const struct settings *settings;
	char address[NETADDR_TEXT_SIZE + 16];
	struct wire_question question;
	struct wire_answer answer;
	int input, output; /* the program's, our ends */
	int64_t deadline;
};

static bool
is_terminated(const char *array, size_t size)
{
	return memchr(array, '\0', size) != NULL;
}

static bool
question_is_sane(const struct wire_question *q)
{
	return q->magic == HELPER_MAGIC && q->command <= AUTH_COMMAND_OAUTH &&
	       is_terminated(q->mechanism, sizeof(q->mechanism)) &&
	       is_terminated(q->user, sizeof(q->user)) &&
	       is_terminated(q->secret, sizeof(q->secret));
}

/* What the program reads; it fits a pipe, so writing does not block. */
static bool
write_input(const struct helper *helper, int fd)
{
	const struct wire_question *q = &helper->question;
	char text[sizeof(struct wire_question) + 64];
	int n;

	if (q->command == AUTH_COMMAND_OAUTH)
		n = snprintf(text, sizeof(text), "%s\n%s\n%s\n", q->mechanism,
		    q->user, q->secret);
	else
		n = snprintf(text, sizeof(text), "%s%c%s%cY%lld%c", q->user, 0,
		    q->secret, 0, (long long)time(NULL), 0);
	n = (int)write(fd, text, (size_t)n) == n ? n : -1;
	explicit_bzero(text, sizeof(text));
	return n > 0;
}

static const char *
true_path(void)
{
	return access("/bin/true", X_OK) == 0 ? "/bin/true" : "/usr/bin/true";
}

static _Noreturn void
execute(const struct helper *helper)
{
	const struct settings *settings = helper->settings;
	const char *program = settings->checkpassword;
	const char *argument = true_path();
	char path[1024], option[256],
	    place[] = "PATH=/usr/sbin:/usr/bin:"
		      "/sbin:/bin";
	char protocol[] = "PROTO=TCP", remote[sizeof(helper->address)];
	char *environment[] = { place, protocol, remote, NULL };
	char *arguments[] = { path, option, NULL };

	memcpy(remote, helper->address, sizeof(remote));
	if (helper->question.command == AUTH_COMMAND_PAM) {
		snprintf(path, sizeof(path), "%s/auth-pam",
		    settings->program_directory);
		argument = settings->auth_pam;
	} else {
		if (helper->question.command == AUTH_COMMAND_OAUTH) {
			program = settings->oauth_command;
			arguments[1] = NULL;
		}
		snprintf(path, sizeof(path), "%s", program);
	}
	snprintf(option, sizeof(option), "%s", argument);
	execve(path, arguments, environment);
	_exit(111);
}

/* Out of the way of those that the program gets. */
static int
move_up(int fd)
{
	return fcntl(fd, F_DUPFD_CLOEXEC, 10);
}

/* In the program's process: descriptors, signals and, for OAuth, the jail.
 * All of ours are close-on-exec; standard error is nobody's, but until the
 * jail is entered it is the log. */
static _Noreturn void
become_program(const struct helper *helper, int input, int output)
{
	bool is_oauth = helper->question.command == AUTH_COMMAND_OAUTH;
	struct jail_request request = { .keep_count = COMMAND_SECRET + 1 };
	struct sigaction reset = { .sa_handler = SIG_DFL };
	int null = move_up(open("/dev/null", O_RDWR | O_CLOEXEC));
	struct why why = { 0 };

	setpgid(0, 0);
	sigaction(SIGPIPE, &reset, NULL);
	input = move_up(input);
	output = move_up(output);
	if (dup2(is_oauth ? input : null, STDIN_FILENO) < 0 ||
	    dup2(is_oauth ? output : null, STDOUT_FILENO) < 0 ||
	    dup2(is_oauth ? null : input, COMMAND_SECRET) < 0)
		_exit(111);
	if (is_oauth && !jail_enter(jail_find("auth-command"), helper->settings,
			    &request, &why)) {
		log_error("oauth_command: %s", why.text);
		_exit(111);
	}
	dup2(is_oauth ? COMMAND_SECRET : null, STDERR_FILENO);
	if (is_oauth)
		close(COMMAND_SECRET);
	execute(helper);
}

/* The first line of output; what comes after it is not kept. */
static void
read_name(struct helper *helper)
{
	char *name = helper->answer.name;
	size_t len = 0, got;
	char bytes[512];

	while (io_read_some(helper->output, bytes, sizeof(bytes), &got,
		   helper->deadline) == IO_OK) {
		if (got > sizeof(helper->answer.name) - 1 - len)
			got = sizeof(helper->answer.name) - 1 - len;
		memcpy(name + len, bytes, got);
		len += got;
	}
	name[len] = '\0';
	name[strcspn(name, "\r\n")] = '\0';
}

static enum result
wait_for_program(const struct helper *helper, pid_t pid)
{
	struct timespec pause = { .tv_nsec = WAIT_MS * 1000000L };
	int status = 0;
	pid_t got;

	while ((got = waitpid(pid, &status, WNOHANG)) == 0 &&
	       io_now() < helper->deadline)
		nanosleep(&pause, NULL);
	/* Whatever it has started goes with it. */
	kill(-pid, SIGKILL);
	if (got == 0)
		waitpid(pid, &status, 0);
	if (got != pid || !WIFEXITED(status) || WEXITSTATUS(status) > 1)
		return RESULT_LATER;
	return WEXITSTATUS(status) == 0 ? RESULT_OK : RESULT_NEVER;
}

static enum result
run_program(struct helper *helper)
{
	int input[2], output[2];
	enum result result = RESULT_LATER;
	pid_t pid;

	if (pipe2(input, O_CLOEXEC) < 0 || pipe2(output, O_CLOEXEC) < 0 ||
	    !write_input(helper, input[1]))
		return RESULT_LATER;
	close(input[1]);
	pid = fork();
	if (pid == 0)
		become_program(helper, input[0], output[1]);
	close(input[0]);
	close(output[1]);
	helper->output = output[0];
	helper->deadline = io_deadline(TIMEOUT_AUTH_COMMAND);
	if (pid > 0) {
		read_name(helper);
		result = wait_for_program(helper, pid);
	}
	close(output[0]);
	if (result == RESULT_LATER)
		snprintf(helper->answer.text, sizeof(helper->answer.text),
		    "the program did not answer");
	return result;
}

/* The helper's whole life. */
static _Noreturn void
serve(const struct settings *settings, const struct netaddr *peer)
{
	struct helper *helper = alloc_zero(1, sizeof(*helper));
	char text[NETADDR_TEXT_SIZE];
	enum result result;

	helper->settings = settings;
	snprintf(helper->address, sizeof(helper->address), "TCPREMOTEIP=%s",
	    netaddr_format(peer, text));
	helper->answer.magic = HELPER_MAGIC;
	if (io_read_all(HELPER_CHANNEL, &helper->question,
		sizeof(helper->question),
		io_deadline(TIMEOUT_AUTH_DIALOGUE)) == IO_OK &&
	    question_is_sane(&helper->question)) {
		result = run_program(helper);
		helper->answer.result = (uint32_t)result;
		(void)io_write_all(HELPER_CHANNEL,
		    slice_make(&helper->answer, sizeof(helper->answer)),
		    io_deadline(TIMEOUT_PIPE));
	}
	explicit_bzero(&helper->question, sizeof(helper->question));
	_exit(0);
}

struct helper_start {
	const struct settings *settings;
	const struct netaddr *peer;
};

/* The helper keeps its channel and the log. */
static _Noreturn void
begin_helper(const void *context, int channel)
{
	const struct helper_start *start = context;
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	log_move(STDERR_FILENO);
	if (dup2(channel, HELPER_CHANNEL) < 0 || null < 0 ||
	    dup2(null, STDIN_FILENO) < 0 || dup2(null, STDOUT_FILENO) < 0)
		_exit(111);
	for (int fd = HELPER_CHANNEL + 1; fd < 32; fd++)
		close(fd);
	(void)fcntl(HELPER_CHANNEL, F_SETFD, FD_CLOEXEC);
	serve(start->settings, start->peer);
}

bool
auth_helper_start(const struct settings *settings, const struct netaddr *peer,
    struct auth_helper *helper, struct why *why)
{
	const struct helper_start start = { settings, peer };

	helper->fd = -1;
	helper->pid = 0;
	if (settings->auth_pam[0] == '\0' &&
	    settings->checkpassword[0] == '\0' &&
	    settings->oauth_command[0] == '\0')
		return true;
	helper->fd =
	    program_fork_helper(begin_helper, &start, &helper->pid, why);
	return helper->fd >= 0;
}

void
auth_helper_close(struct auth_helper *helper)
{
	if (helper->fd >= 0)
		close(helper->fd);
	helper->fd = -1;
}

static bool
fill_question(const struct auth_question *question, struct wire_question *wire)
{
	wire->magic = HELPER_MAGIC;
	wire->command = (uint32_t)question->command;
	return slice_to_array(
		   question->mechanism, wire->mechanism, MECHANISM_SIZE) &&
	       slice_to_array(question->user, wire->user, sizeof(wire->user)) &&
	       slice_to_array(
		   question->secret, wire->secret, sizeof(wire->secret));
}

static bool
receive_answer(int fd, struct wire_answer *answer)
{
	return io_read_all(fd, answer, sizeof(*answer),
		   io_deadline(TIMEOUT_AUTH_COMMAND + TIMEOUT_PIPE)) == IO_OK &&
	       answer->magic == HELPER_MAGIC &&
	       answer->result <= RESULT_NEVER &&
	       is_terminated(answer->name, sizeof(answer->name)) &&
	       is_terminated(answer->text, sizeof(answer->text));
}

enum result
auth_helper_ask(struct auth_helper *helper,
    const struct auth_question *question, char name[LIMIT_USER_NAME + 1],
    struct why *why)
{
	struct wire_question *wire = alloc_zero(1, sizeof(*wire));
	struct wire_answer answer = { .result = RESULT_LATER };
	bool ok;

	ok = helper->fd >= 0 && fill_question(question, wire) &&
	     io_write_all(helper->fd, slice_make(wire, sizeof(*wire)),
		 io_deadline(TIMEOUT_PIPE)) == IO_OK &&
	     receive_answer(helper->fd, &answer);
	explicit_bzero(wire, sizeof(*wire));
	alloc_release(wire);
	snprintf(name, LIMIT_USER_NAME + 1, "%s", ok ? answer.name : "");
	if (!ok)
		why_set(why, "no answer from the program that was asked");
	else if (answer.result == RESULT_LATER)
		why_set(why, "%s", answer.text);
	return ok ? (enum result)answer.result : RESULT_LATER;
}
