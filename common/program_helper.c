/* SPDX-License-Identifier: ISC */
#include "config.h"

#include <sys/socket.h>
#include <sysexits.h>
#include <unistd.h>

#include "common/program.h"

int
program_fork_helper(
    program_helper_fn *run, const void *context, pid_t *pid, struct why *why)
{
	int ends[2];
	pid_t child;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0) {
		why_errno(why, "socketpair");
		return -1;
	}
	child = fork();
	if (child == 0) {
		run(context, ends[1]);
		_exit(EX_SOFTWARE);
	}
	close(ends[1]);
	if (pid != NULL)
		*pid = child;
	if (child > 0)
		return ends[0];
	why_errno(why, "fork");
	close(ends[0]);
	return -1;
}
