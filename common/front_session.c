/* SPDX-License-Identifier: ISC */
/*
 * Sessions: each is a fresh process, and it may be one that was forked and
 * jailed before there was a connection for it.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <sysexits.h>
#include <unistd.h>

#include "common/front_state.h"
#include "common/jail.h"
#include "common/limits.h"
#include "common/log.h"
#include "common/passing.h"
#include "common/program.h"
#include "common/verify.h"

/* What a session gets with its connection, in this order. */
static const int late_descriptors[] = { SESSION_INPUT, SESSION_OUTPUT,
	SESSION_AUTH, SESSION_HANDOVER };

/*
 * Descriptors are given the lowest numbers that are free, so closing those
 * that are to come is all that the jail has to allow. The pointers are ours
 * as well: this is a fork of the sender.
 */
static bool
take_connection(struct connection *connection)
{
	int attached[PASSING_MAX];

	for (size_t i = 0; i < PASSING_MAX; i++)
		close(late_descriptors[i]);
	if (passing_receive(SESSION_CONTROL, connection, sizeof(*connection),
		attached, IO_FOREVER) != IO_OK)
		return false;
	for (size_t i = 0; i < PASSING_MAX; i++)
		if (attached[i] >= 0 && attached[i] != late_descriptors[i])
			return false;
	return true;
}

_Noreturn static void
session_child(const struct front *front, const struct settings *settings,
    const struct program_start *start)
{
	const struct jail_request request = { .keep_count =
						  SESSION_DESCRIPTORS };
	const struct jail *jail = jail_find(front->jail);
	struct connection connection;
	struct why why;
	bool ok;

	BUG_UNLESS(jail != NULL);
	log_rename(front->program);
	ok = program_settle(start, &why) &&
	     jail_enter(jail, settings, &request, &why);
	if (!ok)
		log_error("session: %s", why.text);
	if (!take_connection(&connection))
		_exit(EX_OK);
	if (ok)
		_exit(front->session(&connection));
	front_refuse(connection.listener, SESSION_OUTPUT, REFUSAL_FAILED);
	_exit(EX_TEMPFAIL);
}

static bool
make_pair(int *ours, int *theirs, struct why *why)
{
	int ends[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0)
		return why_errno(why, "socketpair");
	*ours = ends[0];
	*theirs = ends[1];
	return true;
}

static bool
fork_session(struct front_waiting *waiting, const struct front *front,
    const struct settings *settings, struct why *why)
{
	struct program_start start = { .name = front->program,
		.descriptor_count = SESSION_DESCRIPTORS };
	bool ok;

	for (int i = 0; i < SESSION_DESCRIPTORS; i++)
		start.descriptors[i] = -1;
	ok = make_pair(
		 &waiting->control, &start.descriptors[SESSION_CONTROL], why) &&
	     (!front->has_enqueue ||
		 make_pair(&waiting->enqueue,
		     &start.descriptors[SESSION_ENQUEUE], why));
	waiting->pid = ok ? fork() : -1;
	if (waiting->pid == 0)
		session_child(front, settings, &start);
	if (ok && waiting->pid < 0)
		ok = why_errno(why, "fork");
	for (int i = 0; i < SESSION_DESCRIPTORS; i++)
		front_close(&start.descriptors[i]);
	return ok;
}

void
front_end_waiting(struct front_waiting *waiting)
{
	front_close(&waiting->control);
	front_close(&waiting->enqueue);
	if (waiting->pid > 0)
		front_reap(waiting->pid, io_deadline(TIMEOUT_PIPE), "session");
	waiting->pid = 0;
}

bool
front_prepare_session(struct front_waiting *waiting, const struct front *front,
    const struct settings *settings, struct why *why)
{
	if (waiting->pid > 0)
		return true;
	if (fork_session(waiting, front, settings, why))
		return true;
	front_end_waiting(waiting);
	return false;
}

/* The pipes that depend on the listener; theirs are of late_descriptors. */
static bool
open_late(struct front_state *state, int theirs[PASSING_MAX], size_t *count,
    struct why *why)
{
	int ends[2];

	if (listener_has_login(state->connection.listener)) {
		if (!make_pair(&state->credentials, &theirs[*count], why))
			return false;
		(*count)++;
	}
	if (state->front->mailbox != NULL) {
		if (pipe2(ends, O_CLOEXEC) < 0)
			return why_errno(why, "pipe");
		state->handover = ends[0];
		theirs[(*count)++] = ends[1];
	}
	return true;
}

/* Where nobody logs in and nobody is asked for an opinion, a connection is
 * for mail: an enqueue that is there hears of it while the client reads the
 * greeting. None is started for connections that may only be held open. */
static bool
wants_enqueue(const struct front_state *state)
{
	const struct connection *c = &state->connection;

	return state->resident->enqueue > 0 &&
	       !listener_has_login(c->listener) &&
	       !verify_is_needed(c->settings, (uint32_t)c->listener->kind);
}

static bool
begin_session(struct front_state *state, struct why *why)
{
	struct front_waiting *waiting = &state->resident->waiting;
	int attached[PASSING_MAX] = { 0, 1 };
	size_t count = 2;
	bool ok;

	state->connection.has_enqueue = wants_enqueue(state);
	ok = open_late(state, attached, &count, why) &&
	     (passing_send(waiting->control,
		  slice_make(&state->connection, sizeof(state->connection)),
		  attached, count) ||
		 why_errno(why, "start session"));
	for (size_t i = 2; i < count; i++)
		front_close(&attached[i]);
	if (!ok) {
		front_close(&state->credentials);
		front_close(&state->handover);
		front_end_waiting(waiting);
		return false;
	}
	state->session = waiting->pid;
	state->control = waiting->control;
	state->enqueue = waiting->enqueue;
	*waiting = (struct front_waiting){ 0, -1, -1 };
	/* When it fails its pipe is closed, and the session says so. */
	if (state->connection.has_enqueue)
		front_start_enqueue(state);
	return true;
}

/* One that waited may have ended; a fresh one is told at once. */
bool
front_start_session(struct front_state *state)
{
	struct front_waiting *waiting = &state->resident->waiting;
	const struct settings *settings = state->connection.settings;
	struct why why = { 0 };

	state->asked = 0;
	state->connection.mechanisms = front_mechanisms(&state->connection);
	if (waiting->pid > 0 && begin_session(state, &why))
		return true;
	if (front_prepare_session(waiting, state->front, settings, &why) &&
	    begin_session(state, &why))
		return true;
	state->session = -1;
	log_error("%s: %s", state->connection.id, why.text);
	return false;
}
