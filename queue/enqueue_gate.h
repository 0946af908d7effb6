/* SPDX-License-Identifier: ISC */
/*
 * enqueue_gate - what is asked about a recipient before its existence may
 * show: the access table, what verify said of the client, and a few rules
 * for strangers (null sender with many recipients, our own name in HELO).
 * Who asks for too many unknown ones is sent away.
 */
#ifndef QUEUE_ENQUEUE_GATE_H
#define QUEUE_ENQUEUE_GATE_H

#include <stdbool.h>
#include <stddef.h>

#include "queue/enqueue_access.h"

struct enqueue;

struct enqueue_gate {
	/* of the connection */
	bool has_client; /* client was looked up */
	struct access_result client;
	size_t unknown; /* recipients that do not exist */
	/* of the recipient at work */
	bool is_exempt; /* from verify's checks of the client */
};

/* False: the reply refuses it. */
bool enqueue_gate_enter(
    struct enqueue *e, struct slice recipient, struct inject_reply *reply);
/* The tables refused it; the reply may become the last one. */
void enqueue_gate_refused(struct enqueue *e, struct inject_reply *reply);

#endif
