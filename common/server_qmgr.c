/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "common/server_qmgr.h"

#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/io.h"
#include "common/log.h"
#include "common/program.h"

#define QMGR_BACKOFF_FIRST 1000 /* milliseconds */
#define QMGR_BACKOFF_LAST  60000

void
server_qmgr_init(struct server_qmgr *qmgr)
{
	*qmgr = (struct server_qmgr){ .is_wanted = true,
		.next = io_now(),
		.backoff = QMGR_BACKOFF_FIRST };
}

void
server_qmgr_start_if_due(
    struct server_qmgr *qmgr, const struct settings *settings)
{
	char parent[16];
	const struct program_start start = { .name = "qmgr",
		.arguments = { "-p", parent },
		.descriptors = { -1, -1, -1 },
		.descriptor_count = 3 };
	struct why why;
	pid_t pid;

	if (server_qmgr_wait(qmgr) != 0)
		return;
	snprintf(parent, sizeof(parent), "%ld", (long)getpid());
	pid = program_spawn(settings, &start, &why);
	qmgr->started = io_now();
	if (pid > 0) {
		qmgr->pid = pid;
		return;
	}
	log_error("%s", why.text);
	qmgr->next = io_now() + qmgr->backoff;
}

bool
server_qmgr_ended(
    struct server_qmgr *qmgr, pid_t pid, int status, bool is_expected)
{
	int64_t ran = io_now() - qmgr->started;

	if (qmgr->pid == 0 || pid != qmgr->pid)
		return false;
	qmgr->pid = 0;
	if (is_expected)
		return true;
	if (ran > QMGR_BACKOFF_LAST)
		qmgr->backoff = QMGR_BACKOFF_FIRST;
	log_error("qmgr ended (%s %d), starts again in %lld s",
	    WIFSIGNALED(status) ? "signal" : "code",
	    WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status),
	    (long long)qmgr->backoff / 1000);
	qmgr->next = io_now() + qmgr->backoff;
	qmgr->backoff *= 2;
	if (qmgr->backoff > QMGR_BACKOFF_LAST)
		qmgr->backoff = QMGR_BACKOFF_LAST;
	return true;
}

int
server_qmgr_wait(const struct server_qmgr *qmgr)
{
	int64_t left = qmgr->next - io_now();

	if (!qmgr->is_wanted || qmgr->pid > 0)
		return -1;
	return left < 0 ? 0 : (int)left;
}

void
server_qmgr_kill(const struct server_qmgr *qmgr, int number)
{
	if (qmgr->pid > 0)
		kill(qmgr->pid, number);
}
