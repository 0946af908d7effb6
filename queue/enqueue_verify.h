/* SPDX-License-Identifier: ISC */
/*
 * enqueue_verify - enqueue's side of the pipe to verify (common/verify.h).
 *
 * Asks at each stage and turns the answers into what enqueue does: go on,
 * refuse, hold, drop. verify counts as hostile: an answer that does not fit
 * the grammar ends the talk with it, and so does silence. Without it mail is
 * put off (451 4.3.0) where verify_required says so, else it goes on.
 * Nothing here can make a recipient acceptable that the tables refuse.
 */
#ifndef QUEUE_ENQUEUE_VERIFY_H
#define QUEUE_ENQUEUE_VERIFY_H

#include <stdbool.h>

#include "common/buf.h"
#include "common/inject.h"
#include "common/verify.h"

#include "queue/enqueue.h"

struct enqueue_verify {
	int fd;            /* -1: there is none */
	bool is_connected; /* it heard the facts */
	bool is_lost;      /* it was there */
	char client[256];  /* the confirmed name, "unknown", "" not known */
	/* of the client: told at every recipient; code 0: none */
	struct inject_reply refusal;
	/* of the transaction */
	bool is_asked;      /* MAIL was passed on */
	bool wants_message; /* in CHUNKs */
	bool is_dropped;
	bool has_to_tell;  /* the login, of the hold */
	char hold[256];    /* why; "" not held */
	struct buf fields; /* go in front of the message */
};

/* Each returns true to go on, else reply is filled. */
bool enqueue_verify_mail(struct enqueue *e, struct slice sender, uint64_t size,
    struct inject_reply *reply);
/* What is known of the client, whoever the recipient. */
bool enqueue_verify_client(const struct enqueue *e, struct inject_reply *reply);
bool enqueue_verify_rcpt(
    struct enqueue *e, struct slice recipient, struct inject_reply *reply);
bool enqueue_verify_data(
    struct enqueue *e, const char *id, struct inject_reply *reply);
void enqueue_verify_chunk(struct enqueue *e, struct slice bytes);
bool enqueue_verify_end(struct enqueue *e, struct inject_reply *reply);
/* The transaction is over without END, or was never asked about. */
void enqueue_verify_abort(struct enqueue *e);
/* Put the message on hold; the first reason is kept. */
void enqueue_verify_hold(struct enqueue *e, const char *reason);

/* INJECT_GREET. */
enum enqueue_step enqueue_on_greet(
    struct enqueue *e, struct message *message, struct inject_reply *reply);

void enqueue_verify_init(struct enqueue *e);
/* Away with it, and with what is known of the client. */
void enqueue_verify_end_session(struct enqueue *e);
/* What was known of the client: another one comes. */
void enqueue_verify_forget(struct enqueue *e);
void enqueue_verify_free(struct enqueue *e);

#endif
