/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "smtpd/rate.h"

bool
rate_add(
    struct state_record *record, uint64_t now, const struct rate_rule *rule)
{
	uint64_t age = now - record->first, before;

	if (age >= 2 * rule->period) {
		record->count = record->other = 0;
		record->first = now;
		age = 0;
	} else if (age >= rule->period) {
		record->other = record->count;
		record->count = 0;
		record->first += rule->period;
		age -= rule->period;
	}
	record->last = now;
	record->expires = record->first + 2 * rule->period;
	before = (record->other * (rule->period - age) + rule->period - 1) /
		 rule->period;
	if (before + record->count + 1 > rule->limit)
		return false;
	record->count++;
	return true;
}
