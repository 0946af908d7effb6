/* SPDX-License-Identifier: ISC */
/*
 * front_state - one connection, as its front sees it (front*.c only).
 *
 * front.c has the course of a connection, front_request.c the table of what
 * a session may ask, front_start.c starts the compartments. This is code
 * that runs as root: it handles descriptors, process ids and the fixed
 * structs of control.h, auth.h and tls_status.h, and parses nothing.
 * Descriptors are -1 when they are not open.
 */
#ifndef COMMON_FRONT_STATE_H
#define COMMON_FRONT_STATE_H

#include <sys/types.h>

#include "common/auth.h"
#include "common/control.h"
#include "common/front.h"

enum front_phase {
	FRONT_OPEN = 1 << 0,      /* nobody has logged in */
	FRONT_LOGGED_IN = 1 << 1,
};

/* What a request leads to. */
enum front_next {
	FRONT_GO_ON,
	FRONT_END,
	FRONT_START_TLS,
	FRONT_HAND_OVER,
};

struct front_state {
	const struct front *front;
	struct connection connection;
	enum front_phase phase;
	unsigned int asked;       /* request types of this session, as bits */
	unsigned int auth_failures;
	struct user user;         /* FRONT_LOGGED_IN: who */
	int64_t deadline;         /* of the whole connection */
	pid_t session;            /* 0: none */
	int control;              /* our end */
	int enqueue;              /* enqueue's end, until it is started */
	int facts;                /* our end, when enqueue runs */
	int credentials;          /* auth's end */
	int handover;             /* the read end */
};

/* front_request.c: check the request against the table and serve it. */
enum front_next front_request_run(struct front_state *state,
    struct control request);

/* front_start.c. Each logs why it failed. */
bool front_start_session(struct front_state *state);
bool front_start_tls(struct front_state *state);
bool front_start_enqueue(struct front_state *state);
enum auth_answer front_start_auth(struct front_state *state);
bool front_send_facts(const struct front_state *state);
/* Returns only on failure. */
void front_start_mailbox(struct front_state *state);
void front_close(int *fd);
/* Reap pid; kill it first when it is not gone at the deadline. */
void front_reap(pid_t pid, int64_t deadline, const char *name);
/* Reap every child, until the deadline. */
void front_reap_all(int64_t deadline);

#endif
