/* SPDX-License-Identifier: ISC */
/*
 * policy_protocol - Postfix's policy delegation protocol: "name=value"
 * lines, an empty line ends a request or a reply. No I/O.
 *
 * A server's reply is hostile: it is looked at when its empty line is there,
 * LIMIT_POLICY_REPLY bytes are enough, and whatever it has in it becomes
 * printable. Actions are those of Postfix access(5) that make sense at RCPT.
 */
#ifndef SMTPD_POLICY_PROTOCOL_H
#define SMTPD_POLICY_PROTOCOL_H

#include <stdbool.h>
#include <stdint.h>

#include "common/buf.h"
#include "common/slice.h"

struct policy_request {
	const char *state; /* "RCPT" */
	bool is_esmtp;
	struct slice helo, sender, recipient, login, queue_id;
	const char *client_address, *client_name;
	unsigned int client_port;
	const char *instance; /* the same for one message */
	uint64_t size;
	const char *tls_version, *tls_cipher; /* "" none */
};
void
policy_request_format(const struct policy_request *request, struct buf *out);

enum policy_action {
	POLICY_DUNNO,           /* no opinion: the next one is asked */
	POLICY_OK,              /* no other server is asked */
	POLICY_REFUSE,          /* code, status, text */
	POLICY_DEFER_IF_REJECT, /* a later 5xx becomes a 4xx */
	POLICY_HOLD,            /* text */
	POLICY_DISCARD,
	POLICY_PREPEND, /* name, value */
	POLICY_UNKNOWN, /* not ours: text is what it was */
};

struct policy_reply {
	enum policy_action action;
	unsigned int code;
	char status[12];
	char text[400]; /* or the field's value */
	char name[77];  /* of the field */
};

/* Is the reply whole? Then it is parsed: input up to its empty line. */
bool policy_reply_parse(struct slice input, struct policy_reply *reply);

#endif
