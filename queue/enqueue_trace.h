/* SPDX-License-Identifier: ISC */
/*
 * enqueue_trace - what enqueue puts in front of a message. No I/O.
 *
 * Received: as RFC 5321 section 4.4 has it, on every message; Date: and
 * Message-ID: where they are missing on what is submitted here (RFC 6409
 * section 8); From: where it is missing on what sendmail(1) submitted.
 */
#ifndef QUEUE_ENQUEUE_TRACE_H
#define QUEUE_ENQUEUE_TRACE_H

#include <stdbool.h>
#include <time.h>

#include "common/buf.h"
#include "common/inject.h"
#include "common/settings.h"

#include "queue/enqueue_header.h"

struct trace {
	const struct settings *settings;
	const struct inject_facts *facts;
	struct slice helo;
	struct slice client; /* confirmed name, "unknown"; "" not looked up */
	bool is_esmtp;
	bool is_utf8;
	const char *id;
	struct slice sender;
	struct slice recipient; /* when there is just one; else empty */
	time_t now;
};

/* "SMTP", "ESMTP", "ESMTPS", "ESMTPA", "ESMTPSA", "LMTP" ... (RFC 3848),
 * "UTF8SMTP" ... (RFC 6531), "local". */
const char *trace_protocol(const struct trace *trace);
/* Is this a submission: by login, by sendmail(1), on a submission port? */
bool trace_is_submission(const struct inject_facts *facts);
/* Append what a submission's header with these facts lacks. */
void trace_format_missing(const struct trace *trace,
    const struct header_facts *header, struct buf *out);
/* Append the fields in front of a header with these facts. */
bool trace_format(const struct trace *trace, const struct header_facts *header,
    struct buf *out);

#endif
