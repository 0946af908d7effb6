/* SPDX-License-Identifier: ISC */
/*
 * filter_line - lines of OpenSMTPD's filter protocol 0.7. No I/O.
 *
 * Lines are fields between "|"; the last may hold one. What we put into a
 * field is cleaned: line ends and other control bytes become blanks, and in
 * all but the last "|" does too, so no value can be a field or a line of its
 * own. What a filter says is read strictly; a line that is none of these is
 * FILTER_LINE_BAD.
 *
 *     register|report|smtp-in|EVENT     register|filter|smtp-in|PHASE
 *     register|ready                    report|... (taken, not passed on)
 *     filter-result|SESSION|TOKEN|proceed, junk, reject|TEXT,
 *         disconnect|TEXT, rewrite|VALUE, report|TEXT
 *     filter-dataline|SESSION|TOKEN|LINE
 */
#ifndef SMTPD_FILTER_LINE_H
#define SMTPD_FILTER_LINE_H

#include <stdbool.h>
#include <stdint.h>

#include "common/buf.h"
#include "common/slice.h"

enum filter_phase {
	PHASE_CONNECT,
	PHASE_HELO,
	PHASE_EHLO,
	PHASE_MAIL_FROM,
	PHASE_RCPT_TO,
	PHASE_DATA,
	PHASE_DATA_LINE,
	PHASE_COMMIT,
	PHASES,
};

enum filter_event {
	EVENT_LINK_CONNECT,
	EVENT_LINK_GREETING,
	EVENT_LINK_IDENTIFY,
	EVENT_LINK_TLS,
	EVENT_LINK_AUTH,
	EVENT_LINK_DISCONNECT,
	EVENT_TX_RESET,
	EVENT_TX_BEGIN,
	EVENT_TX_MAIL,
	EVENT_TX_RCPT,
	EVENT_TX_DATA,
	EVENT_TX_COMMIT,
	EVENT_TX_ROLLBACK,
	EVENTS,
};

enum filter_line_kind {
	FILTER_LINE_BAD,
	FILTER_LINE_IGNORED, /* well-formed, and nothing to us */
	FILTER_LINE_REPORT,  /* registered: number is enum filter_event */
	FILTER_LINE_FILTER,  /* registered: number is enum filter_phase */
	FILTER_LINE_READY,
	FILTER_LINE_PROCEED, /* and report: value is its text */
	FILTER_LINE_JUNK,
	FILTER_LINE_REJECT,     /* code, status, value */
	FILTER_LINE_DISCONNECT, /* the same */
	FILTER_LINE_REWRITE,    /* value */
	FILTER_LINE_DATA,       /* value: one line of the message */
};

struct filter_line {
	enum filter_line_kind kind;
	unsigned int number;
	uint64_t session, token;
	struct slice value; /* in the line */
	uint32_t code;
	char status[12];
};

/* line: without its line end. */
void filter_line_read(struct slice line, struct filter_line *out);

/* What each of our lines has in front. */
struct filter_stamp {
	uint64_t seconds;
	uint32_t microseconds;
	uint64_t session;
};
/* fields: NULL-terminated array of slices, the last one free text. */
void filter_line_report(struct buf *out, const struct filter_stamp *stamp,
    enum filter_event event, const struct slice *fields);
void filter_line_request(struct buf *out, const struct filter_stamp *stamp,
    enum filter_phase phase, uint64_t token, const struct slice *fields);
/* The server's side of the handshake. */
void filter_line_config(struct buf *out, struct slice hostname,
    unsigned int timeout);

#endif
