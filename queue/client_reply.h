/* SPDX-License-Identifier: ISC */
/*
 * client_reply - SMTP replies as a client reads them (RFC 5321 section 4.2).
 *
 * Fed bytes of any split, gives line after line. A line ends in LF, with or
 * without CR; of a line longer than LIMIT_SMTP_REPLY_LINE the rest is thrown
 * away; more than LIMIT_SMTP_REPLY_LINES lines, or a line that does not
 * start with a code from 200 to 599, is REPLY_BAD for good. The text is one
 * printable line of at most LIMIT_REASON - 1 bytes: "550 5.1.1 text more
 * text", other bytes as "?". The enhanced code is the reply's own when its
 * class is that of the code, else "N.0.0" (RFC 2034 section 4).
 */
#ifndef QUEUE_CLIENT_REPLY_H
#define QUEUE_CLIENT_REPLY_H

#include "common/buf.h"
#include "common/limits.h"
#include "common/slice.h"

enum reply_status {
	REPLY_MORE, /* input used up */
	REPLY_LINE, /* one line of several: reply->line */
	REPLY_DONE, /* the last line, and all of the reply */
	REPLY_BAD,
};

struct reply {
	int code;
	char enhanced[12];
	char text[LIMIT_REASON];
	size_t line_count;
	char line[LIMIT_SMTP_REPLY_LINE + 1]; /* without code and line end */
	/* private */
	char raw[LIMIT_SMTP_REPLY_LINE];
	size_t raw_length;
	bool is_complete;
};

void reply_init(struct reply *reply);
/* After REPLY_DONE the next call starts a new reply. */
enum reply_status reply_next(struct reply *reply, struct slice *input);
/* Has no part of a reply been seen since the last REPLY_DONE? */
bool reply_is_empty(const struct reply *reply);

#endif
