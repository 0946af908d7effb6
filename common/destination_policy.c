/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "common/destination_policy.h"

#include "common/settings_table.h"
#include "common/verify_syntax.h"

#define RATE_NAME "destination_rate"

/* Numbers and times: settings_set releases nothing of a copy. */
static const char *const names[] = { "destination_concurrency",
	"initial_destination_concurrency", "minimal_backoff_time",
	"maximal_backoff_time", "maximal_queue_lifetime",
	"delay_warning_time" };

bool
destination_rate_parse(struct slice text, uint32_t *interval, struct why *why)
{
	struct rate_rule rule;

	*interval = 0;
	if (text.len == 0)
		return true;
	if (!rate_parse(text, &rule, why))
		return false;
	*interval = (uint32_t)(rule.period * 1000 / rule.limit);
	return true;
}

static uint32_t
at_most(uint64_t value)
{
	return value < UINT32_MAX ? (uint32_t)value : UINT32_MAX;
}

static void
fill(const struct settings *settings, struct destination_policy *policy)
{
	policy->concurrency = at_most(settings->destination_concurrency);
	if (policy->concurrency == 0)
		policy->concurrency = 1;
	policy->initial_concurrency =
	    at_most(settings->initial_destination_concurrency);
	if (policy->initial_concurrency > policy->concurrency)
		policy->initial_concurrency = policy->concurrency;
	if (policy->initial_concurrency == 0)
		policy->initial_concurrency = 1;
	policy->minimal_backoff = at_most(settings->minimal_backoff_time);
	policy->maximal_backoff = at_most(settings->maximal_backoff_time);
	policy->lifetime = at_most(settings->maximal_queue_lifetime);
	policy->delay_warning = at_most(settings->delay_warning_time);
}

void
destination_policy_default(
    const struct settings *settings, struct destination_policy *policy)
{
	fill(settings, policy);
	destination_rate_parse(
	    slice_of(settings->destination_rate), &policy->interval, NULL);
}

static bool
set_word(struct settings *copy, struct slice name, struct slice value,
    uint32_t *interval, struct why *why)
{
	if (slice_eq(name, S(RATE_NAME)))
		return destination_rate_parse(value, interval, why);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (slice_eq(name, slice_of(names[i])))
			return settings_set(
			    copy, settings_find_row(name), value, why);
	return why_set(why, "no setting of one destination");
}

bool
destination_policy_parse(const struct settings *settings, struct slice words,
    struct destination_policy *policy, struct why *why)
{
	struct settings copy = *settings;
	struct slice word, name, value;
	struct why cause = { 0 };
	uint32_t interval;

	destination_policy_default(settings, policy);
	interval = policy->interval;
	while (slice_token(&words, S(" \t\n"), &word)) {
		if (!slice_cut(word, '=', &name, &value))
			return why_set(why, "\"%.*s\" is not NAME=VALUE",
			    SLICE_FMT(slice_first(word, 40)));
		if (!set_word(&copy, name, value, &interval, &cause))
			return why_set(why, "%.*s: %s",
			    SLICE_FMT(slice_first(name, 40)), cause.text);
	}
	if (copy.minimal_backoff_time > copy.maximal_backoff_time)
		return why_set(
		    why, "minimal_backoff_time is over maximal_backoff_time");
	fill(&copy, policy);
	policy->interval = interval;
	return true;
}
