/* SPDX-License-Identifier: ISC */
/*
 * VRFY and EXPN (RFC 5321 section 3.5): what the tables say of an address, to
 * those who may know.
 */
#include "config.h"

#include "queue/enqueue_state.h"

#include <string.h>

#include "common/front.h"
#include "common/limits.h"
#include "common/log.h"

#include "queue/enqueue_policy.h"

enum {
	LINE_OVERHEAD = sizeof("250-2.1.5 <>\r\n") - 1
};

enum enqueue_step
enqueue_on_vrfy(
    struct enqueue *e, struct message *message, struct inject_reply *reply)
{
	struct resolution resolution;
	struct slice path;

	message_get_slice(message, &path);
	if (!message_end(message))
		return ENQUEUE_BROKEN;
	arena_reset(e->scratch);
	/* Strangers learn nothing (RFC 5321 section 7.3). */
	if (!policy_is_trusted(e->settings, &e->facts))
		answer_set(reply, 252, "2.0.0",
		    "Not told here: send the message and see");
	else if (enqueue_judge(e, path, &resolution, reply))
		answer_set(reply, 252, "2.1.5", "RCPT would take it");
	return ENQUEUE_REPLY;
}

/* Own hosts, not users: a stolen password must not give away all lists. */
static bool
is_told(const struct enqueue *e)
{
	return (e->facts.listener == LISTENER_SMTP ||
		   e->facts.listener == LISTENER_LMTP) &&
	       network_list_contains(&e->settings->mynetworks, &e->facts.peer);
}

static struct slice
member_prefix(const struct target *target)
{
	if (target->kind == TARGET_PROGRAM)
		return S("a program of ");
	return target->kind == TARGET_FILE ? S("a file of ") : S("");
}

/* Bytes of all lines as replies; 0: they cannot be told. */
static size_t
measure(const struct resolution *resolution)
{
	size_t size = 0;

	for (size_t i = 0; i < resolution->count; i++) {
		const struct target *target = &resolution->targets[i];

		if (!slice_is_ascii(target->address))
			return 0;
		size += LINE_OVERHEAD + member_prefix(target).len +
			target->address.len;
	}
	return size <= LIMIT_SMTP_EXPANSION ? size : 0;
}

static size_t
add(char *room, size_t at, struct slice s)
{
	memcpy(room + at, s.ptr, s.len);
	return at + s.len;
}

/* What a program or a file is called is not told. */
static void
list_members(struct enqueue *e, const struct resolution *resolution)
{
	char *room = arena_alloc(e->scratch, LIMIT_SMTP_EXPANSION);
	size_t at = 0;

	for (size_t i = 0; i < resolution->count && room != NULL; i++) {
		const struct target *target = &resolution->targets[i];

		at = add(room, at, member_prefix(target));
		at = add(room, at, S("<"));
		at = add(room, at, target->address);
		at = add(room, at, S(">\n"));
	}
	e->members = slice_make(room, at);
}

static void
expand(struct enqueue *e, struct slice path, struct inject_reply *reply)
{
	struct resolution resolution;

	if (!policy_is_here(e->settings, path)) {
		answer_set(reply, 252, "2.0.0",
		    "only the host of that domain can tell");
		return;
	}
	if (!enqueue_judge(e, path, &resolution, reply)) {
		enqueue_log_refusal(e, "EXPN", path, reply);
		return;
	}
	if (measure(&resolution) == 0) {
		answer_set(reply, 252, "2.1.5",
		    "%zu addresses, which cannot all be told here",
		    resolution.count);
		return;
	}
	list_members(e, &resolution);
	log_info("%s: expn: <%.*s>: %zu addresses", e->facts.id,
	    SLICE_FMT(path), resolution.count);
	answer_set(reply, 250, "2.1.5", "Ok");
}

enum enqueue_step
enqueue_on_expn(
    struct enqueue *e, struct message *message, struct inject_reply *reply)
{
	struct slice path;

	e->members = S("");
	message_get_slice(message, &path);
	if (!message_end(message))
		return ENQUEUE_BROKEN;
	arena_reset(e->scratch);
	if (is_told(e))
		expand(e, path, reply);
	else
		answer_set(reply, 252, "2.0.0",
		    "Not told here: send the message and see");
	return ENQUEUE_REPLY;
}

struct slice
enqueue_members(const struct enqueue *e)
{
	return e->members;
}
