/* SPDX-License-Identifier: ISC */
/*
 * answers - what the answers of other hosts mean, as rules.
 *
 * merpati-answers(5): a rule a line,
 *
 *     HOST REPLY "TEXT" [defer] [slow TIME] : MEANING
 *
 * HOST is a pattern of the name of the host that answered, REPLY one of its
 * reply code, TEXT one of the whole answer; "*" stands for any text, letters
 * count the same in both cases. The first rule that matches says what it
 * means, in one line for people; "defer" makes a refusal for good one for
 * later, "slow" that the host gets one connection and put-off mail waits, for
 * so long. Pure: no I/O. Matching takes time in proportion to the product of
 * the two lengths at most, whatever a hostile host answers.
 */
#ifndef COMMON_ANSWERS_H
#define COMMON_ANSWERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/buf.h"
#include "common/result.h"
#include "common/slice.h"

#define ANSWERS_MAX        500
#define ANSWERS_FILE_MAX   (256 * 1024)
#define ANSWERS_LINE_MAX   600
#define ANSWERS_MEANING    200
#define ANSWERS_SLOW_MAX   86400 /* seconds */
#define ANSWERS_LEAST_SLOW 60

struct answer_rule {
	struct slice host, reply, text, meaning;
	bool is_deferring; /* 5xx is for later */
	uint64_t slow;     /* seconds; 0 no */
};

struct answers;

/* The rules of text, which is copied; NULL: why says in which line. */
struct answers *answers_parse(struct slice text, struct why *why);
/* Those that Merpati comes with. */
struct answers *answers_default(void);
void answers_default_text(struct buf *out);
void answers_free(struct answers **answers);
size_t answers_count(const struct answers *answers);
/* remote is "name[address]:port", reply "421 4.7.0 ..." or what it was put
 * into. NULL: no rule. */
const struct answer_rule *answers_find(
    const struct answers *answers, struct slice remote, struct slice reply);
bool answers_matches(struct slice pattern, struct slice text);

#endif
