/* SPDX-License-Identifier: ISC */
/*
 * enqueue_state - the state of enqueue's core; for enqueue*.c only.
 *
 * enqueue.c has the envelope (MAIL, RCPT, VRFY), enqueue_message.c the
 * message (DATA, CHUNK, END). What fails in the middle of the message is
 * kept in failure and told at END.
 */
#ifndef QUEUE_ENQUEUE_STATE_H
#define QUEUE_ENQUEUE_STATE_H

#include "common/spoolfile.h"

#include "queue/enqueue.h"
#include "queue/enqueue_header.h"

#define ENQUEUE_ARENA (128 << 20) /* bytes of one transaction */

enum phase {
	PHASE_IDLE,
	PHASE_MAIL,
	PHASE_DATA
};

struct enqueue {
	const struct settings *settings;
	struct enqueue_tables tables;
	struct inject_facts facts;
	struct arena *arena;   /* of the transaction */
	struct arena *scratch; /* of one recipient */
	enum phase phase;
	/* the envelope */
	struct spool_message envelope;
	size_t recipient_room;
	size_t accepted;    /* RCPTs that were taken */
	struct slice first; /* the first of them */
	bool is_esmtp;
	/* the message */
	struct spool_writer *writer;
	struct buf held; /* header, and what came with it */
	struct header_scan scan;
	char message_id[256];
	struct inject_reply failure; /* code 0: none; told at END */
	/* after the reply */
	bool is_over; /* END was answered */
	char committed[SPOOL_ID_SIZE];
	int trigger_fd;
};

void enqueue_reset(struct enqueue *e);
bool enqueue_is_local(const struct enqueue *e);
void enqueue_log_refusal(const struct enqueue *e, const char *stage,
    struct slice about, const struct inject_reply *reply);
void enqueue_reply_of_error(struct inject_reply *reply, const struct why *why);

enum enqueue_step enqueue_on_data(
    struct enqueue *e, struct message *message, struct inject_reply *reply);
enum enqueue_step enqueue_on_chunk(struct enqueue *e, struct message *message);
enum enqueue_step enqueue_on_end(
    struct enqueue *e, struct message *message, struct inject_reply *reply);

#endif
