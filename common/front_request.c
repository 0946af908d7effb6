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
	NEEDS_XCLIENT = 1 << 4, /* the peer is listed */
	NEEDS_XFORWARD = 1 << 5,
};

typedef enum front_next front_request_fn(struct front_state *state);

static front_request_fn request_enqueue, request_auth, request_starttls,
    request_handover, request_mail, request_xclient, request_xforward;

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
	{ CONTROL_MAIL, FRONT_ANY_PHASE, NEEDS_ENQUEUE, true, request_mail },
	{ CONTROL_XCLIENT, FRONT_ANY_PHASE, NEEDS_ENQUEUE | NEEDS_XCLIENT, true,
	    request_xclient },
	{ CONTROL_XFORWARD, FRONT_ANY_PHASE, NEEDS_ENQUEUE | NEEDS_XFORWARD,
	    false, request_xforward },
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
	if (!state->has_enqueue && !front_start_enqueue(state))
		return answer(state, CONTROL_FAILED);
	return answer(state, CONTROL_READY);
}

/* This process serves one connection alone: it may sleep. */
static void
punish(unsigned int seconds)
{
	struct timespec left = { .tv_sec = (time_t)seconds };

	while (nanosleep(&left, &left) < 0 && errno == EINTR)
		continue;
}

static enum front_next
request_auth(struct front_state *state)
{
	unsigned int delay = 0;

	if (state->auth_failures >= LIMIT_AUTH_FAILURES) {
		log_warning(
		    "%s: too many login failures", state->connection.id);
		return FRONT_END;
	}
	switch (front_start_auth(state, &delay)) {
	case AUTH_ANSWER_LATER:
		if (delay > 0)
			state->auth_failures++;
		punish(delay);
		return answer(state, CONTROL_AUTH_LATER);
	case AUTH_ANSWER_NO:
		/* One, two, four seconds. */
		punish(1U << state->auth_failures++);
		return answer(state, CONTROL_AUTH_NO);
	case AUTH_ANSWER_YES:
		break;
	}
	state->phase = FRONT_LOGGED_IN;
	notice_send(state->resident->notices, NOTICE_LOGIN, NULL);
	if (state->has_enqueue && !front_send_facts(state))
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

static enum front_next
request_mail(struct front_state *state)
{
	notice_send(state->resident->notices, NOTICE_MAIL, NULL);
	return FRONT_GO_ON;
}

static enum front_next
request_xclient(struct front_state *state)
{
	return front_take_xclient(state) ? FRONT_START_SESSION : FRONT_END;
}

static enum front_next
request_xforward(struct front_state *state)
{
	if (!front_take_xforward(state))
		return FRONT_END;
	return answer(state, CONTROL_READY);
}

/* What only a listed peer may claim. */
static bool
may_claim(const struct connection *c, unsigned int needs)
{
	return ((needs & NEEDS_XCLIENT) == 0 || c->may_xclient) &&
	       ((needs & NEEDS_XFORWARD) == 0 || c->may_xforward);
}

static bool
needs_are_met(const struct front_state *state, unsigned int needs)
{
	const struct connection *c = &state->connection;

	if ((needs & NEEDS_ENQUEUE) != 0 && !state->front->has_enqueue)
		return false;
	if (((needs & NEEDS_NO_TLS) != 0 && c->is_tls) || !may_claim(c, needs))
		return false;
	if ((needs & NEEDS_MAILBOX) != 0 && state->front->mailbox == NULL)
		return false;
	return (needs & NEEDS_LOGIN) == 0 ||
	       (listener_has_login(c->listener) &&
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
