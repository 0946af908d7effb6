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

#include <sys/stat.h>
#include <sys/types.h>

#include "common/auth.h"
#include "common/control.h"
#include "common/front.h"
#include "common/server_notice.h"

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
	FRONT_START_SESSION, /* another one, with other facts */
};

/* A session that waits, jailed, for its connection. */
struct front_waiting {
	pid_t pid;   /* 0: none */
	int control; /* our end */
	int enqueue; /* enqueue's end */
};

/* What outlives a connection where one front serves several: enqueue, as
 * long as the tables that it has open are those on disk. */
#define FRONT_TABLES 6
struct front_resident {
	pid_t enqueue;            /* 0: none */
	int facts;                /* our end, -1 when there is none */
	int notices;              /* to merpatid (server_notice.h), or -1 */
	struct stat tables[FRONT_TABLES]; /* when enqueue was started */
	struct front_waiting waiting;     /* the next session */
};

struct front_state {
	const struct front *front;
	struct front_resident *resident;
	struct connection connection;
	enum front_phase phase;
	unsigned int asked;       /* request types of this session, as bits */
	unsigned int auth_failures;
	struct user user;         /* FRONT_LOGGED_IN: who */
	int64_t deadline;         /* of the whole connection */
	pid_t session;            /* 0: none */
	unsigned int others;      /* children beside session and enqueue */
	int control;              /* our end */
	int enqueue;              /* enqueue's end, until it has it */
	bool has_enqueue;         /* it serves this session */
	int credentials;          /* auth's end */
	int handover;             /* the read end */
};

/* front_request.c: check the request against the table and serve it. */
enum front_next front_request_run(struct front_state *state,
    struct control request);

/* front_proxy.c: read the PROXY header of a peer in proxy_networks; false
 * when there is none. Who the peer is at last is settled with it. And the
 * facts that follow from an address. */
bool front_take_proxy(struct front_state *state);
void front_set_peer(struct connection *connection, const struct netaddr *peer,
    const struct netaddr *local);

/* front_claim.c: what a session of a listed host says; false: malformed, or
 * enqueue cannot be told. The rights come before any claim. */
bool front_take_xclient(struct front_state *state);
bool front_take_xforward(struct front_state *state);
void front_set_claim_rights(struct connection *connection);

/* front_session.c. The next connection's session, ahead of it: no error when
 * there is one; without it front_start_session makes one. That logs why it
 * failed, and session is -1 then. */
bool front_prepare_session(struct front_waiting *waiting,
    const struct front *front, const struct settings *settings,
    struct why *why);
bool front_start_session(struct front_state *state);
void front_end_waiting(struct front_waiting *waiting);

/* front_start.c. Each logs why it failed. */
bool front_start_tls(struct front_state *state);
/* front_verify.c: enqueue's end of the pipe to a new verify, or -1: none is
 * needed, or there is no pipe. One that could not be started is a closed pipe,
 * and what that means is enqueue's to say. */
int front_start_verify(struct front_state *state);
/* front_auth.c; *delay: seconds before the session may hear the answer. */
unsigned int front_mechanisms(const struct connection *connection);
enum auth_answer front_start_auth(struct front_state *state,
    unsigned int *delay);
/* Returns only on failure. */
void front_start_mailbox(struct front_state *state);
void front_close(int *fd);
/* Reap pid; kill it first when it is not gone at the deadline. */
void front_reap(pid_t pid, int64_t deadline, const char *name);
/* Reap all others, until the deadline. False: some are left. */
bool front_reap_others(struct front_state *state, int64_t deadline);

/* front_enqueue.c: give enqueue this session, or new facts of it. */
bool front_start_enqueue(struct front_state *state);
bool front_send_facts(const struct front_state *state);
void front_resident_init(struct front_resident *resident);
/* pid is reaped: was it one of these? */
bool front_resident_lost(struct front_resident *resident, pid_t pid);
/* All go, and are waited for. */
void front_resident_end(struct front_resident *resident, int64_t deadline);

#endif
