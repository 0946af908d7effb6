/* SPDX-License-Identifier: ISC */
/*
 * client_message - one message for the SMTP client: what is sent, to whom, and
 * what came of it. All belongs to the driver and must live until the client
 * says FINISHED or CLOSED.
 */
#ifndef QUEUE_CLIENT_MESSAGE_H
#define QUEUE_CLIENT_MESSAGE_H

#include <stdbool.h>
#include <stdint.h>

#include "common/limits.h"
#include "common/mail_options.h"
#include "common/slice.h"

struct client_verdict {
	char status; /* 0 none yet, 'D', 'T', 'F' */
	char code[12];
	char text[LIMIT_REASON];
};

struct client_recipient {
	struct slice address;
	struct slice original; /* as given to us: ORCPT where none was */
	struct rcpt_options options;
	struct client_verdict verdict;
	bool is_accepted; /* RCPT got 2xx in this transaction */
};

struct client_message {
	struct slice sender;
	uint64_t size;
	bool is_8bit, is_binary; /* the bytes that will be sent */
	bool needs_utf8;         /* for its header (RFC 6531) */
	struct mail_options options;
	int64_t by_seconds; /* left, when options.deliver_by is set */
	size_t recipient_count;
	struct client_recipient *recipients; /* those without status are sent */
};

#endif
