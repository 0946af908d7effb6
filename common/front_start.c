/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "common/front_state.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include "common/handover.h"
#include "common/jail.h"
#include "common/limits.h"
#include "common/log.h"
#include "common/program.h"

void
front_close(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

static bool
front_failed(const struct front_state *state, const struct why *why)
{
	log_error("%s: %s", state->connection.id, why->text);
	return false;
}

/* RFC 3207 section 4.2: what the client said before is forgotten with the
 * session that heard it; the next one hears the TLS process alone. */
bool
front_start_tls(struct front_state *state)
{
	struct connection *c = &state->connection;
	char peer[NETADDR_TEXT_SIZE];
	struct program_start start = { .name = "tls",
		.arguments = { "-a", netaddr_format(&c->peer, peer), "-i",
		    c->id },
		.descriptors = { 0, -1, -1 },
		.descriptor_count = TLS_STATUS + 1 };
	int plain[2], status[2];
	struct why why;
	pid_t pid;
	bool ok;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, plain) < 0 ||
	    pipe2(status, O_CLOEXEC) < 0) {
		why_errno(&why, "pipes of tls");
		return front_failed(state, &why);
	}
	start.descriptors[TLS_PLAINTEXT] = plain[1];
	start.descriptors[TLS_STATUS] = status[1];
	pid = program_spawn(c->settings, &start, &why);
	close(plain[1]);
	close(status[1]);
	if (pid > 0) {
		state->others++;
		/* While the client shakes hands. */
		front_prepare_session(
		    &state->resident->waiting, state->front, c->settings, &why);
	}
	/* From here on 0 and 1 are the plaintext: only tls has the network. */
	ok = pid > 0 && dup2(plain[0], 0) == 0 && dup2(plain[0], 1) == 1;
	close(plain[0]);
	if (pid > 0 && ok)
		ok = io_read_all(status[0], &c->tls, sizeof(c->tls),
			 io_deadline(TIMEOUT_TLS_HANDSHAKE + TIMEOUT_PIPE)) ==
			 IO_OK &&
		     c->tls.magic == TLS_STATUS_MAGIC && c->tls.is_ok == 1;
	close(status[0]);
	if (pid < 0)
		return front_failed(state, &why);
	c->tls.version[sizeof(c->tls.version) - 1] = '\0';
	c->tls.cipher[sizeof(c->tls.cipher) - 1] = '\0';
	c->tls.server_name[sizeof(c->tls.server_name) - 1] = '\0';
	c->tls.text[sizeof(c->tls.text) - 1] = '\0';
	c->tls.client_address[sizeof(c->tls.client_address) - 1] = '\0';
	c->is_tls = ok;
	return ok;
}

/* The login process's bytes go from its pipe into another behind the facts,
 * inside the kernel: it cannot write facts of its own, and its bytes are
 * never in this process. The session is gone, so the pipe ends. */
static bool
handover_fill(const struct front_state *state, int out, struct why *why)
{
	const struct connection *c = &state->connection;
	struct handover facts = { .magic = HANDOVER_MAGIC };
	ssize_t n;

	facts.is_tls = c->is_tls;
	facts.user = state->user;
	facts.peer = c->peer;
	memcpy(facts.id, c->id, sizeof(facts.id));
	snprintf(
	    facts.listener, sizeof(facts.listener), "%s", c->listener->name);
	(void)fcntl(out, F_SETPIPE_SZ, 4 * HANDOVER_MAX);
	if (io_write_all(out, slice_make(&facts, sizeof(facts)),
		io_deadline(TIMEOUT_PIPE)) != IO_OK)
		return why_errno(why, "write handover");
	do
		n = splice(state->handover, NULL, out, NULL, HANDOVER_MAX,
		    SPLICE_F_NONBLOCK);
	while (n > 0 || (n < 0 && errno == EINTR));
	return n == 0 ? true : why_errno(why, "pass handover");
}

void
front_start_mailbox(struct front_state *state)
{
	const struct user *user = &state->user;
	struct program_start start = { .name = state->front->mailbox,
		.descriptors = { 0, 1, -1 },
		.descriptor_count = MAILBOX_HANDOVER + 1 };
	struct why why;
	int ends[2];
	bool ok;

	if (pipe2(ends, O_CLOEXEC) < 0)
		return;
	ok = handover_fill(state, ends[1], &why) &&
	     jail_become(user->uid, user->gid,
		 user->is_virtual ? NULL : user->name, &why);
	close(ends[1]);
	start.descriptors[MAILBOX_HANDOVER] = ends[0];
	if (ok)
		program_exec(state->connection.settings, &start, &why);
	front_failed(state, &why);
	close(ends[0]);
}

static void
log_death(const char *name, int status)
{
	if (WIFSIGNALED(status))
		log_error("%s ended by signal %d", name, WTERMSIG(status));
}

/* SIGCHLD is blocked, so it stays pending when it comes before the wait. */
static bool
wait_for_child(int64_t deadline)
{
	struct timespec timeout = { 0 };
	int64_t left = deadline - io_now();
	sigset_t set;

	if (left <= 0)
		return false;
	timeout.tv_sec = (time_t)(left / 1000);
	timeout.tv_nsec = (long)(left % 1000) * 1000000;
	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	sigtimedwait(&set, NULL, &timeout);
	return true;
}

void
front_reap(pid_t pid, int64_t deadline, const char *name)
{
	int status = 0;
	pid_t got;

	while ((got = waitpid(pid, &status, WNOHANG)) == 0) {
		if (wait_for_child(deadline))
			continue;
		log_warning("%s does not end: killed", name);
		kill(pid, SIGKILL);
		got = waitpid(pid, &status, 0);
		break;
	}
	if (got == pid)
		log_death(name, status);
}

bool
front_reap_others(struct front_state *state, int64_t deadline)
{
	int status;
	pid_t got;

	while (state->others > 0) {
		got = waitpid(-1, &status, WNOHANG);
		if (got > 0) {
			log_death("child", status);
			if (!front_resident_lost(state->resident, got))
				state->others--;
		}
		if ((got < 0 && errno != EINTR) ||
		    (got == 0 && !wait_for_child(deadline)))
			return false;
	}
	got = state->resident->enqueue;
	if (got > 0 && waitpid(got, &status, WNOHANG) == got)
		state->resident->enqueue = 0;
	return true;
}
