/* SPDX-License-Identifier: ISC */
/*
 * enqueue_fixture - enqueue's core over a spool in /tmp, without its program.
 *
 * alice@here.test and bob@here.test are virtual users, there.test is
 * elsewhere, 127.0.0.0/8 is mynetworks. The test sends the session's
 * messages; options and recipient are what the next MAIL and RCPT ask for.
 */
#ifndef TESTS_UNIT_QUEUE_ENQUEUE_FIXTURE_H
#define TESTS_UNIT_QUEUE_ENQUEUE_FIXTURE_H

#include "common/front.h"
#include "common/spoolfile.h"

#include "queue/enqueue.h"

#define TEST(name)                                                      \
	cmocka_unit_test_setup_teardown(                                \
	    name, enqueue_setup, enqueue_teardown)

struct fixture {
	char path[64];
	char users[96], empty[2];
	char names[4][32];
	char *domains[1];
	struct network network;
	struct settings settings;
	struct inject_facts facts;
	struct enqueue_tables tables;
	struct enqueue *enqueue;
	struct message message;
	struct inject_reply reply;
	struct mail_options options;
	struct rcpt_options recipient;
	char id[SPOOL_ID_SIZE];
};

enum who {
	STRANGER,
	LOOPBACK,
	LOGGED_IN,
	DROP
};

int enqueue_setup(void **state);
int enqueue_teardown(void **state);
/* What was put into message, as enqueue gets it. */
enum enqueue_step step(struct fixture *f);
unsigned int mail(struct fixture *f, const char *sender, uint64_t size);
unsigned int rcpt(struct fixture *f, const char *recipient);
unsigned int ask(struct fixture *f, enum inject_type type);
void chunk(struct fixture *f, struct slice bytes);
void abort_transaction(struct fixture *f);
/* Send text in pieces of size; the reply to END. */
unsigned int send_text(struct fixture *f, struct slice text, size_t size);
struct slice read_body(struct fixture *f, struct buf *out);
void become(struct fixture *f, enum who who);
/* The envelope as qmgr reads it. */
void read_envelope(struct fixture *f, struct arena *arena,
    struct spool_message *message);

#endif
