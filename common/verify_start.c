/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "common/verify_start.h"

#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/io.h"
#include "common/jail.h"
#include "common/limits.h"
#include "common/log.h"
#include "common/pipemsg.h"
#include "common/program.h"
#include "common/verify_state.h"

enum {
	STARTER_VERIFY = 1
}; /* no field; the socket attached */

/* False when nobody is there any more, or something else is said. */
static bool
serve(const struct settings *settings, struct message *message)
{
	struct program_start start = { .name = "verify",
		.descriptors = { -1, -1, -1 },
		.descriptor_count = 3 };
	struct why why = { 0 };
	int end = -1;
	bool ok;

	ok = message_receive_fd(message, STDIN_FILENO, &end, IO_FOREVER) ==
		 IO_OK &&
	     message->type == STARTER_VERIFY && message_end(message) &&
	     end >= 0;
	start.descriptors[VERIFY_ENQUEUE] = end;
	if (ok && program_spawn(settings, &start, &why) < 0)
		log_error("%s", why.text);
	if (end >= 0)
		close(end);
	return ok;
}

_Noreturn static void
run(const void *context, int fd)
{
	const struct settings *settings = context;
	const struct jail *jail = jail_find("filter");
	const struct jail_request request = { .keep_count = 3,
		.user = jail->account };
	const struct sigaction ignore = { .sa_handler = SIG_IGN };
	struct message message;
	struct why why = { 0 };
	char path[4096];

	(void)verify_state_make(settings, path, sizeof(path));
	sigaction(SIGCHLD, &ignore, NULL);
	log_move(STDERR_FILENO);
	if (dup2(fd, STDIN_FILENO) < 0 ||
	    !jail_enter(jail, settings, &request, &why)) {
		log_error("starter of verify: %s", why.text);
		_exit(1);
	}
	message_init(&message);
	while (serve(settings, &message))
		continue;
	_exit(0);
}

int
verify_starter(const struct settings *settings, struct why *why)
{
	return program_fork_helper(run, settings, NULL, why);
}

int
verify_start(int starter, struct why *why)
{
	struct message message;
	enum io_status io;
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0) {
		why_errno(why, "socketpair");
		return -1;
	}
	message_init(&message);
	message_begin(&message, STARTER_VERIFY);
	io = message_send_fd(
	    &message, starter, pair[1], io_deadline(TIMEOUT_PIPE));
	message_free(&message);
	close(pair[1]);
	if (io == IO_OK)
		return pair[0];
	why_set(why, "starter of verify: %s", io_status_text(io));
	close(pair[0]);
	return -1;
}
