/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "common/front_state.h"

#include <errno.h>
#include <time.h>

#include "common/limits.h"
#include "common/log.h"

#define FRONT_ANY_PHASE (FRONT_OPEN | FRONT_LOGGED_IN)

/* What a request asks of the connection, beside its phase. */
enum front_need {
	NEEDS_ENQUEUE = 1 << 0, /* the daemon submits mail */
	NEEDS_LOGIN = 1 << 1,   /* the listener has logins, and it is safe */
	NEEDS_NO_TLS = 1 << 2,
	NEEDS_MAILBOX = 1 << 3,
};

typedef enum front_next front_request_fn(struct front_state *state);

static front_request_fn request_enqueue, request_auth, request_starttls,
    request_handover;

static const struct front_request {
	uint8_t type;
	unsigned int phases;
	unsigned int needs;
	bool is_once; /* per session */
	front_request_fn *run;
} front_requests[] = {
	{ CONTROL_ENQUEUE, FRONT_ANY_PHASE, NEEDS_ENQUEUE, true,
	    request_enqueue },
	{ CONTROL_AUTH, FRONT_OPEN, NEEDS_LOGIN, false, request_auth },
	{ CONTROL_STARTTLS, FRONT_OPEN, NEEDS_NO_TLS, true, request_starttls },
	{ CONTROL_HANDOVER, FRONT_LOGGED_IN, NEEDS_MAILBOX, true,
	    request_handover },
};

#define FRONT_REQUESTS (sizeof(front_requests) / sizeof(front_requests[0]))

static enum front_next
answer(const struct front_state *state, enum control_type type)
{
	struct control control = { .type = (uint8_t)type };

	if (control_send(state->control, control) != IO_OK)
		return FRONT_END;
	return FRONT_GO_ON;
}

static enum front_next
request_enqueue(struct front_state *state)
{
	if (!front_start_enqueue(state))
		return answer(state, CONTROL_FAILED);
	return answer(state, CONTROL_READY);
}

/* One, two, four seconds: this process serves one connection alone. */
static void
punish(unsigned int failures)
{
	struct timespec left = { .tv_sec = 1L << (failures - 1) };

	while (nanosleep(&left, &left) < 0 && errno == EINTR)
		continue;
}

static enum front_next
request_auth(struct front_state *state)
{
	if (state->auth_failures >= LIMIT_AUTH_FAILURES) {
		log_warning(
		    "%s: too many login failures", state->connection.id);
		return FRONT_END;
	}
	switch (front_start_auth(state)) {
	case AUTH_ANSWER_LATER:
		return answer(state, CONTROL_AUTH_LATER);
	case AUTH_ANSWER_NO:
		punish(++state->auth_failures);
		return answer(state, CONTROL_AUTH_NO);
	case AUTH_ANSWER_YES:
		break;
	}
	state->phase = FRONT_LOGGED_IN;
	if (state->facts >= 0 && !front_send_facts(state))
		return answer(state, CONTROL_AUTH_LATER);
	return answer(state, CONTROL_AUTH_OK);
}

static enum front_next
request_starttls(struct front_state *state)
{
	(void)state;
	return FRONT_START_TLS;
}

static enum front_next
request_handover(struct front_state *state)
{
	(void)state;
	return FRONT_HAND_OVER;
}

static bool
needs_are_met(const struct front_state *state, unsigned int needs)
{
	const struct connection *c = &state->connection;

	if ((needs & NEEDS_ENQUEUE) != 0 && !state->front->has_enqueue)
		return false;
	if ((needs & NEEDS_NO_TLS) != 0 && c->is_tls)
		return false;
	if ((needs & NEEDS_MAILBOX) != 0 && state->front->mailbox == NULL)
		return false;
	return (needs & NEEDS_LOGIN) == 0 ||
	       (c->listener->kind != LISTENER_SMTP &&
		   (c->is_tls || c->may_auth_in_clear));
}

enum front_next
front_request_run(struct front_state *state, struct control control)
{
	const struct front_request *request = NULL;
	unsigned int bit;

	for (size_t i = 0; i < FRONT_REQUESTS; i++)
		if (front_requests[i].type == control.type)
			request = &front_requests[i];
	if (request == NULL || (request->phases & state->phase) == 0 ||
	    !needs_are_met(state, request->needs)) {
		log_error("%s: session asked for %u, which it may not",
		    state->connection.id, control.type);
		return FRONT_END;
	}
	bit = 1U << request->type;
	if (request->is_once && (state->asked & bit) != 0) {
		log_error("%s: session asked for %u twice",
		    state->connection.id, control.type);
		return FRONT_END;
	}
	state->asked |= bit;
	return request->run(state);
}
