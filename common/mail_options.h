/* SPDX-License-Identifier: ISC */
/*
 * mail_options - what MAIL and RCPT ask for beside the address.
 *
 * The same values from the session (inject.h) through the spool
 * (spoolfile.h) and the job (job.h) to the next host and into reports.
 * Times are wall seconds since 1970, made absolute where the command was
 * heard. Text is decoded (no xtext), printable, and "" when not given.
 */
#ifndef COMMON_MAIL_OPTIONS_H
#define COMMON_MAIL_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "common/slice.h"

enum mail_option_flags {
	MAIL_8BIT = 1 << 0,        /* BODY=8BITMIME (RFC 6152) */
	MAIL_BINARY = 1 << 1,      /* BODY=BINARYMIME (RFC 3030) */
	MAIL_UTF8 = 1 << 2,        /* SMTPUTF8 (RFC 6531) */
	MAIL_REQUIRETLS = 1 << 3,  /* REQUIRETLS (RFC 8689) */
	MAIL_RET_FULL = 1 << 4,    /* RET=FULL (RFC 3461 section 4.3) */
	MAIL_RET_HEADERS = 1 << 5, /* RET=HDRS; neither: our choice */
	MAIL_BY_RETURN = 1 << 6,   /* BY=...;R (RFC 2852) */
	MAIL_BY_NOTIFY = 1 << 7,   /* BY=...;N */
	MAIL_BY_TRACE = 1 << 8,    /* BY=...;RT or NT */
	MAIL_TLS_OPTIONAL = 1 << 9 /* TLS-Required: no (RFC 8689 section 5) */
};
#define MAIL_FLAGS_ALL ((1u << 10) - 1)
#define MAIL_TIME_MAX 253402300799u /* the end of the year 9999 */

enum {
	MAIL_PRIORITY_LOWEST = -9, /* MT-PRIORITY (RFC 6710); 0 not given */
	MAIL_PRIORITY_HIGHEST = 9,
	LIMIT_ENVELOPE_ID = 100,          /* ENVID, RFC 3461 section 4.4 */
	LIMIT_ORIGINAL_RECIPIENT = 500,   /* ORCPT, RFC 3461 section 4.2 */
};

struct mail_options {
	uint32_t flags;           /* enum mail_option_flags */
	int32_t priority;
	uint64_t hold_until;      /* FUTURERELEASE (RFC 4865); 0 now */
	uint64_t deliver_by;      /* DELIVERBY; 0 not given */
	struct slice envelope_id; /* ENVID */
};

enum rcpt_notify {
	NOTIFY_NEVER = 1 << 0,
	NOTIFY_SUCCESS = 1 << 1,
	NOTIFY_FAILURE = 1 << 2,
	NOTIFY_DELAY = 1 << 3,
};

struct rcpt_options {
	uint8_t notify;        /* enum rcpt_notify; 0: not given, which is
	                        * FAILURE and our own DELAY */
	struct slice original; /* ORCPT: "rfc822;user@example.com" */
};

/* Within the limits, and nothing that contradicts itself: who takes these
 * from a pipe or a file asks. */
bool mail_options_are_valid(const struct mail_options *options);
bool rcpt_options_are_valid(const struct rcpt_options *options);

#endif
