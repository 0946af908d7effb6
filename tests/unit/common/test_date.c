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

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(header_dates_are_read),
		cmocka_unit_test(nonsense_is_no_date),
		cmocka_unit_test(imap_dates_round_trip),
		cmocka_unit_test(mbox_dates_are_as_ctime_writes_them),
		cmocka_unit_test(days_agree_with_gmtime),
	};

	setenv("TZ", "Asia/Jakarta", 1);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
