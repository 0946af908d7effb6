/* SPDX-License-Identifier: ISC */
/*
 * search - the keys of SEARCH (RFC 3501 section 6.4.4) as a tree.
 *
 * Nested keys are bounded by LIMIT_IMAP_DEPTH, so is every walk. cost tells
 * what of a message is needed, and the cheap keys of a list are asked first.
 */
#ifndef IMAPD_SEARCH_H
#define IMAPD_SEARCH_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#include "common/arena.h"
#include "common/mailbox/mailbox.h"
#include "common/slice.h"

#include "imapd/content.h"
#include "imapd/parse.h"

enum search_kind {
	SEARCH_AND, /* all of children */
	SEARCH_OR,  /* one of two children */
	SEARCH_NOT, /* not its child */
	SEARCH_ALL,
	SEARCH_FLAG,    /* all of flags set, none of unset */
	SEARCH_KEYWORD, /* text */
	SEARCH_SET,     /* sequence numbers */
	SEARCH_UID,
	SEARCH_LARGER,
	SEARCH_SMALLER,
	SEARCH_BEFORE, /* internal date */
	SEARCH_ON,
	SEARCH_SINCE,
	SEARCH_SENTBEFORE,
	SEARCH_SENTON,
	SEARCH_SENTSINCE,
	SEARCH_HEADER, /* name, text */
	SEARCH_BODY,
	SEARCH_TEXT,
};

enum search_cost {
	COST_NONE,
	COST_FILE,
	COST_HEADER,
	COST_WHOLE,
	COST_COUNT
};

struct search_key {
	enum search_kind kind;
	enum search_cost cost;
	struct slice name, text; /* text in UTF-8, case folded */
	uint64_t number;         /* bytes, or days since 1970 */
	uint32_t flags, unset;
	struct sequence_set set;
	struct search_key *children, *next;
};

/* One message under search. */
struct search {
	struct folder *folder;
	struct content *message;
	size_t index;
	bool has_failed; /* it could not be read */
};
bool search_matches(struct search *search, const struct search_key *key);
/* Put numbers for "*" in all sets of the tree. */
void
search_resolve(struct search_key *key, uint32_t last_number, uint32_t last_uid);

#endif
