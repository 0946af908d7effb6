/* SPDX-License-Identifier: ISC */
/*
 * enqueue_state - the state of enqueue's core; for enqueue*.c only.
 *
 * enqueue.c has the envelope (MAIL, RCPT), enqueue_message.c the message
 * (DATA, CHUNK, END). What fails in the middle of the message is
 * kept in failure and told at END.
 */
#ifndef QUEUE_ENQUEUE_STATE_H
#define QUEUE_ENQUEUE_STATE_H

#include "common/spoolfile.h"

#include "queue/enqueue.h"
#include "queue/enqueue_edit.h"
#include "queue/enqueue_gate.h"
#include "queue/enqueue_header.h"
#include "queue/enqueue_verify.h"

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
	struct enqueue_verify verify;
	struct enqueue_gate gate;
	struct arena *arena;   /* of the transaction */
	struct arena *scratch; /* of one recipient */
	enum phase phase;
	/* the envelope */
	struct spool_message envelope;
	size_t recipient_room;
	size_t accepted;    /* RCPTs that were taken */
	struct slice first; /* the first of them */
	bool is_esmtp;
	struct slice members; /* of the last EXPN, in scratch */
	/* the message */
	char id[SPOOL_ID_SIZE]; /* it will get, where verify asks early */
	struct spool_writer *writer;
	struct enqueue_edit edit;
	struct buf held; /* header, and what came with it */
	struct header_scan scan;
	char message_id[256];
	struct inject_reply failure; /* code 0: none; told at END */
	/* after the reply */
	bool is_over; /* END was answered */
	char committed[SPOOL_ID_SIZE];
	char notice[SPOOL_ID_SIZE]; /* about it; "" none */
	int trigger_fd;
};

void enqueue_reset(struct enqueue *e);
/* As MAIL and RCPT do; for what verify changed. enqueue_admit asks the tables
 * and the policy, and not verify again. */
bool enqueue_set_sender(
    struct enqueue *e, struct slice path, struct inject_reply *reply);
bool enqueue_admit(
    struct enqueue *e, struct slice path, struct inject_reply *reply);
/* Would RCPT take it? Fills resolution, in scratch, and reply. */
bool enqueue_judge(struct enqueue *e, struct slice path,
    struct resolution *resolution, struct inject_reply *reply);
/* A target as the queue file has it; copies are in the transaction's arena. */
struct spool_recipient enqueue_recipient(
    struct enqueue *e, const struct target *target, struct slice original);
bool enqueue_is_local(const struct enqueue *e);
/* As logs have it before the [address]: XCLIENT's word, else verify's. */
const char *enqueue_client_name(const struct enqueue *e);
void enqueue_log_refusal(const struct enqueue *e, const char *stage,
    struct slice about, const struct inject_reply *reply);
void enqueue_reply_of_error(struct inject_reply *reply, const struct why *why);

/* enqueue_convert.c: before the commit. False: reply says why not. */
bool enqueue_must_convert(const struct enqueue *e);
bool enqueue_convert(struct enqueue *e, struct inject_reply *reply);
/* enqueue_vrfy.c */
enum enqueue_step enqueue_on_vrfy(
    struct enqueue *e, struct message *message, struct inject_reply *reply);
enum enqueue_step enqueue_on_expn(
    struct enqueue *e, struct message *message, struct inject_reply *reply);
/* enqueue_etrn.c */
enum enqueue_step enqueue_on_etrn(
    struct enqueue *e, struct message *message, struct inject_reply *reply);
/* enqueue_message.c */
enum enqueue_step enqueue_on_data(
    struct enqueue *e, struct message *message, struct inject_reply *reply);
enum enqueue_step enqueue_on_chunk(struct enqueue *e, struct message *message);
/* What a submission lacks (enqueue_trace.h), for its header with these
 * facts. */
void enqueue_trace_missing(
    struct enqueue *e, const struct header_facts *facts, struct buf *out);
/* The start of the spool file from what is held; failure says how it went. */
void enqueue_start_body(struct enqueue *e);
bool enqueue_has_8bit(struct slice bytes);
enum enqueue_step enqueue_on_end(
    struct enqueue *e, struct message *message, struct inject_reply *reply);

#endif
