/* SPDX-License-Identifier: ISC */
#include "config.h"

#include <stddef.h>
#include <stdint.h>

#include "common/answers.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A file of rules, an empty line, a host and its answer. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice all = slice_make(data, size), remote, reply;
	size_t end = slice_find(all, S("\n\n"));
	struct answers *answers = answers_parse(
	    slice_first(all, end < all.len ? end : all.len), NULL);
	const struct answer_rule *rule;

	if (answers == NULL)
		return 0;
	slice_cut(slice_from(all, end + 2 < all.len ? end + 2 : all.len), '\n',
	    &remote, &reply);
	rule = answers_find(answers, remote, reply);
	if (rule != NULL)
		BUG_UNLESS(rule->meaning.len > 0 &&
			   rule->meaning.len <= ANSWERS_MEANING &&
			   rule->slow <= ANSWERS_SLOW_MAX);
	answers_free(&answers);
	return 0;
}
