/* SPDX-License-Identifier: ISC */
#include "config.h"

#include <stdlib.h>

#include "imapd/parse.h"

static int
compare_ranges(const void *a, const void *b)
{
	const struct range *left = a, *right = b;

	return (left->first > right->first) - (left->first < right->first);
}

static void
range_resolve(struct range *range, uint32_t largest)
{
	uint32_t swap;

	if (range->first == UINT32_MAX)
		range->first = largest;
	if (range->last == UINT32_MAX)
		range->last = largest;
	if (range->first > range->last) {
		swap = range->first;
		range->first = range->last;
		range->last = swap;
	}
}

void
sequence_set_resolve(struct sequence_set *set, uint32_t largest)
{
	size_t n = 0;

	for (size_t i = 0; i < set->count; i++)
		range_resolve(&set->ranges[i], largest);
	if (set->count > 1)
		qsort(set->ranges, set->count, sizeof(set->ranges[0]),
		    compare_ranges);
	for (size_t i = 1; i < set->count; i++) {
		struct range *last = &set->ranges[n], *next = &set->ranges[i];

		if (last->last != UINT32_MAX && next->first > last->last + 1)
			set->ranges[++n] = *next;
		else if (next->last > last->last)
			last->last = next->last;
	}
	set->count = set->count == 0 ? 0 : n + 1;
}

bool
sequence_set_contains(const struct sequence_set *set, uint32_t number)
{
	size_t low = 0, high = set->count, middle;

	while (low < high) {
		middle = low + (high - low) / 2;
		if (set->ranges[middle].last < number)
			low = middle + 1;
		else
			high = middle;
	}
	return low < set->count && set->ranges[low].first <= number;
}
