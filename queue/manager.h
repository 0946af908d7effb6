/* SPDX-License-Identifier: ISC */
/*
 * manager - the queue manager's state and its one loop.
 *
 * manager_step waits for the descriptors (trigger, control, spawners,
 * agents), then starts due messages, hands out jobs, writes marks, syncs
 * mailboxes and walks one bucket of a scan. Nothing in it waits for an agent:
 * their input is collected and messages are taken when whole. The process
 * around it (privileges, FIFOs, spawners) is qmgr_main.c; tests build a
 * manager over socketpairs. Times are monotonic milliseconds but for what is
 * stored in the spool.
 */
#ifndef QUEUE_MANAGER_H
#define QUEUE_MANAGER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/answers.h"
#include "common/bounce_texts.h"
#include "common/buf.h"
#include "common/settings.h"

#include "queue/journal.h"
#include "queue/pause.h"
#include "queue/route.h"
#include "queue/scan.h"
#include "queue/schedule.h"

#define MANAGER_ACTIVE_MAX 2000 /* messages in memory */
#define MANAGER_TRIED_MAX  1500 /* of them, that is room for fresh ones */
#define MANAGER_START_MAX  100  /* messages started per step */
#define MANAGER_RESCAN_MS  300000
#define MANAGER_TROUBLE_MS 60000 /* an I/O error: try the file again */
#define MANAGER_LINE_MAX   250   /* tasks of one destination in line */
#define MANAGER_CROWDED_MS 2000  /* its line is full: look again */
#define MANAGER_LOCKED_MS  20    /* its writer is not finished */

enum spawner {
	SPAWNER_LOCAL,
	SPAWNER_REMOTE,
	SPAWNERS
};

struct active;
struct dispatch;

struct manager {
	const struct settings *settings;
	int spool_fd;
	int trigger_fd;
	int control_fd;
	int stop_fd;   /* readable: end gracefully */
	int pickup_fd; /* a byte starts pickup */
	int spawners[SPAWNERS];
	struct schedule *schedule;
	struct router *router;
	struct scan *scan; /* NULL: none is going on */
	int64_t next_scan;
	struct pauses *pauses;
	struct journal *journal;
	struct answers *answers;
	struct bounce_texts *bounce_texts;
	int64_t started; /* as now */
	struct dispatch *dispatch;
	struct active *actives;
	size_t active_count;
	struct buf trigger_input;
	struct buf control_input;
	int64_t now; /* of this step */
	int64_t stop_until;
	bool has_begun;   /* the first step */
	bool is_stopping; /* no new jobs */
	bool has_failed;  /* a spawner is gone */
};

/* Descriptors are set by the caller after manager_init, before the first
 * step; they stay the caller's. -1 where there is none. */
void manager_init(
    struct manager *manager, const struct settings *settings, int spool_fd);
void manager_clear(struct manager *manager);
/* At most timeout milliseconds. False when the process shall end. */
bool manager_step(struct manager *manager, int timeout);
/* A new message, by trigger or scan. */
void manager_add(struct manager *manager, const char *id, bool may_be_tried);

#endif
