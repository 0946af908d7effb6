/* SPDX-License-Identifier: ISC */
/*
 * manager_fixture - a spool in /tmp, a manager over it, and the other ends
 * of its spawners: the test plays spawner and agent itself.
 *
 * alice@here.test and bob@here.test are virtual users (uids 20001, 20002);
 * there.test is remote. Every wait has a ceiling of WAIT_MS and steps the
 * manager meanwhile.
 */
#ifndef TESTS_UNIT_QUEUE_MANAGER_FIXTURE_H
#define TESTS_UNIT_QUEUE_MANAGER_FIXTURE_H

#include <stdbool.h>

#include "common/arena.h"
#include "common/job.h"
#include "common/settings.h"
#include "common/spoolfile.h"

#include "queue/manager.h"

#define WAIT_MS        5000
#define MAX_RECIPIENTS 4

struct manager_fixture {
	char path[64];
	int spool_fd;
	struct settings *settings;
	struct manager manager;
	int spawners[SPAWNERS]; /* our ends */
	int control_fd;         /* our end */
	struct arena *arena;
	char id[SPOOL_ID_SIZE]; /* of the last message put */
	/* of the next ones; an alias: what all recipients were given as */
	struct mail_options mail;
	struct rcpt_options rcpt;
	const char *alias;
};

struct agent_end {
	int fd;
	struct message message;
	struct job job;
	int spool_fd;         /* the attached file */
	uint8_t verdict_flags; /* of the next answers */
};

int manager_setup(void **state);
/* name below f->path: mail.conf, a table. */
void write_file(
    const struct manager_fixture *f, const char *name, const char *text);
int manager_teardown(void **state);
/* Forget all that is in memory, as a restart of qmgr does. */
void manager_restart(struct manager_fixture *f);
/* recipients: up to MAX_RECIPIENTS addresses, NULL ends. */
void put_message(struct manager_fixture *f, const char *sender,
    const char *const *recipients);
void step(struct manager_fixture *f);
/* Until no message is active. */
void step_until_idle(struct manager_fixture *f);
/* Wait for a new agent to be asked for. */
void expect_agent(
    struct manager_fixture *f, enum spawner kind, struct agent_end *agent);
void expect_job(struct manager_fixture *f, struct agent_end *agent);
void expect_sync(struct manager_fixture *f, struct agent_end *agent);
bool is_agent_asked_for(struct manager_fixture *f, enum spawner kind);
void answer(struct agent_end *agent, uint32_t index, char status,
    const char *code, const char *text);
void answer_done(struct agent_end *agent, uint64_t device);
void answer_synced(struct agent_end *agent, bool ok);
void agent_end_close(struct agent_end *agent);
void say(struct manager_fixture *f, const char *line);
bool is_queued(struct manager_fixture *f, const char *id);
void expect_removed(struct manager_fixture *f, const char *id);
/* Its body as text, until the next call. */
const char *read_body(struct manager_fixture *f, const char *id);
/* The queue file as it is now. */
void read_back(
    struct manager_fixture *f, const char *id, struct spool_message *message);

#endif
