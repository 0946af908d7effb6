/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "queue/enqueue_gate.h"

#include <string.h>

#include "queue/enqueue_policy.h"
#include "queue/enqueue_state.h"

static void
find_client(struct enqueue *e, struct access_result *result)
{
	const struct access_client client = { e->facts.peer,
		slice_of(e->verify.client) };

	if (!e->gate.has_client && !enqueue_is_local(e))
		access_find_client(
		    e->tables.access, &client, e->scratch, &e->gate.client);
	e->gate.has_client = true;
	*result = e->gate.client;
}

/* As it is, then without its tag. */
static void
find_address(struct enqueue *e, const char *kind, struct slice address,
    struct access_result *result)
{
	const char *delimiter = e->settings->recipient_delimiter;
	struct slice local, domain, user, tag;
	char *bare;

	access_find_address(
	    e->tables.access, kind, address, e->scratch, result);
	if (result->action != ACCESS_NONE || delimiter[0] == '\0' ||
	    !slice_cut(address, '@', &local, &domain) ||
	    !slice_cut(local, delimiter[0], &user, &tag) || user.len == 0)
		return;
	bare = arena_dup(e->scratch, address);
	if (bare == NULL)
		return;
	bare[user.len] = '@';
	memcpy(bare + user.len + 1, domain.ptr, domain.len);
	access_find_address(e->tables.access, kind,
	    slice_make(bare, user.len + 1 + domain.len), e->scratch, result);
}

static void
look_up(struct enqueue *e, int step, struct slice recipient,
    struct access_result *result)
{
	memset(result, 0, sizeof(*result));
	if (step == 0)
		find_client(e, result);
	else if (step == 1 && !enqueue_is_local(e))
		access_find_helo(
		    e->tables.access, e->envelope.helo, e->scratch, result);
	else if (step == 2)
		find_address(e, "sender", e->envelope.sender, result);
	else if (step == 3)
		find_address(e, "recipient", recipient, result);
}

static bool
may_enter_by_table(
    struct enqueue *e, struct slice recipient, struct inject_reply *reply)
{
	struct access_result result;

	for (int step = 0; step < 4; step++) {
		look_up(e, step, recipient, &result);
		switch (result.action) {
		case ACCESS_OK:
			e->gate.is_exempt = true;
			return true;
		case ACCESS_REFUSE:
			*reply = result.reply;
			return false;
		case ACCESS_HOLD:
			enqueue_verify_hold(e, result.reply.text);
			break;
		case ACCESS_DISCARD:
			e->verify.is_dropped = true;
			break;
		case ACCESS_NONE:
		case ACCESS_BROKEN:
			break;
		}
	}
	return true;
}

/* A report has one addressee (RFC 5321 section 4.5.5), and nobody else has
 * our name. */
static bool
is_plausible(const struct enqueue *e, struct inject_reply *reply)
{
	if (policy_is_trusted(e->settings, &e->facts))
		return true;
	if (slice_eq_nocase(
		e->envelope.helo, slice_of(e->settings->hostname))) {
		answer_set(reply, 550, "5.7.1",
		    "HELO with the name of this host, which you are not");
		return false;
	}
	if (e->envelope.sender.len > 0 || e->accepted == 0)
		return true;
	answer_set(reply, 550, "5.5.3",
	    "a message with the null sender has one recipient only");
	return false;
}

bool
enqueue_gate_enter(
    struct enqueue *e, struct slice recipient, struct inject_reply *reply)
{
	e->gate.is_exempt = false;
	if (!may_enter_by_table(e, recipient, reply))
		return false;
	return e->gate.is_exempt ||
	       (enqueue_verify_client(e, reply) && is_plausible(e, reply));
}

void
enqueue_gate_refused(struct enqueue *e, struct inject_reply *reply)
{
	uint64_t limit = e->settings->max_unknown_recipients;

	if (strcmp(reply->status, "5.1.1") != 0 ||
	    policy_is_trusted(e->settings, &e->facts))
		return;
	if (++e->gate.unknown > limit && limit > 0)
		answer_set(reply, 421, "4.7.0",
		    "too many unknown recipients, closing the connection");
}
