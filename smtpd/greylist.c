/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "smtpd/greylist.h"

uint64_t
greylist_judge(
    struct state_record *record, uint64_t now, const struct greylist_rule *rule)
{
	uint64_t age = now - record->first;

	record->last = now;
	if (record->count == 0 && age < rule->delay) {
		record->expires = record->first + rule->window;
		return rule->delay - age;
	}
	if (record->count < UINT32_MAX)
		record->count++;
	record->expires = now + rule->lifetime;
	return 0;
}
