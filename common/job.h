/* SPDX-License-Identifier: ISC */
/*
 * job - qmgr to a delivery agent (deliver, relay) and back.
 *
 * qmgr makes a socketpair, asks a spawner for an agent on one end
 * (SPAWN_AGENT with the descriptor attached), and sends JOB with a read-only
 * descriptor of the spool file attached. The agent answers one VERDICT per
 * recipient, in any order, then JOB_DONE; then it waits for the next JOB for
 * the same user or the same host and ends after two idle seconds (AGENT_IDLE)
 * or when qmgr closes the pipe. qmgr treats agents as hostile.
 *
 * A deliver agent that wrote into a Maildir without syncing names the file
 * system in JOB_DONE. Before qmgr removes what it still has in the spool it
 * sends SYNC to one waiting agent of that file system; the agent runs syncfs
 * on its open Maildir descriptor (an agent that has none yet opens the mail
 * directory named) and answers SYNCED. So the spool is the redo log of the
 * mailboxes, at one syncfs per batch. SYNC may come instead of a first JOB.
 *
 * A spawner (deliver-spawn as root, relay-spawn as _mprelay) is a process
 * with one socket to qmgr: SPAWN_AGENT in, nothing out; it never reads the
 * job. deliver-spawn takes integers only: it refuses uid 0 and system uids
 * under minimum_uid that are not virtual_user's.
 */
#ifndef COMMON_JOB_H
#define COMMON_JOB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/arena.h"
#include "common/io.h"
#include "common/mail_options.h"
#include "common/pipemsg.h"
#include "common/slice.h"
#include "common/users.h"

#define AGENT_IDLE 2 /* seconds */

enum job_type {
	SPAWN_AGENT = 1, /* u32 uid, u32 gid; agent socket attached */
	JOB = 2,         /* struct job below; spool file attached */
	VERDICT = 3,     /* u32 recipient index, u8 status, slice enhanced
	                  * code, slice remote ("host[ip]:port", "local"),
	                  * slice text (one line), u8 verdict_flags */
	JOB_DONE = 4,    /* u8 agent may take another job, u64 st_dev of the
	                  * file system still to be synced, 0 none */
	SYNC = 5,        /* slice mail directory of the agent's user */
	SYNCED = 6,      /* u8 1 all written so far is stable, 0 it failed */
};

enum agent_descriptor { AGENT_SOCKET = 0, SPAWNER_SOCKET = 0 };

enum job_flags {
	JOB_RETRY = 1 << 0,  /* may have been tried before a crash: look for
	                      * an earlier copy first */
	JOB_8BIT = 1 << 1,
	JOB_CAREFUL = 1 << 2, /* not behind another message in an mbox */
};

struct job_recipient {
	uint32_t index;          /* in the queue file: comes back in VERDICT */
	uint8_t kind;            /* enum target_kind */
	struct slice address;    /* final: RCPT TO or Delivered-To */
	struct slice original;
	struct slice argument;   /* P, F */
	struct slice extension;
	struct rcpt_options options;
};

struct job {
	char id[16];
	uint32_t flags;          /* enum job_flags */
	struct slice sender;     /* "" null */
	struct mail_options options;
	uint64_t created;
	uint64_t body_offset;
	uint64_t body_length;
	struct user user;        /* deliver: whose */
	struct slice domain;     /* relay: destination domain or literal */
	struct slice nexthop;    /* relay: "host:port" to use instead of the
	                          * domain's MX, or "" */
	uint32_t tls_level;      /* enum tls_level */
	struct slice login, password; /* relay: AUTH as client, or "" */
	size_t recipient_count;
	struct job_recipient *recipients;
};

enum verdict_flags {
	VERDICT_TAKEN_ON = 1 << 0, /* the next host has DSN and will report */
	VERDICT_UNTIMED = 1 << 1,  /* it has no DELIVERBY, which was wanted */
	VERDICT_BEHIND = 1 << 2,   /* JOB_CAREFUL: text is that one's id */
};

struct verdict {
	uint32_t index;
	char status;             /* 'D' done, 'F' failed, 'T' try later */
	char code[12];           /* "2.0.0" */
	char remote[256];
	char text[LIMIT_REASON];
	char tls[48];            /* "may/Untrusted TLSv1.3"; "" unknown */
	uint8_t flags;           /* enum verdict_flags */
};

void job_encode(struct message *message, const struct job *job);
/* Slices point into message, recipients into the arena. Options past the
 * limits of mail_options.h are refused. */
bool job_decode(struct message *message, struct arena *arena,
    struct job *job);
/* The host or user of a job takes this many recipients at once. */
#define JOB_RECIPIENTS_MAX 50

void verdict_encode(struct message *message, const struct verdict *verdict);
bool verdict_decode(struct message *message, struct verdict *verdict);

struct job_done {
	bool may_continue;
	uint64_t device;
};
void job_done_encode(struct message *message, const struct job_done *done);
bool job_done_decode(struct message *message, struct job_done *done);

#endif
