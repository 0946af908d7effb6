/* SPDX-License-Identifier: ISC */
/*
 * verify_fixture - the core of enqueue between a session and a verify, both
 * played by the test. Answers of verify are written before they are asked
 * for, so one process does all.
 */
#ifndef TESTS_UNIT_QUEUE_VERIFY_FIXTURE_H
#define TESTS_UNIT_QUEUE_VERIFY_FIXTURE_H

#include "tests/unit/unit.h"

#include "common/spoolfile.h"
#include "common/verify.h"

#include "queue/enqueue.h"

struct fixture {
	char path[64], users[96], empty[2];
	char names[4][32];
	char *domains[1];
	struct network network;
	struct settings settings;
	struct inject_facts facts;
	struct enqueue_tables tables;
	struct enqueue *enqueue;
	int verify; /* our end */
	struct message message;
	struct inject_reply reply;
};

int play_setup(void **state);
int play_teardown(void **state);
/* A new enqueue with a new verify. */
void play_again(struct fixture *f);
/* What verify will say next; it is written before enqueue asks. */
void play_will_say(struct fixture *f, enum verify_action action,
    unsigned int code, const char *status, const char *text);
void play_will_pass(struct fixture *f, int times);
void play_say_change(struct fixture *f, enum verify_edit kind, uint32_t index,
    const char *name, const char *value);
/* What enqueue asked next. */
enum verify_type
play_asked(struct fixture *f, struct verify_question *question);
/* The session's part: what is in message; the code of the answer. */
unsigned int play_step(struct fixture *f);
unsigned int play_mail(struct fixture *f);
unsigned int play_rcpt(struct fixture *f, const char *recipient);
unsigned int play_simple(struct fixture *f, enum inject_type type);
void play_chunk(struct fixture *f, const char *text);
unsigned int play_greet(struct fixture *f, enum verify_early early);
/* The message that the last answer says is queued; false: none is. */
bool play_read_queued(struct fixture *f, struct arena *arena,
    struct spool_message *out, struct buf *file);
size_t play_count_queued(const struct fixture *f);

#endif
