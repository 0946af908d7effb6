/* SPDX-License-Identifier: ISC */
/*
 * structure - the MIME tree of a message (RFC 2045, 2046), from bytes.
 *
 * One pass, linear time, no recursion: depth and part count are bounded
 * (LIMIT_MIME_DEPTH, LIMIT_MIME_PARTS); past a limit the rest is one opaque
 * part. Offsets are into the message as given; line ends may be CRLF or LF.
 * A message that is damaged in any way still gets a tree.
 */
#ifndef COMMON_MIME_STRUCTURE_H
#define COMMON_MIME_STRUCTURE_H

#include <stdbool.h>
#include <stddef.h>

#include "common/arena.h"
#include "common/slice.h"

struct mime_parameter {
	struct slice name;  /* as written */
	struct slice value; /* RFC 2231 pieces joined, percent kept */
	struct mime_parameter *next;
};

struct mime_part {
	struct slice header;        /* with its empty line */
	struct slice body;          /* of a multipart: everything inside */
	struct slice type, subtype; /* "text", "plain"; default when absent */
	struct mime_parameter *parameters;
	struct slice id, description, encoding; /* empty when absent */
	struct slice disposition; /* "attachment", empty when absent */
	struct mime_parameter *disposition_parameters;
	struct slice language, location, md5;
	size_t lines;               /* of the body */
	struct mime_part *children; /* multipart, or message/rfc822's one */
	struct mime_part *next;
	struct mime_part *parent;
	bool is_multipart, is_message;
};

/* NULL when the arena is exhausted. */
struct mime_part *mime_parse(struct slice message, struct arena *arena);
/* Part by IMAP section numbers, e.g. {2, 1}; NULL when there is none. */
const struct mime_part *mime_find(
    const struct mime_part *root, const unsigned int *numbers, size_t count);

#endif
