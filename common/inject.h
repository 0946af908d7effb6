/* SPDX-License-Identifier: ISC */
/*
 * inject - the pipe into enqueue, the only writer of the spool.
 *
 * Two inputs. The front writes struct inject_facts to ENQUEUE_FACTS: once at
 * the start, and again whenever a fact changes (login); enqueue reads what
 * is there before each MAIL. The session (hostile) sends messages; enqueue
 * answers each with one INJECT_REPLY, but INJECT_CHUNK with none, and
 * INJECT_ABORT with none. Order: MAIL RCPT+ DATA CHUNK* END, ABORT at any
 * time. After END or ABORT a new MAIL may follow, on one enqueue process.
 * The relay rules and recipient checks are enqueue's, from the facts alone.
 */
#ifndef COMMON_INJECT_H
#define COMMON_INJECT_H

#include <stdbool.h>
#include <stdint.h>

#include "common/limits.h"
#include "common/netaddr.h"
#include "common/pipemsg.h"
#include "common/slice.h"

#define INJECT_FACTS_MAGIC 0x4d504641u

struct inject_facts {
	uint32_t magic;
	uint32_t listener;    /* enum listener_kind; INJECT_LOCAL for drop */
	struct netaddr peer;
	uint32_t is_tls;
	char tls_version[16];
	char tls_cipher[64];
	char login[LIMIT_USER_NAME + 1]; /* "" when not logged in */
	uint32_t uid;         /* owner of a drop file */
	char id[16];          /* the connection's, for refusals */
};
#define INJECT_LOCAL 1000u

/* Fields in order. */
enum inject_type {
	INJECT_MAIL = 1,  /* slice reverse path ("" null), slice helo, u8
	                   * esmtp, u64 SIZE= (0 not given), u8 8BITMIME */
	INJECT_RCPT = 2,  /* slice forward path: local@domain or local */
	INJECT_DATA = 3,  /* nothing */
	INJECT_CHUNK = 4, /* slice: decoded message bytes, CRLF line ends */
	INJECT_END = 5,   /* nothing: commit */
	INJECT_ABORT = 6, /* nothing: forget the transaction */
	INJECT_VRFY = 7,  /* slice address: would RCPT take it? */
	INJECT_REPLY = 8, /* u32 code, slice enhanced status ("" none), slice
	                   * text: one line, no code in front */
};

struct inject_reply {
	uint32_t code;    /* 250, 451, 550 ... */
	char status[12];  /* "2.1.5" */
	char text[512];
};

/* Session side. Each waits for the reply where there is one; false when
 * enqueue is gone or silent past TIMEOUT_PIPE (the session answers 451). */
struct inject_sender {
	struct slice reverse_path; /* "" is the null reverse path */
	struct slice helo;
	bool is_esmtp;
	bool is_8bit;
	uint64_t size;             /* SIZE=, 0 when not given */
};
bool inject_mail(int fd, const struct inject_sender *sender,
    struct inject_reply *reply);
bool inject_rcpt(int fd, struct slice forward_path,
    struct inject_reply *reply);
bool inject_vrfy(int fd, struct slice address, struct inject_reply *reply);
bool inject_data(int fd, struct inject_reply *reply);
bool inject_chunk(int fd, struct slice bytes);
bool inject_end(int fd, struct inject_reply *reply);
/* The last chunk (not when empty) and the end in one write. */
bool inject_finish(int fd, struct slice bytes, struct inject_reply *reply);
bool inject_abort(int fd);

#endif
