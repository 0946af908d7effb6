/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "deliver/deliver.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include "common/alloc.h"
#include "common/arena.h"
#include "common/fault.h"
#include "common/jail.h"
#include "common/log.h"

#define KEPT_DESCRIPTORS 3

static bool
send_verdict(const struct agent *agent, const struct verdict *verdict)
{
	struct message message;
	bool ok;

	message_init(&message);
	verdict_encode(&message, verdict);
	ok = message_send(&message, agent->socket, io_deadline(TIMEOUT_PIPE)) ==
	     IO_OK;
	message_free(&message);
	return ok;
}

static bool
send_done(const struct agent *agent)
{
	const struct job_done done = { .may_continue = !agent->is_spent,
		.device = agent->device };
	struct message message;
	bool ok;

	message_init(&message);
	job_done_encode(&message, &done);
	ok = message_send(&message, agent->socket, io_deadline(TIMEOUT_PIPE)) ==
	     IO_OK;
	message_free(&message);
	return ok;
}

/* The start of the body: the header, and mostly all of it. */
static bool
read_start(struct delivery *delivery, char *bytes, size_t size, struct why *why)
{
	size_t got = 0;

	while (got < size) {
		ssize_t n = pread(delivery->spool, bytes + got, size - got,
		    (off_t)(delivery->job->body_offset + got));

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return why_errno(why, "cannot read the queue file");
		if (n == 0)
			return why_set(why, "the queue file is cut short");
		got += (size_t)n;
	}
	delivery->start = slice_make(bytes, got);
	return true;
}

static bool
run_job(struct agent *agent, const struct job *job, int spool)
{
	struct delivery delivery = {
		.agent = agent, .job = job, .spool = spool
	};
	size_t size = job->body_length < LIMIT_HEADER ? (size_t)job->body_length
						      : LIMIT_HEADER;
	char *bytes = alloc_zero(size + 1, 1);
	struct why why = { 0 };
	bool has_start = true, ok;

	ok = agent_confine(agent, job, spool, &has_start, &why);
	has_start = ok && has_start && read_start(&delivery, bytes, size, &why);
	agent->device = 0;
	buf_init(&delivery.prefix, 65536);
	for (size_t i = 0; ok && i < job->recipient_count; i++) {
		memset(&delivery.verdict, 0, sizeof(delivery.verdict));
		delivery.recipient = &job->recipients[i];
		if (has_start)
			delivery_run(&delivery);
		else
			delivery_fail(&delivery, &why);
		agent->is_spent |= delivery.verdict.status == 'T';
		fault_point("D3");
		ok = send_verdict(agent, &delivery.verdict);
	}
	buf_free(&delivery.prefix);
	alloc_release(bytes);
	return ok && send_done(agent);
}

static bool
user_is_me(const struct user *user)
{
	return user->uid == geteuid() && user->home[0] == '/' &&
	       user->mail[0] == '/';
}

static bool
take_job(struct agent *agent, struct message *message, int spool)
{
	struct arena *arena = arena_new("job", 2 * LIMIT_PIPE_MESSAGE);
	struct job job;
	bool ok = spool >= 0 && job_decode(message, arena, &job) &&
		  user_is_me(&job.user);

	if (!ok)
		log_error("malformed job, or one of another user");
	ok = ok && run_job(agent, &job, spool);
	arena_free(&arena);
	return ok;
}

/* Everything written so far on the file system of the mailbox. Errors since
 * the descriptor was opened are reported, so an open one is preferred. */
static bool
sync_path(const struct agent *agent, const char *path)
{
	int fd = agent->maildir;
	bool ok;

	if (fd < 0)
		fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		return false;
#ifdef HAVE_SYNCFS
	ok = syncfs(fd) == 0;
#else
	/* Each file was synced by itself; the names are left. */
	ok = fsync(fd) == 0;
#endif
	fault_point("D4");
	if (fd != agent->maildir)
		close(fd);
	return ok;
}

static bool
take_sync(struct agent *agent, struct message *message)
{
	char path[USER_PATH_SIZE];
	bool ok;

	if (!message_get_array(message, path, sizeof(path)) ||
	    !message_end(message)) {
		log_error("malformed SYNC");
		return false;
	}
	ok = sync_path(agent, path);
	if (!ok)
		log_error("cannot sync the file system of %s: %s", path,
		    strerror(errno));
	message_begin(message, SYNCED);
	message_put_u8(message, ok ? 1 : 0);
	return message_send(
		   message, agent->socket, io_deadline(TIMEOUT_PIPE)) == IO_OK;
}

static bool
take_message(struct agent *agent, struct message *message, int attached)
{
	switch (message->type) {
	case JOB:
		return take_job(agent, message, attached);
	case SYNC:
		return take_sync(agent, message);
	default:
		log_error("unknown message type %u from qmgr", message->type);
		return false;
	}
}

int
deliver_serve(struct agent *agent)
{
	unsigned int wait = TIMEOUT_PIPE;
	struct message message;
	int attached, code = EX_OK;

	message_init(&message);
	while (code == EX_OK && message_receive_fd(&message, agent->socket,
				    &attached, io_deadline(wait)) == IO_OK) {
		if (!take_message(agent, &message, attached))
			code = EX_PROTOCOL;
		if (attached >= 0)
			close(attached);
		wait = AGENT_IDLE;
	}
	message_free(&message);
	if (agent->maildir >= 0)
		close(agent->maildir);
	return code;
}

int
deliver_run(const struct settings *settings, int argc, char *const argv[])
{
	const struct jail_request request = { .keep_count = KEPT_DESCRIPTORS,
		.uid = geteuid(),
		.gid = getegid() };
	struct agent agent = { .settings = settings,
		.confinement = CONFINE_AT_JOB,
		.socket = AGENT_SOCKET,
		.maildir = -1 };
	struct why why;

	(void)argc;
	(void)argv;
	if (geteuid() == 0) {
		log_error("deliver does not run as root");
		return EX_NOPERM;
	}
	(void)umask(077);
	if (!jail_enter(
		jail_find("deliver-command"), settings, &request, &why)) {
		log_error("%s", why.text);
		return EX_NOPERM;
	}
	return deliver_serve(&agent);
}
