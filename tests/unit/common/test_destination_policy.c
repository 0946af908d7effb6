/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "tests/unit/unit.h"

#include <stdio.h>
#include <string.h>

#include "common/buf.h"
#include "common/destination_policy.h"

static const struct settings settings = {
	.destination_rate = (char[]){ "60/m" },
	.destination_concurrency = 20,
	.initial_destination_concurrency = 5,
	.minimal_backoff_time = 300,
	.maximal_backoff_time = 4000,
	.maximal_queue_lifetime = 432000,
	.delay_warning_time = 14400,
};

/* "concurrency initial interval minimal maximal lifetime warning". */
static void
words_replace_settings(void **state)
{
	static const char defaults[] = "20 5 1000 300 4000 432000 14400";
	static const struct {
		const char *words, *expected;
	} rows[] = {
		{ "", defaults },
		{ "destination_concurrency=3", "3 3 1000 300 4000 432000 "
					       "14400" },
		{ "destination_concurrency=0", "1 1 1000 300 4000 432000 "
					       "14400" },
		{ "initial_destination_concurrency=20",
		    "20 20 1000 300 4000 432000 14400" },
		{ "initial_destination_concurrency=30 destination_rate=",
		    "20 20 0 300 4000 432000 14400" },
		{ "destination_rate=2/h\tminimal_backoff_time=1h",
		    "20 5 1800000 3600 4000 432000 14400" },
		{ "destination_rate=1/d", "20 5 86400000 300 4000 432000 "
					  "14400" },
		{ "destination_rate=1000000000/m",
		    "20 5 0 300 4000 432000 14400" },
		{ "maximal_queue_lifetime=2d  delay_warning_time=0",
		    "20 5 1000 300 4000 172800 0" },
		{ "maximal_queue_lifetime=99999w",
		    "20 5 1000 300 4000 4294967295 14400" },
		{ "destination_concurrency", "\"destination_concurrency\" is "
					     "not NAME=VALUE" },
		{ "message_size_limit=1",
		    "message_size_limit: no setting of one destination" },
		{ "destination_rate=0/h", "destination_rate: 0/h: write a "
					  "rate as 300/h or 1000/d" },
		{ "destination_rate=5", "destination_rate: 5: write a rate as "
					"300/h or 1000/d" },
		{ "minimal_backoff_time=2h",
		    "minimal_backoff_time is over maximal_backoff_time" },
	};
	struct destination_policy policy;
	struct buf found;
	struct why why;

	(void)state;
	buf_init(&found, 1024);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		buf_clear(&found);
		if (destination_policy_parse(
			&settings, slice_of(rows[i].words), &policy, &why))
			buf_add_format(&found, "%u %u %u %u %u %u %u",
			    policy.concurrency, policy.initial_concurrency,
			    policy.interval, policy.minimal_backoff,
			    policy.maximal_backoff, policy.lifetime,
			    policy.delay_warning);
		else
			buf_add_string(&found, why.text);
		assert_string_equal(buf_string(&found), rows[i].expected);
	}
	buf_free(&found);
}

/* A value that its own setting would refuse. */
static void
a_broken_value_leaves_the_default(void **state)
{
	struct destination_policy policy, expected;

	(void)state;
	destination_policy_default(&settings, &expected);
	assert_false(destination_policy_parse(&settings,
	    S("destination_concurrency=4 maximal_queue_lifetime=soon"), &policy,
	    NULL));
	assert_memory_equal(&policy, &expected, sizeof(policy));
	assert_int_equal(settings.destination_concurrency, 20);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(words_replace_settings),
		cmocka_unit_test(a_broken_value_leaves_the_default),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
