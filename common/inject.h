/* SPDX-License-Identifier: ISC */
/*
 * inject - the pipe into enqueue, the only writer of the spool.
 *
 * Two inputs. The front sends struct inject_facts on ENQUEUE_FACTS (a socket
 * pair of SOCK_SEQPACKET, passing.h): at the start of a session, and again
 * whenever a fact changes (login); enqueue reads what is there before each
 * MAIL. Facts with descriptors attached begin a session: the one before is
 * over, and what it sent and was not looked at yet is thrown away. The session
 * (hostile) sends messages; enqueue answers each with one INJECT_REPLY, but
 * INJECT_CHUNK and INJECT_ABORT with none. Order: MAIL RCPT+ DATA CHUNK* END,
 * ABORT at any time. After END or ABORT a new MAIL may follow, on one enqueue
 * process.
 * The relay rules and recipient checks are enqueue's, from the facts alone.
 */
#ifndef COMMON_INJECT_H
#define COMMON_INJECT_H

#include <stdbool.h>
#include <stdint.h>

#include "common/claim.h"
#include "common/limits.h"
#include "common/mail_options.h"
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
	uint32_t is_claimed_in_tls; /* XCLIENT: nobody saw it before TLS */
	char client_name[LIMIT_CLAIM_NAME + 1]; /* by XCLIENT; "" unknown */
	struct claim forward; /* by XFORWARD, for one message; given 0: none */
	uint32_t is_report;   /* pickup's own, about one: no check is asked */
	char id[16];          /* the connection's, for refusals */
};
#define INJECT_LOCAL 1000u

/* What is attached to the facts of a new session, in this order. */
enum inject_attached {
	INJECT_SESSION = 0, /* enqueue's end of the session's socket pair */
	INJECT_VERIFY = 1,  /* and of verify's (verify.h), when there is one */
};

/* Fields in order. */
enum inject_type {
	INJECT_MAIL = 1,  /* slice reverse path ("" null), slice helo, u8
	                   * esmtp, u64 SIZE= (0 not given), then
	                   * mail_options: u32 flags, u32 priority, u64 hold
	                   * until, u64 deliver by, slice envelope id */
	INJECT_RCPT = 2,  /* slice forward path: local@domain or local, then
	                   * rcpt_options: u8 notify, slice original */
	INJECT_DATA = 3,  /* nothing */
	INJECT_CHUNK = 4, /* slice: decoded message bytes, CRLF line ends */
	INJECT_END = 5,   /* nothing: commit */
	INJECT_ABORT = 6, /* nothing: forget the transaction */
	INJECT_VRFY = 7,  /* slice address: would RCPT take it? */
	INJECT_EXPN = 11, /* slice address: who is behind it? INJECT_MEMBERS
	                   * comes before the reply */
	INJECT_MEMBERS = 12, /* slice: lines with their LF; "" none are told */
	INJECT_GREET = 15, /* u8 enum verify_early, before the greeting or
	                   * when something was sent too early; a reply
	                   * to EARLY_ASK has the milliseconds to wait as
	                   * its text, 421 ends the connection */
	INJECT_REPLY = 8, /* u32 code, slice enhanced status ("" none), slice
	                   * text: one line, no code in front */
	INJECT_ETRN = 10, /* slice domain: try its mail now (RFC 1985) */
};

struct inject_reply {
	uint32_t code;    /* 250, 451, 550 ... */
	char status[12];  /* "2.1.5" */
	char text[512];
};

/* Session side. Each waits for the reply where there is one; false when
 * enqueue is gone or silent past TIMEOUT_INJECT (the session answers 451). */
struct inject_sender {
	struct slice reverse_path; /* "" is the null reverse path */
	struct slice helo;
	bool is_esmtp;
	uint64_t size;             /* SIZE=, 0 when not given */
	struct mail_options options;
};
bool inject_mail(int fd, const struct inject_sender *sender,
    struct inject_reply *reply);
bool inject_rcpt(int fd, struct slice forward_path,
    const struct rcpt_options *options, struct inject_reply *reply);
bool inject_greet(int fd, uint8_t early, struct inject_reply *reply);
bool inject_vrfy(int fd, struct slice address, struct inject_reply *reply);
/* members: emptied, then lines; LIMIT_SMTP_EXPANSION is enough for it. */
bool inject_expn(int fd, struct slice address, struct buf *members,
    struct inject_reply *reply);
bool inject_etrn(int fd, struct slice domain, struct inject_reply *reply);
bool inject_data(int fd, struct inject_reply *reply);
bool inject_chunk(int fd, struct slice bytes);
bool inject_end(int fd, struct inject_reply *reply);
/* The last chunk (not when empty) and the end in one write. */
bool inject_finish(int fd, struct slice bytes, struct inject_reply *reply);
bool inject_abort(int fd);

#endif
