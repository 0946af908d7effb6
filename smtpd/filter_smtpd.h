/* SPDX-License-Identifier: ISC */
/*
 * filter_smtpd - a client of OpenSMTPD's filter protocol; for filter_smtpd*.c.
 *
 * The program is started by the helper at the first message and stays for
 * the connection. filter_smtpd.c has its life and one request, _say.c what
 * it is told of the session, _data.c the message. The connection is told
 * when its first message begins. Rewritten addresses are kept and told to
 * enqueue with the edits at the end.
 */
#ifndef SMTPD_FILTER_SMTPD_H
#define SMTPD_FILTER_SMTPD_H

#include "smtpd/filter.h"
#include "smtpd/filter_line.h"

#define FILTER_REWRITES_MAX 64

/* A recipient, or the sender (empty from). */
struct filter_rewrite {
	struct slice from, to;
};

struct smtpd_link {
	int stream; /* -1: not started */
	struct buf input, output;
	size_t consumed;         /* of input */
	uint32_t events, phases; /* bits: what it registered for */
	bool has_said_hello;     /* the connection was told */
	bool has_begun;          /* a transaction was */
	bool owes_answer;        /* or was cut off in the middle of one */
	bool is_junk;
	uint64_t session, token;
	char message[12];
	struct verify_reply greeting;
	struct arena *arena; /* of the transaction */
	struct filter_rewrite rewrites[FILTER_REWRITES_MAX];
	size_t rewrite_count;
};

/* A little of both ways, whichever goes first. */
bool smtpd_link_transfer(struct smtpd_link *link, int64_t deadline,
    struct why *why);
/* The next line that is there. *is_there false: none. False: nonsense. */
bool smtpd_link_line(struct smtpd_link *link, struct filter_line *line,
    bool *is_there, struct why *why);
void smtpd_link_hang_up(struct smtpd_link *link);
struct filter_stamp smtpd_link_stamp(const struct smtpd_link *link);
bool smtpd_link_wants(const struct smtpd_link *link, enum filter_phase phase);

struct smtpd_request {
	enum filter_phase phase;
	const struct slice *fields; /* as filter_line_request has them */
	struct slice rewrites;      /* the address that a rewrite replaces */
};
/* Ask, if it wants to be asked. */
bool smtpd_link_request(struct filter *filter,
    const struct smtpd_request *request, struct verify_reply *reply,
    struct why *why);

/* MAIL, RCPT, DATA. */
bool smtpd_say(struct filter *filter, enum filter_stage stage,
    struct verify_reply *reply, struct why *why);
void smtpd_say_report(struct smtpd_link *link, enum filter_event event,
    const struct slice *fields);
/* The transaction, or the connection, is over. */
void smtpd_say_rollback(struct smtpd_link *link);
/* The message, commit, and the edits that come of them. */
bool smtpd_data(struct filter *filter, struct verify_reply *reply,
    struct why *why);

#endif
