/* SPDX-License-Identifier: ISC */
/*
 * parse - a cursor over one whole command: the terminals of RFC 3501 section
 * 9. Each function takes its production at the cursor and moves past it, or
 * returns false and leaves an error of one line (the first one wins). Results
 * live in the arena or in the command.
 */
#ifndef IMAPD_PARSE_H
#define IMAPD_PARSE_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#include "common/arena.h"
#include "common/slice.h"

struct parse {
	struct slice input;
	size_t at;
	struct arena *arena;
	const char *error;
	unsigned int depth; /* of parentheses; LIMIT_IMAP_DEPTH */
};

void parse_begin(struct parse *parse, struct slice input, struct arena *arena);
/* Always false. */
bool parse_fail(struct parse *parse, const char *error);
/* The next byte, '\0' at the end. */
char parse_peek(const struct parse *parse);
/* Take it when it is c; no error when not. */
bool parse_try(struct parse *parse, char c);
/* Take an atom that is word, in any case, and nothing longer. */
bool parse_try_word(struct parse *parse, struct slice word);
bool parse_char(struct parse *parse, char c);
bool parse_space(struct parse *parse);
bool parse_end(struct parse *parse);
bool parse_open(struct parse *parse);
bool parse_tag(struct parse *parse, struct slice *out);
bool parse_atom(struct parse *parse, struct slice *out);
/* An atom that may start with one backslash. */
bool parse_flag(struct parse *parse, struct slice *out);
bool parse_string(struct parse *parse, struct slice *out);
bool parse_astring(struct parse *parse, struct slice *out);
bool parse_nstring(struct parse *parse, struct slice *out);
/* astring with "%" and "*". */
bool parse_pattern(struct parse *parse, struct slice *out);
bool parse_number(struct parse *parse, uint64_t max, uint64_t *out);
/* "1-Feb-2026", quoted or not: midnight UTC. */
bool parse_date(struct parse *parse, time_t *out);
bool parse_date_time(struct parse *parse, time_t *out);

/* UINT32_MAX stands for "*". first <= last unless a "*" is in it. */
struct range {
	uint32_t first, last;
};
struct sequence_set {
	struct range *ranges;
	size_t count;
};
bool parse_sequence_set(struct parse *parse, struct sequence_set *out);
/* Put largest for "*", order and join the ranges. */
void sequence_set_resolve(struct sequence_set *set, uint32_t largest);
/* For a resolved set. */
bool sequence_set_contains(const struct sequence_set *set, uint32_t number);

#endif
