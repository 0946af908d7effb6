/* SPDX-License-Identifier: ISC */
/* The decisions of verify's modules that have a memory, and of the turn. */
#include "config.h"

#include "tests/unit/unit.h"

#include <string.h>

#include "common/limits.h"

#include "smtpd/greylist.h"
#include "smtpd/rate.h"
#include "smtpd/turn.h"
#include "smtpd/verify_memory.h"

static struct state_record
fresh(uint64_t now)
{
	return (struct state_record){ .first = now, .last = now };
}

static void
a_first_try_waits_and_a_later_one_passes(void **state)
{
	static const struct greylist_rule rule = { 60, 172800, 3110400 };
	struct state_record record = fresh(1000);

	(void)state;
	assert_int_equal(greylist_judge(&record, 1000, &rule), 60);
	assert_int_equal(record.expires, 1000 + 172800);
	/* Just too soon, in time, and from then on. */
	assert_int_equal(greylist_judge(&record, 1059, &rule), 1);
	assert_int_equal(record.count, 0);
	assert_int_equal(greylist_judge(&record, 1060, &rule), 0);
	assert_int_equal(record.count, 1);
	assert_int_equal(record.expires, 1060 + 3110400);
	assert_int_equal(greylist_judge(&record, 1061, &rule), 0);
	assert_int_equal(record.count, 2);
	record.count = UINT32_MAX;
	assert_int_equal(greylist_judge(&record, 2000, &rule), 0);
	assert_int_equal(record.count, UINT32_MAX);
}

/* The window is not renewed by tries that come too soon. */
static void
waiting_does_not_make_the_window_longer(void **state)
{
	static const struct greylist_rule rule = { 60, 100, 1000 };
	struct state_record record = fresh(1000);

	(void)state;
	(void)greylist_judge(&record, 1000, &rule);
	(void)greylist_judge(&record, 1050, &rule);
	assert_int_equal(record.expires, 1100);
}

static void
a_rate_is_kept_in_any_period(void **state)
{
	static const struct rate_rule rule = { 3, 60 };
	struct state_record record = fresh(1000);

	(void)state;
	for (int i = 0; i < 3; i++)
		assert_true(rate_add(&record, 1000, &rule));
	assert_false(rate_add(&record, 1000, &rule));
	assert_false(rate_add(&record, 1059, &rule));
	/* At the edge the last period still weighs all. */
	assert_false(rate_add(&record, 1060, &rule));
	/* A third of it is gone: one fits. */
	assert_true(rate_add(&record, 1081, &rule));
	assert_false(rate_add(&record, 1081, &rule));
	/* Two periods later nothing is left. */
	for (int i = 0; i < 3; i++)
		assert_true(rate_add(&record, 1300, &rule));
	assert_false(rate_add(&record, 1300, &rule));
	assert_int_equal(record.expires, 1300 + 120);
}

static void
what_is_refused_is_not_counted(void **state)
{
	static const struct rate_rule rule = { 1, 60 };
	struct state_record record = fresh(1000);

	(void)state;
	assert_true(rate_add(&record, 1000, &rule));
	for (uint64_t now = 1001; now < 1119; now++)
		(void)rate_add(&record, now, &rule);
	assert_true(record.count <= 1);
	assert_true(rate_add(&record, 1240, &rule));
}

static void
clients_of_one_network_are_one(void **state)
{
	static const struct {
		const char *address, *network;
	} cases[] = {
		{ "192.0.2.77", "192.0.2.0/24" },
		{ "192.0.2.0", "192.0.2.0/24" },
		{ "2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64" },
		{ "::ffff:192.0.2.9", "192.0.2.0/24" },
	};
	char text[NETWORK_TEXT_SIZE];
	struct netaddr addr;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_true(netaddr_parse(slice_of(cases[i].address), &addr));
		assert_string_equal(
		    verify_network_format(&addr, text), cases[i].network);
	}
}

static void
errors_cost_time_up_to_a_limit(void **state)
{
	(void)state;
	assert_int_equal(turn_delay(0), 0);
	assert_int_equal(turn_delay(LIMIT_SMTP_SOFT_ERRORS), 0);
	assert_int_equal(turn_delay(LIMIT_SMTP_SOFT_ERRORS + 1), 1);
	assert_int_equal(
	    turn_delay(LIMIT_SMTP_SOFT_ERRORS + LIMIT_SMTP_ERROR_DELAY),
	    LIMIT_SMTP_ERROR_DELAY);
	assert_int_equal(
	    turn_delay(LIMIT_SMTP_SOFT_ERRORS + LIMIT_SMTP_ERROR_DELAY + 1),
	    LIMIT_SMTP_ERROR_DELAY);
	assert_int_equal(turn_delay(SIZE_MAX), LIMIT_SMTP_ERROR_DELAY);
}

static void
only_strangers_on_port_25_are_watched(void **state)
{
	struct network network;
	struct settings settings = { .greet_pause = 5,
		.mynetworks = { 1, &network } };
	struct connection connection = { .settings = &settings };

	(void)state;
	assert_true(network_parse(S("192.0.2.0/24"), &network));
	connection.listener = listener_find(S("smtp"));
	assert_false(turn_is_watched(&connection)); /* no peer: a pipe */
	assert_true(netaddr_parse(S("198.51.100.1"), &connection.peer));
	assert_true(turn_is_watched(&connection));
	assert_true(netaddr_parse(S("192.0.2.1"), &connection.peer));
	assert_false(turn_is_watched(&connection));
	assert_true(netaddr_parse(S("198.51.100.1"), &connection.peer));
	connection.listener = listener_find(S("submission"));
	assert_false(turn_is_watched(&connection));
	connection.listener = listener_find(S("smtp"));
	settings.greet_pause = 0;
	assert_false(turn_is_watched(&connection));
	assert_true(turn_is_stranger(&connection));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_first_try_waits_and_a_later_one_passes),
		cmocka_unit_test(waiting_does_not_make_the_window_longer),
		cmocka_unit_test(a_rate_is_kept_in_any_period),
		cmocka_unit_test(what_is_refused_is_not_counted),
		cmocka_unit_test(clients_of_one_network_are_one),
		cmocka_unit_test(errors_cost_time_up_to_a_limit),
		cmocka_unit_test(only_strangers_on_port_25_are_watched),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
