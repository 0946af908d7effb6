/* SPDX-License-Identifier: ISC */
/*
 * enqueue_header - find where a header ends, and what it lacks. No I/O.
 *
 * Fed message bytes in any pieces until it says where the header section
 * ends: at an empty line, or at the first line that is no field (so typed
 * mail looks, RFC 5322 section 2.2), where an empty line is missing. Linear
 * in the bytes whatever the pieces. Nothing of the message is changed here.
 */
#ifndef QUEUE_ENQUEUE_HEADER_H
#define QUEUE_ENQUEUE_HEADER_H

#include <stdbool.h>
#include <stddef.h>

#include "common/buf.h"
#include "common/slice.h"

struct header_scan {
	size_t line;     /* start of the line that is looked at */
	size_t searched; /* no line end before this */
	bool has_field;
	bool is_done;
	bool lacks_separator; /* text follows the fields directly */
	size_t length;        /* of the header, with its empty line */
};

/* bytes: everything so far, longer at each call. is_last: nothing follows.
 * True when the end is known. */
bool
header_scan_feed(struct header_scan *scan, struct slice bytes, bool is_last);

/* What the fields of a header section say. */
struct header_facts {
	size_t fields;
	size_t hops; /* Received */
	bool has_date, has_from, has_message_id, has_recipient;
	bool is_tls_optional; /* "TLS-Required: No" (RFC 8689 section 5) */
	char message_id[256]; /* printable, cut; "" none */
};
void header_facts_read(struct slice header, struct header_facts *facts);

#endif
