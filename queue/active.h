/* SPDX-License-Identifier: ISC */
/*
 * active - a message that is being delivered: its envelope and, per
 * recipient, what came of it.
 *
 * active_start reads the file (lock, envelope, and once the whole CRC),
 * decides whether it is due, and gives its open recipients to dispatch as
 * tasks. Each outcome comes back through active_record; when the last task
 * is gone finish.c settles the message: marks, reasons, bounce, next attempt
 * or removal. Everything belongs to the active's arena.
 */
#ifndef QUEUE_ACTIVE_H
#define QUEUE_ACTIVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/answers.h"
#include "common/arena.h"
#include "common/destination_policy.h"
#include "common/job.h"
#include "common/spoolfile.h"

#include "queue/manager.h"
#include "queue/reason.h"

enum outcome_state {
	OUTCOME_CLOSED = 0,     /* settled by an earlier attempt */
	OUTCOME_OPEN = 'W',     /* waits for its verdict */
	OUTCOME_UNSYNCED = 'U', /* delivered, mailbox not yet on the disk */
	OUTCOME_DONE = 'D',
	OUTCOME_FAILED = 'F',
	OUTCOME_LATER = 'T',
	OUTCOME_AGAIN = 'A', /* gets another job, behind.h */
};

struct outcome {
	char state;      /* enum outcome_state */
	bool is_marked;  /* the status byte says so already */
	char notice;     /* DONE: RECIPIENT_DELIVERED or _RELAYED when that is
			  * still to be reported, else 0 */
	int64_t started; /* of its job; 0 never */
	int64_t ended;
	struct destination_policy policy; /* how long it is tried */
	struct reason reason;
	struct slice tls; /* struct verdict; or empty */
};

struct active {
	struct active *next;
	struct active **link; /* what points at this one */
	struct entry *entry;
	struct journal *journal; /* the manager's */
	struct arena *arena;
	struct spool_message message;
	struct outcome *outcomes; /* by recipient index */
	int fd;                   /* read-only; -1 between jobs */
	size_t tasks;             /* not yet finished */
	int64_t taken;
	bool was_tried;      /* an agent answered in this attempt */
	bool is_uncertain;   /* an agent died with an answer owed */
	bool is_deleted;     /* mailq delete: no bounce */
	bool is_given_up;    /* mailq bounce */
	uint64_t slow;       /* seconds that a rule wants it to wait */
	bool is_behind;      /* for a moment only, behind.h */
	bool is_crashing;    /* its agents end without an answer: hold it */
	uint64_t hold_until; /* mailq hold meanwhile: of its slot */
	bool needs_mark;
	bool has_reasons; /* why/ has a file */
};

void active_start(struct manager *manager, struct entry *entry);
struct active *
active_find(const struct manager *manager, const struct entry *entry);
void active_free(struct manager *manager, struct active **active);
/* The file, open for agents; false with a log line when it cannot be. */
bool active_open(struct manager *manager, struct active *active);
/* What became of one recipient; logs it unless it is unsynced. */
void active_record(struct active *active, size_t index,
    const struct verdict *verdict, char state);
/* The same for a refusal that a rule knows. */
void active_record_answer(struct active *active, size_t index,
    const struct verdict *verdict, char state, const struct answer_rule *rule);
/* Before active_record of a done one: is its sender to be told? */
void active_note_done(struct active *active, size_t index, bool is_local,
    unsigned int verdict_flags);
/* As active_record, for an outcome without an agent's verdict. */
void active_record_text(struct active *active, size_t index, char state,
    const char *code, const char *text);
/* The mailbox is stable now: done, and logged. */
void active_record_synced(struct active *active, size_t index);
/* One task less; settles the message when it was the last. */
void active_task_done(struct manager *manager, struct active *active);

/* finish.c: settle a message without tasks, and free it. */
void active_finish(struct manager *manager, struct active *active);
/* Write the status bytes known so far, one fdatasync [Q2] [Q3]. */
void active_mark(struct manager *manager, struct active *active);
/* Remember in the file that an attempt has begun; nothing is synced [Q4]. */
void active_mark_in_flight(struct manager *manager, struct active *active);
/* mailq bounce of a waiting message: report all open recipients now. */
void active_give_up(struct manager *manager, struct entry *entry);
/* Take the file out of the spool [Q7] and forget the entry. */
void active_remove_file(struct manager *manager, const char *id);

#endif
