/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "tests/unit/unit.h"

#include <stdlib.h>
#include <time.h>

#include "common/date.h"

static void
header_dates_are_read(void **state)
{
	static const struct {
		const char *text;
		time_t when;
		int zone;
	} cases[] = {
		{ "Thu, 1 Jan 1970 00:00:00 +0000", 0, 0 },
		{ "Fri, 21 Nov 1997 09:55:06 -0600", 880127706, -360 },
		{ "21 Nov 97 09:55:06 GMT", 880106106, 0 },
		{ "Tue, 29 Feb 2000 23:59 +0530", 951848940, 330 },
		{ "Thu, 1 Jan 1970 00:00:00 EST", 18000, -300 },
		{ " Thu ,\r\n 1 Jan 1970 00:00:00 (comment)", 0, 0 },
	};
	time_t when;
	int zone;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		zone = 0;
		assert_true(
		    date_parse_rfc5322(slice_of(cases[i].text), &when, &zone));
		assert_int_equal(when, cases[i].when);
		assert_int_equal(zone, cases[i].zone);
	}
}

static void
nonsense_is_no_date(void **state)
{
	static const char *const cases[] = { "", "29/04", "Mon", "Mon, 1",
		"32 Jan 2000 00:00:00", "1 Foo 2000 00:00", "1 Jan 2000",
		"1 Jan 2000 24:00:00", "1 Jan 2000 12", "0 Jan 2000 00:00" };
	time_t when;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_false(
		    date_parse_rfc5322(slice_of(cases[i]), &when, NULL));
}

static void
imap_dates_round_trip(void **state)
{
	static const time_t cases[] = { 0, 880127706, 951868740, 4102444800 };
	char text[DATE_TEXT_SIZE];
	time_t when;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		date_format_imap(cases[i], text);
		assert_true(date_parse_imap(slice_of(text), &when));
		assert_int_equal(when, cases[i]);
		date_format_rfc5322(cases[i], text);
		assert_true(date_parse_rfc5322(slice_of(text), &when, NULL));
		assert_int_equal(when, cases[i]);
	}
	assert_false(date_parse_imap(S("1-Jan-2000 00:00:00"), &when));
	assert_false(date_parse_imap(S("1-Jan-20 00:00:00 +0000"), &when));
	assert_false(
	    date_parse_imap(S("1-January-2000 00:00:00 +0000"), &when));
}

static void
mbox_dates_are_as_ctime_writes_them(void **state)
{
	char text[DATE_TEXT_SIZE];

	(void)state;
	assert_string_equal(
	    date_format_mbox(880127706, text), "Fri Nov 21 15:55:06 1997");
}

static void
days_agree_with_gmtime(void **state)
{
	struct tm tm;
	time_t when;

	(void)state;
	for (int64_t day = -800000; day < 800000; day += 37) {
		when = (time_t)(day * 86400);
		assert_non_null(gmtime_r(&when, &tm));
		assert_int_equal(
		    date_days(tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday),
		    day);
	}
}

static void
rfc3339_dates_are_read_strictly(void **state)
{
	static const struct {
		const char *text;
		time_t when; /* -1: refused */
	} cases[] = {
		{ "1970-01-01T00:00:00Z", 0 },
		{ "2026-12-24T18:00:00Z", 1798135200 },
		{ "2026-12-24T19:30:00+01:30", 1798135200 },
		{ "2026-12-24t13:00:00-05:00", 1798135200 },
		{ "2028-02-29T00:00:00z", 1835395200 },
		{ "2026-12-24T18:00:00", -1 },
		{ "2026-12-24T18:00:00.5Z", -1 },
		{ "2026-12-24 18:00:00Z", -1 },
		{ "2026-13-24T18:00:00Z", -1 },
		{ "2026-04-31T18:00:00Z", -1 },
		{ "2026-00-24T18:00:00Z", -1 },
		{ "2026-12-24T24:00:00Z", -1 },
		{ "2026-12-24T18:60:00Z", -1 },
		{ "2026-12-24T18:00:60Z", -1 },
		{ "2026-12-24T18:00:00+0100", -1 },
		{ "2026-12-24T18:00:00+24:00", -1 },
		{ "2026-12-24T18:00:00*01:00", -1 },
		{ "2026-12-24T18:00:00ZZ", -1 },
		{ "26-12-24T18:00:00Z", -1 },
		{ "", -1 },
	};
	time_t when;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		bool ok = date_parse_rfc3339(slice_of(cases[i].text), &when);

		assert_int_equal(ok, cases[i].when >= 0);
		if (ok)
			assert_int_equal(when, cases[i].when);
	}
}

/* It is 2026-11-26 12:00:00 in Jakarta. */
static void
what_people_type_for_an_end_is_read(void **state)
{
	const time_t now = 1795669200;
	static const struct {
		const char *text;
		long after; /* 0: refused */
	} cases[] = { { "90s", 90 }, { "30m", 1800 }, { "2h", 7200 },
		{ "1d", 86400 }, { "3w", 1814400 }, { "15:00", 10800 },
		{ "12:01", 60 }, { "12:00", 86400 }, { "09:00", 75600 },
		{ "2026-11-27", 43200 }, { "2026-11-27 00:01", 43260 },
		{ "2026-11-26T18:00", 21600 }, { "", 0 }, { "h", 0 },
		{ "0h", 0 }, { "-1h", 0 }, { "2", 0 }, { "2x", 0 },
		{ "24:00", 0 }, { "12:60", 0 }, { "9:00", 0 },
		{ "2026-11-26", 0 }, { "2026-02-30", 0 }, { "2027-02-30", 0 },
		{ "2026-13-01", 0 }, { "2027-1-1", 0 },
		{ "2027-01-01 1:00", 0 }, { "99999999999999999999w", 0 },
		{ "523w", 0 }, { "522w", 315705600 } };
	time_t when;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		bool ok = date_parse_until(slice_of(cases[i].text), now, &when);

		assert_int_equal(ok, cases[i].after > 0);
		if (ok)
			assert_int_equal(when - now, cases[i].after);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(header_dates_are_read),
		cmocka_unit_test(nonsense_is_no_date),
		cmocka_unit_test(imap_dates_round_trip),
		cmocka_unit_test(rfc3339_dates_are_read_strictly),
		cmocka_unit_test(what_people_type_for_an_end_is_read),
		cmocka_unit_test(mbox_dates_are_as_ctime_writes_them),
		cmocka_unit_test(days_agree_with_gmtime),
	};

	setenv("TZ", "Asia/Jakarta", 1);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
