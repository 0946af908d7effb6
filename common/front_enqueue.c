/* SPDX-License-Identifier: ISC */
#include "config.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "common/front_state.h"
#include "common/fsutil.h"
#include "common/inject.h"
#include "common/limits.h"
#include "common/log.h"
#include "common/passing.h"
#include "common/program.h"

/* Tables that enqueue keeps open from one session to the next. */
static const size_t front_tables[FRONT_TABLES] = {
	offsetof(struct settings, users),
	offsetof(struct settings, aliases),
	offsetof(struct settings, virtual_aliases),
	offsetof(struct settings, route_map),
	offsetof(struct settings, senders),
	offsetof(struct settings, access),
};

/* A table that is not there is all zero. */
static void
note_tables(const struct settings *settings, struct stat tables[FRONT_TABLES])
{
	const char *path;

	for (size_t i = 0; i < FRONT_TABLES; i++) {
		memcpy(&path, (const char *)settings + front_tables[i],
		    sizeof(path));
		fs_note(path, &tables[i]);
	}
}

void
front_resident_init(struct front_resident *resident)
{
	memset(resident, 0, sizeof(*resident));
	resident->facts = resident->notices = -1;
	resident->waiting = (struct front_waiting){ 0, -1, -1 };
}

static void
end_enqueue(struct front_resident *resident, int64_t deadline)
{
	front_close(&resident->facts);
	if (resident->enqueue > 0)
		front_reap(resident->enqueue, deadline, "enqueue");
	resident->enqueue = 0;
}

void
front_resident_end(struct front_resident *resident, int64_t deadline)
{
	front_end_waiting(&resident->waiting);
	end_enqueue(resident, deadline);
}

bool
front_resident_lost(struct front_resident *resident, pid_t pid)
{
	if (pid == resident->enqueue) {
		resident->enqueue = 0;
		return true;
	}
	if (pid != resident->waiting.pid)
		return false;
	resident->waiting.pid = 0;
	front_end_waiting(&resident->waiting);
	return true;
}

/* An edited table is live at the next session. */
static bool
is_usable(struct front_resident *resident, const struct settings *settings)
{
	struct stat now[FRONT_TABLES];

	if (resident->enqueue <= 0)
		return false;
	if (waitpid(resident->enqueue, NULL, WNOHANG) != 0) {
		resident->enqueue = 0;
		return false;
	}
	note_tables(settings, now);
	for (size_t i = 0; i < FRONT_TABLES; i++)
		if (!fs_is_same(&now[i], &resident->tables[i]))
			return false;
	return true;
}

static bool
start_resident(struct front_state *state, struct why *why)
{
	struct front_resident *resident = state->resident;
	struct program_start start = { .name = "enqueue",
		.descriptors = { -1, -1, -1 },
		.descriptor_count = ENQUEUE_FACTS + 1 };
	int ends[2];
	pid_t pid;

	end_enqueue(resident, io_deadline(TIMEOUT_PIPE));
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
		return why_errno(why, "socketpair of enqueue");
	note_tables(state->connection.settings, resident->tables);
	start.descriptors[ENQUEUE_FACTS] = ends[1];
	pid = program_spawn(state->connection.settings, &start, why);
	front_close(&ends[1]);
	if (pid < 0) {
		front_close(&ends[0]);
		return false;
	}
	resident->enqueue = pid;
	resident->facts = ends[0];
	return true;
}

static void
fill_facts(const struct front_state *state, struct inject_facts *facts)
{
	const struct connection *c = &state->connection;

	memset(facts, 0, sizeof(*facts));
	facts->magic = INJECT_FACTS_MAGIC;
	facts->listener = (uint32_t)c->listener->kind;
	facts->peer = c->peer;
	facts->is_tls = c->is_tls;
	facts->is_claimed_in_tls = c->is_claimed_in_tls;
	memcpy(facts->client_name, c->claim.name, sizeof(facts->client_name));
	facts->forward = c->forward;
	memcpy(facts->id, c->id, sizeof(facts->id));
	if (c->is_tls) {
		memcpy(facts->tls_version, c->tls.version,
		    sizeof(facts->tls_version));
		memcpy(facts->tls_cipher, c->tls.cipher,
		    sizeof(facts->tls_cipher));
	}
	if (state->phase == FRONT_LOGGED_IN) {
		memcpy(facts->login, state->user.name, sizeof(facts->login));
		facts->uid = (uint32_t)state->user.uid;
	}
}

static bool
send_facts(const struct front_state *state, const int *attached, size_t count)
{
	struct inject_facts facts;

	fill_facts(state, &facts);
	return passing_send(state->resident->facts,
	    slice_make(&facts, sizeof(facts)), attached, count);
}

bool
front_send_facts(const struct front_state *state)
{
	return send_facts(state, NULL, 0);
}

bool
front_start_enqueue(struct front_state *state)
{
	int attached[] = { [INJECT_SESSION] = state->enqueue,
		[INJECT_VERIFY] = front_start_verify(state) };
	size_t count = attached[INJECT_VERIFY] >= 0 ? 2 : 1;
	struct why why = { 0 };
	bool ok;

	ok = is_usable(state->resident, state->connection.settings) &&
	     send_facts(state, attached, count);
	if (!ok)
		ok = start_resident(state, &why) &&
		     (send_facts(state, attached, count) ||
			 why_errno(&why, "send facts to enqueue"));
	front_close(&attached[INJECT_VERIFY]);
	front_close(&state->enqueue);
	state->has_enqueue = ok;
	if (!ok)
		log_error("%s: %s", state->connection.id, why.text);
	return ok;
}
