/* SPDX-License-Identifier: ISC */
/*
 * milter - the client side of the milter protocol, version 6, down to 2.
 *
 * One filter on one connection as a state machine without I/O: commands
 * append bytes to be sent, milter_answer is fed what the filter says. The
 * filter is hostile: whatever it says that was not negotiated or is malformed
 * is MILTER_BAD, after which the machine says nothing more.
 *
 *     packet: u32 big endian length (of what follows), command byte, data
 *
 *     we say                 what it is, and which answer counts for
 *     O version actions steps  first of all; answered by O
 *     D C/H/M/R/T/N/E n v ...  macros, before the command they are for
 *     C H                      connect, helo: the connection
 *     M T L* N B* E            mail, data, header, end of header, body, end:
 *                              the message. R: the recipient
 *     A K Q                    abort, quit with reuse, quit: no answer
 *
 * A command is left out where the filter asked so, where the version has
 * none, after "skip" of its kind, and after accept, reject, tempfail or
 * discard for what it belongs to. A command whose answer the filter waived
 * is not waited for.
 */
#ifndef SMTPD_MILTER_H
#define SMTPD_MILTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/buf.h"
#include "common/netaddr.h"
#include "common/slice.h"
#include "common/verify.h"

enum milter_stage { /* numbers of the protocol's macro lists */
	MILTER_CONNECT,
	MILTER_HELO,
	MILTER_MAIL,
	MILTER_RCPT,
	MILTER_DATA,
	MILTER_END,
	MILTER_END_OF_HEADER,
	MILTER_STAGES,
	MILTER_HEADER = MILTER_STAGES, /* these two have no macros */
	MILTER_BODY,
};

/* "{auth_authen}" or "i"; one with an empty value is not sent. */
struct milter_macro {
	struct slice name, value;
};

#define MILTER_BODY_MAX 65535
#define MILTER_SYMBOLS_SIZE 512 /* of one stage's list of macros */

struct milter {
	uint32_t offered; /* version */
	uint32_t version, actions, steps;
	char symbols[MILTER_STAGES][MILTER_SYMBOLS_SIZE];
	const struct milter_macro *macros; /* the caller's; NULL name ends */
	struct buf input;
	enum milter_stage stage; /* of the last command */
	bool is_negotiating, is_waiting, is_bad;
	bool is_over;         /* for the connection */
	bool is_message_over; /* for the message */
	bool skips_header, skips_body;
	bool has_message; /* MAIL was said: ABORT ends it */
};

void milter_init(struct milter *milter, const struct milter_macro *macros);
void milter_clear(struct milter *milter);

/* Each appends its bytes, if any, to out; milter->is_waiting says whether an
 * answer is due. version: 6, or 2 for filters that know no better. */
void milter_negotiate(struct milter *milter, uint32_t version, struct buf *out);
void milter_connect(struct milter *milter, struct slice host,
    const struct netaddr *peer, struct buf *out);
void milter_helo(struct milter *milter, struct slice name, struct buf *out);
/* arguments: blank-separated ESMTP parameters, "" none. */
void milter_mail(struct milter *milter, struct slice sender,
    struct slice arguments, struct buf *out);
void milter_rcpt(struct milter *milter, struct slice recipient,
    struct buf *out);
void milter_data(struct milter *milter, struct buf *out);
/* value: behind the colon, as in header_list.h. */
void milter_header(struct milter *milter, struct slice name,
    struct slice value, struct buf *out);
void milter_end_of_header(struct milter *milter, struct buf *out);
/* At most MILTER_BODY_MAX bytes. */
void milter_body(struct milter *milter, struct slice bytes, struct buf *out);
void milter_end(struct milter *milter, struct buf *out);
void milter_abort(struct milter *milter, struct buf *out);
void milter_quit(struct milter *milter, struct buf *out);
/* Would the filter look at a command of that kind now? */
bool milter_wants(const struct milter *milter, enum milter_stage stage);

/* Are values shown and taken with the blank behind the colon? */
bool milter_keeps_blanks(const struct milter *milter);

enum milter_answer {
	MILTER_MORE,       /* feed more bytes */
	MILTER_PROGRESS,   /* it is at work: start the time anew */
	MILTER_NEGOTIATED, /* version, actions and steps are set */
	MILTER_EDIT,       /* said->edit */
	MILTER_HOLD,       /* quarantine; said->text */
	MILTER_CONTINUE,
	MILTER_ACCEPT,
	MILTER_REFUSE,  /* said->code, status, text */
	MILTER_DISCARD,
	MILTER_CLOSE,   /* REFUSE, and the connection with it */
	MILTER_BAD,     /* said->text: what was wrong */
};

struct milter_said {
	struct verify_change edit; /* slices are valid until the next call */
	uint32_t code;
	char status[12];
	char text[512];
};

/* Take bytes off *input until something is said. */
enum milter_answer milter_answer(struct milter *milter, struct slice *input,
    struct milter_said *said);

#endif
