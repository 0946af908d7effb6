/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "tests/unit/unit.h"

#include <stdio.h>

#include "queue/schedule.h"

#define MANY 5000

static void
make_id(unsigned int n, char id[SPOOL_ID_SIZE])
{
	snprintf(id, SPOOL_ID_SIZE, "0%012u", n);
}

static void
entries_come_out_in_the_order_they_are_due(void **state)
{
	struct schedule *schedule = schedule_new();
	char id[SPOOL_ID_SIZE];
	struct entry *entry;
	int64_t last = -1;
	unsigned int n = 0;

	(void)state;
	for (unsigned int i = 0; i < MANY; i++) {
		make_id(i, id);
		entry = schedule_add(schedule, id);
		assert_non_null(entry);
		schedule_set_due(schedule, entry, (i * 7919) % MANY);
	}
	assert_int_equal(schedule_count(schedule), MANY);
	assert_int_equal(schedule_first_due(schedule, false), 0);
	while ((entry = schedule_take_due(schedule, MANY / 2, false)) != NULL) {
		assert_true(entry->due >= last);
		last = entry->due;
		n++;
	}
	assert_int_equal(n, MANY / 2 + 1);
	assert_int_equal(schedule_first_due(schedule, false), MANY / 2 + 1);
	schedule_free(&schedule);
}

/* By the time they were due, a minute earlier for each level. */
static void
priority_is_a_start_and_no_more(void **state)
{
	static const struct {
		int8_t priority;
		int64_t due;
	} rows[] = { { 9, 100000 }, { 1, 50000 }, { 0, 0 }, { 0, 40000 },
		{ -3, 1000 }, { 0, 200000 } };
	static const size_t order[] = { 0, 1, 2, 3, 4, 5 };
	struct schedule *schedule = schedule_new();
	struct entry *entries[6];
	char id[SPOOL_ID_SIZE];

	(void)state;
	for (unsigned int i = 0; i < 6; i++) {
		make_id(i, id);
		entries[i] = schedule_add(schedule, id);
		entries[i]->priority = rows[i].priority;
		schedule_set_due(schedule, entries[i], rows[i].due);
	}
	/* Nobody is early, whatever the priority. */
	assert_null(schedule_take_due(schedule, -1, false));
	for (size_t i = 0; i < 6; i++)
		assert_ptr_equal(schedule_take_due(schedule, 300000, false),
		    entries[order[i]]);
	assert_null(schedule_take_due(schedule, 300000, false));
	schedule_free(&schedule);
}

/* Fresh mail goes first, for five minutes, and at once if it has to. */
static void
fresh_mail_goes_before_what_was_tried(void **state)
{
	struct schedule *schedule = schedule_new();
	struct entry *entries[4];
	char id[SPOOL_ID_SIZE];

	(void)state;
	for (unsigned int i = 0; i < 4; i++) {
		make_id(i, id);
		entries[i] = schedule_add(schedule, id);
	}
	schedule_set_attempts(entries[0], 1);
	entries[1]->flags |= ENTRY_RETRY;
	schedule_set_attempts(entries[2], 100000);
	entries[2]->flags |= ENTRY_URGENT;
	schedule_set_due(schedule, entries[0], 0);
	schedule_set_due(schedule, entries[1], 10);
	schedule_set_due(schedule, entries[2], SCHEDULE_FRESH_MS - 1);
	schedule_set_due(schedule, entries[3], SCHEDULE_FRESH_MS + 5);
	assert_ptr_equal(
	    schedule_take_due(schedule, SCHEDULE_FRESH_MS, false), entries[2]);
	assert_null(schedule_take_due(schedule, SCHEDULE_FRESH_MS, true));
	assert_int_equal(
	    schedule_first_due(schedule, true), SCHEDULE_FRESH_MS + 5);
	assert_int_equal(schedule_first_due(schedule, false), 0);
	assert_ptr_equal(
	    schedule_take_due(schedule, 2 * SCHEDULE_FRESH_MS, false),
	    entries[0]);
	assert_ptr_equal(
	    schedule_take_due(schedule, 2 * SCHEDULE_FRESH_MS, false),
	    entries[3]);
	assert_ptr_equal(
	    schedule_take_due(schedule, 2 * SCHEDULE_FRESH_MS, false),
	    entries[1]);
	assert_int_equal(entries[2]->attempts, UINT16_MAX);
	schedule_free(&schedule);
}

static void
an_id_is_there_once(void **state)
{
	struct schedule *schedule = schedule_new();
	struct entry *entry = schedule_add(schedule, "0000000000001");

	(void)state;
	assert_null(schedule_add(schedule, "0000000000001"));
	assert_ptr_equal(schedule_find(schedule, "0000000000001"), entry);
	assert_null(schedule_find(schedule, "0000000000002"));
	schedule_remove(schedule, entry);
	assert_null(schedule_find(schedule, "0000000000001"));
	schedule_free(&schedule);
}

static void
a_changed_time_moves_an_entry_both_ways(void **state)
{
	struct schedule *schedule = schedule_new();
	struct entry *entries[3];
	char id[SPOOL_ID_SIZE];

	(void)state;
	for (unsigned int i = 0; i < 3; i++) {
		make_id(i, id);
		entries[i] = schedule_add(schedule, id);
		schedule_set_due(schedule, entries[i], 10 * (int64_t)i);
	}
	schedule_set_due(schedule, entries[2], -5);
	assert_ptr_equal(schedule_take_due(schedule, 0, false), entries[2]);
	schedule_set_due(schedule, entries[0], 50);
	assert_int_equal(schedule_first_due(schedule, false), 10);
	schedule_park(schedule, entries[1]);
	assert_int_equal(schedule_first_due(schedule, false), 50);
	schedule_remove(schedule, entries[0]);
	assert_int_equal(schedule_first_due(schedule, false), INT64_MAX);
	schedule_free(&schedule);
}

static void
the_wait_is_the_age_within_limits(void **state)
{
	static const struct {
		uint64_t created, now, expected;
	} rows[] = { { 1000, 1000, 300 }, { 1000, 900, 300 },
		{ 1000, 1400, 400 }, { 1000, 5000, 4000 },
		{ 1000, 900000, 4000 } };

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_int_equal(
		    schedule_back_off(rows[i].created, rows[i].now, 300, 4000),
		    rows[i].expected);
}

static void
only_old_and_tried_mail_expires(void **state)
{
	static const struct {
		uint64_t age, lifetime;
		uint32_t attempts;
		bool expected;
	} rows[] = {
		{ 100, 1000, 50, false },
		{ 1001, 1000, 5, true },
		{ 1001, 1000, 4, false }, /* a jump of the clock */
		{ 315360000, 432000, 1, false },
		{ 0, 0, 1, true }, /* one attempt is all */
		{ 10, 0, 0, false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_int_equal(schedule_is_expired(5000, 5000 + rows[i].age,
				     rows[i].lifetime, rows[i].attempts),
		    rows[i].expected);
	assert_false(schedule_is_expired(5000, 100, 10, 9));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(entries_come_out_in_the_order_they_are_due),
		cmocka_unit_test(priority_is_a_start_and_no_more),
		cmocka_unit_test(fresh_mail_goes_before_what_was_tried),
		cmocka_unit_test(an_id_is_there_once),
		cmocka_unit_test(a_changed_time_moves_an_entry_both_ways),
		cmocka_unit_test(the_wait_is_the_age_within_limits),
		cmocka_unit_test(only_old_and_tried_mail_expires),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
