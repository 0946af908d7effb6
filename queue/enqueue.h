/* SPDX-License-Identifier: ISC */
/*
 * enqueue - the gate of the spool: a program for program_table, and its core.
 *
 * The program reads struct message from a hostile session and struct
 * inject_facts from the front (common/inject.h), and is the only one that
 * writes new queue files for what comes in. It serves one session after the
 * other as the front gives them, and forgets each; it ends with its front,
 * or with a session that broke the protocol. The core takes one message and
 * gives one reply; it touches the spool through spoolfile.h alone. Order of
 * the accept path and its commit points [A1] to [A9]: spool.md.
 */
#ifndef QUEUE_ENQUEUE_H
#define QUEUE_ENQUEUE_H

#include <stdbool.h>

#include "common/inject.h"
#include "common/program.h"
#include "common/resolve.h"
#include "common/settings.h"

program_fn enqueue_program;

struct enqueue; /* many transactions, one after the other */

/* routes, access, senders may be NULL. What is given stays the caller's. */
struct enqueue_tables {
	struct resolver *resolver;
	struct table *routes;
	struct table *access;
	struct table *senders;
	int spool_fd;
};
struct enqueue *enqueue_new(
    const struct settings *settings, const struct enqueue_tables *tables);
void enqueue_free(struct enqueue **enqueue);
/* The pipe to verify (verify.h), -1 none, for this session; it is enqueue's
 * from now on. */
void enqueue_set_verify(struct enqueue *enqueue, int fd);
/* Facts hold from the next MAIL on. False: not facts. */
bool
enqueue_set_facts(struct enqueue *enqueue, const struct inject_facts *facts);

enum enqueue_step {
	ENQUEUE_REPLY,  /* send reply, then call enqueue_replied */
	ENQUEUE_SILENT, /* the message has no answer */
	ENQUEUE_BROKEN, /* not our protocol: end */
};
enum enqueue_step enqueue_step(struct enqueue *enqueue, struct message *message,
    struct inject_reply *reply);
/* What goes out before the reply to INJECT_EXPN; until the next step. */
struct slice enqueue_members(const struct enqueue *enqueue);
/* The session is gone, and with it what it did not finish. */
void enqueue_forget(struct enqueue *enqueue);
/* The reply is out: drop the live writer mark and tell qmgr. */
void enqueue_replied(struct enqueue *enqueue);

#endif
