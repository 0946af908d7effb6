/* SPDX-License-Identifier: ISC */
/*
 * deliver - the delivery agent: one process per user, as that user.
 *
 * Takes JOBs of qmgr on descriptor 0 (job.h), answers one VERDICT per
 * recipient and JOB_DONE, waits AGENT_IDLE seconds for more. A job is one
 * queue file, of which it has a read-only descriptor, for recipients that
 * are all this user's.
 *
 * A copy is: Return-Path, X-Original-To (when it says something new) and
 * Delivered-To, then the body as it is in the queue file. An earlier
 * Delivered-To with the same address is a loop (5.4.6).
 */
#ifndef DELIVER_DELIVER_H
#define DELIVER_DELIVER_H

#include <stdbool.h>
#include <stdint.h>

#include "common/buf.h"
#include "common/job.h"
#include "common/result.h"
#include "common/settings.h"

enum confinement {
	CONFINE_NEVER, /* tests that run as root */
	CONFINE_AT_JOB,
	CONFINED_TO_MAILBOX,
	CONFINED_TO_FILES,
	CONFINED_TO_COMMANDS,
};

/* What one process keeps between jobs. */
struct agent {
	const struct settings *settings;
	enum confinement confinement;
	bool is_spent; /* the next job may need another jail */
	int socket;
	int maildir; /* opened last, or -1 */
	char maildir_path[USER_PATH_SIZE];
	uint64_t device; /* to be synced; 0 none */
};

/* One message for one recipient. */
struct delivery {
	struct agent *agent;
	const struct job *job;
	const struct job_recipient *recipient;
	int spool;
	struct slice start; /* first bytes of the body, all of a short one */
	struct buf prefix;  /* the fields put in front */
	struct verdict verdict;
};

/* The program, in a child or executed (program.h). */
int deliver_run(const struct settings *settings, int argc, char *const argv[]);
int deliver_serve(struct agent *agent);
/*
 * At the first job: into the jail that it needs, for good. False: this agent
 * may not do the job; it ends, and qmgr gives the job to a fresh one. *ok is
 * false with why when the home cannot be made: an answer for every recipient.
 */
bool agent_confine(struct agent *agent, const struct job *job, int spool,
    bool *ok, struct why *why);

/* Deliver one; fills delivery->verdict. */
void delivery_run(struct delivery *delivery);
/* Each target. False with why: error and status tell what to answer. */
bool delivery_to_maildir(struct delivery *delivery, const char *path,
    bool may_create, struct why *why);
bool
delivery_to_mbox(struct delivery *delivery, const char *path, struct why *why);
/* Fills the verdict itself. */
void delivery_to_program(struct delivery *delivery);

/* Hand all bytes of the copy to write, in order. */
typedef bool
delivery_write_fn(void *context, struct slice bytes, struct why *why);
bool delivery_copy(const struct delivery *delivery, delivery_write_fn *write,
    void *context, struct why *why);
uint64_t delivery_size(const struct delivery *delivery);
/* 'D', 'F' or 'T'. */
void delivery_decide(
    struct delivery *delivery, char status, const char *code, const char *text);
/* By the error of a system call. */
void delivery_fail(struct delivery *delivery, const struct why *why);
bool delivery_make_home(const struct user *user, struct why *why);
bool delivery_path_is_maildir(const char *path);

#endif
