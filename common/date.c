/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "common/date.h"

#include <stdio.h>
#include <string.h>

static const char months[12][4] = { "Jan", "Feb", "Mar", "Apr", "May", "Jun",
	"Jul", "Aug", "Sep", "Oct", "Nov", "Dec" };
static const char days[7][4] = { "Sun", "Mon", "Tue", "Wed", "Thu", "Fri",
	"Sat" };

#define SPAN_MAX (3660ULL * 86400)

/* Fields of a civil time before they are put together. */
struct civil {
	uint64_t day, year, hour, minute, second;
	int month;
	int zone; /* minutes east of Greenwich */
};

int64_t
date_days(int year, int month, int day)
{
	int64_t y = month <= 2 ? year - 1 : year;
	int64_t era = (y >= 0 ? y : y - 399) / 400;
	int64_t year_of_era = y - era * 400;
	int64_t month_from_march = (month + 9) % 12;
	int64_t day_of_year = (153 * month_from_march + 2) / 5 + day - 1;
	int64_t day_of_era = year_of_era * 365 + year_of_era / 4 -
			     year_of_era / 100 + day_of_year;

	return era * 146097 + day_of_era - 719468;
}

static const char *
date_zone(const struct tm *tm, char text[8])
{
	long minutes = tm->tm_gmtoff / 60;
	char sign = minutes < 0 ? '-' : '+';

	if (minutes < 0)
		minutes = -minutes;
	snprintf(text, 8, "%c%02d%02d", sign, (int)(minutes / 60 % 100),
	    (int)(minutes % 60));
	return text;
}

const char *
date_format_rfc5322(time_t when, char text[DATE_TEXT_SIZE])
{
	struct tm tm = { 0 };
	char zone[8];

	localtime_r(&when, &tm);
	snprintf(text, DATE_TEXT_SIZE, "%s, %d %s %04d %02d:%02d:%02d %s",
	    days[tm.tm_wday], tm.tm_mday, months[tm.tm_mon], tm.tm_year + 1900,
	    tm.tm_hour, tm.tm_min, tm.tm_sec, date_zone(&tm, zone));
	return text;
}

const char *
date_format_imap(time_t when, char text[DATE_TEXT_SIZE])
{
	struct tm tm = { 0 };
	char zone[8];

	localtime_r(&when, &tm);
	snprintf(text, DATE_TEXT_SIZE, "%2d-%s-%04d %02d:%02d:%02d %s",
	    tm.tm_mday, months[tm.tm_mon], tm.tm_year + 1900, tm.tm_hour,
	    tm.tm_min, tm.tm_sec, date_zone(&tm, zone));
	return text;
}

const char *
date_format_mbox(time_t when, char text[DATE_TEXT_SIZE])
{
	struct tm tm = { 0 };

	gmtime_r(&when, &tm);
	snprintf(text, DATE_TEXT_SIZE, "%s %s %2d %02d:%02d:%02d %04d",
	    days[tm.tm_wday], months[tm.tm_mon], tm.tm_mday, tm.tm_hour,
	    tm.tm_min, tm.tm_sec, tm.tm_year + 1900);
	return text;
}

static int
date_month(struct slice name)
{
	for (int i = 0; i < 12; i++)
		if (slice_eq_nocase(slice_first(name, 3), slice_of(months[i])))
			return i + 1;
	return 0;
}

static bool
date_zone_parse(struct slice text, int *minutes)
{
	static const struct {
		struct slice name;
		int hours;
	} names[] = { { SLICE("UT"), 0 }, { SLICE("GMT"), 0 },
		{ SLICE("Z"), 0 }, { SLICE("EST"), -5 }, { SLICE("EDT"), -4 },
		{ SLICE("CST"), -6 }, { SLICE("CDT"), -5 },
		{ SLICE("MST"), -7 }, { SLICE("MDT"), -6 },
		{ SLICE("PST"), -8 }, { SLICE("PDT"), -7 } };
	uint64_t value;

	*minutes = 0;
	if (text.len == 5 && (text.ptr[0] == '+' || text.ptr[0] == '-') &&
	    slice_u64(slice_from(text, 1), 9999, &value)) {
		*minutes = (int)(value / 100 * 60 + value % 100);
		if (text.ptr[0] == '-')
			*minutes = -*minutes;
		return true;
	}
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (slice_eq_nocase(text, names[i].name))
			*minutes = names[i].hours * 60;
	/* RFC 5322 4.3: other letters mean +0000. */
	return text.len > 0 && ascii_is_alpha(text.ptr[0]);
}

/* hh:mm or hh:mm:ss */
static bool
date_clock_parse(struct slice text, struct civil *civil)
{
	struct slice hour, rest, minute, second;

	if (!slice_cut(text, ':', &hour, &rest))
		return false;
	civil->second = 0;
	if (slice_cut(rest, ':', &minute, &second) &&
	    !slice_u64(second, 60, &civil->second))
		return false;
	return slice_u64(hour, 23, &civil->hour) &&
	       slice_u64(minute, 59, &civil->minute);
}

static bool
date_from_civil(const struct civil *civil, time_t *when)
{
	if (civil->day < 1 || civil->day > 31 || civil->month < 1)
		return false;
	*when = (time_t)((date_days(
			      (int)civil->year, civil->month, (int)civil->day) *
				 24 +
			     (int64_t)civil->hour) *
			     3600 +
			 (int64_t)civil->minute * 60 + (int64_t)civil->second -
			 (int64_t)civil->zone * 60);
	return true;
}

/* [day-name ,] day month year */
static bool
date_day_parse(struct slice *rest, struct slice blanks, struct civil *civil)
{
	struct slice token;

	if (!slice_token(rest, blanks, &token))
		return false;
	if (ascii_is_alpha(token.ptr[0]) && !slice_token(rest, blanks, &token))
		return false;
	if (!slice_u64(token, 31, &civil->day) ||
	    !slice_token(rest, blanks, &token))
		return false;
	civil->month = date_month(token);
	if (!slice_token(rest, blanks, &token) ||
	    !slice_u64(token, 9999, &civil->year))
		return false;
	/* RFC 5322 4.3: two and three digit years. */
	if (token.len <= 3)
		civil->year += token.len == 2 && civil->year < 50 ? 2000 : 1900;
	return true;
}

bool
date_parse_rfc5322(struct slice text, time_t *when, int *zone_minutes)
{
	const struct slice blanks = S(" \t\r\n,");
	struct slice rest = text, token;
	struct civil civil = { 0 };

	if (!date_day_parse(&rest, blanks, &civil) ||
	    !slice_token(&rest, blanks, &token) ||
	    !date_clock_parse(token, &civil))
		return false;
	if (slice_token(&rest, blanks, &token))
		(void)date_zone_parse(token, &civil.zone);
	if (zone_minutes != NULL)
		*zone_minutes = civil.zone;
	return date_from_civil(&civil, when);
}

/* dd-Mon-yyyy */
static bool
date_imap_day_parse(struct slice date, struct civil *civil)
{
	struct slice day, month, year, rest;

	if (!slice_cut(date, '-', &day, &rest) ||
	    !slice_cut(rest, '-', &month, &year) || month.len != 3 ||
	    year.len != 4)
		return false;
	civil->month = date_month(month);
	return slice_u64(day, 31, &civil->day) &&
	       slice_u64(year, 9999, &civil->year);
}

bool
date_parse_imap(struct slice text, time_t *when)
{
	struct slice rest = text, date, clock, zone;
	struct civil civil = { 0 };

	if (!slice_token(&rest, S(" "), &date) ||
	    !slice_token(&rest, S(" "), &clock) ||
	    !slice_token(&rest, S(" "), &zone) || rest.len > 0)
		return false;
	return date_imap_day_parse(date, &civil) &&
	       date_clock_parse(clock, &civil) &&
	       date_zone_parse(zone, &civil.zone) &&
	       date_from_civil(&civil, when);
}

/* "Z", "+hh:mm" or "-hh:mm". */
static bool
date_offset_parse(struct slice text, int *minutes)
{
	uint64_t hour, minute;

	*minutes = 0;
	if (slice_eq_nocase(text, S("Z")))
		return true;
	if (text.len != 6 || text.ptr[3] != ':' ||
	    !slice_u64(slice_first(slice_from(text, 1), 2), 23, &hour) ||
	    !slice_u64(slice_from(text, 4), 59, &minute))
		return false;
	*minutes = (int)(hour * 60 + minute);
	if (text.ptr[0] == '-')
		*minutes = -*minutes;
	return text.ptr[0] == '-' || text.ptr[0] == '+';
}

static bool
date_number_at(struct slice text, size_t at, size_t len, uint64_t *out)
{
	return slice_u64(slice_first(slice_from(text, at), len), 9999, out);
}

bool
date_parse_rfc3339(struct slice text, time_t *when)
{
	static const char shape[] = "0000-00-00T00:00:00";
	static const int longest[] = { 31, 29, 31, 30, 31, 30, 31, 31, 30, 31,
		30, 31 };
	const size_t length = sizeof(shape) - 1;
	struct civil civil = { 0 };
	uint64_t month;

	if (text.len <= length)
		return false;
	for (size_t i = 0; i < length; i++)
		if (shape[i] == '0'
			? !ascii_is_digit(text.ptr[i])
			: ascii_lower(text.ptr[i]) != ascii_lower(shape[i]))
			return false;
	(void)date_number_at(text, 0, 4, &civil.year);
	(void)date_number_at(text, 5, 2, &month);
	(void)date_number_at(text, 8, 2, &civil.day);
	(void)date_number_at(text, 11, 2, &civil.hour);
	(void)date_number_at(text, 14, 2, &civil.minute);
	(void)date_number_at(text, 17, 2, &civil.second);
	if (month < 1 || month > 12 || civil.hour > 23 || civil.minute > 59 ||
	    civil.second > 59 || civil.day > (uint64_t)longest[month - 1])
		return false;
	civil.month = (int)month;
	return date_offset_parse(slice_from(text, length), &civil.zone) &&
	       date_from_civil(&civil, when);
}

bool
date_parse_span(struct slice text, uint64_t *seconds)
{
	static const struct {
		char letter;
		uint64_t size;
	} units[] = { { 's', 1 }, { 'm', 60 }, { 'h', 3600 }, { 'd', 86400 },
		{ 'w', 7 * 86400 } };

	for (size_t i = 0; text.len > 1 && i < sizeof(units) / sizeof(units[0]);
	     i++)
		if (text.ptr[text.len - 1] == units[i].letter) {
			if (!slice_u64(slice_first(text, text.len - 1),
				SPAN_MAX / units[i].size, seconds))
				return false;
			*seconds *= units[i].size;
			return true;
		}
	return false;
}

/* "YYYY-MM-DD" */
static bool
parse_day(struct slice text, struct tm *tm)
{
	struct slice year, month;
	uint64_t y, m, d;

	if (text.len != 10 || !slice_cut(text, '-', &year, &text) ||
	    !slice_cut(text, '-', &month, &text) || year.len != 4 ||
	    month.len != 2 || !slice_u64(year, 9999, &y) ||
	    !slice_u64(month, 12, &m) || !slice_u64(text, 31, &d) || m == 0 ||
	    d == 0)
		return false;
	tm->tm_year = (int)y - 1900;
	tm->tm_mon = (int)m - 1;
	tm->tm_mday = (int)d;
	return true;
}

/* "HH:MM" */
static bool
parse_minute(struct slice text, struct tm *tm)
{
	struct slice hour;
	uint64_t h, m;

	if (text.len != 5 || !slice_cut(text, ':', &hour, &text) ||
	    hour.len != 2 || !slice_u64(hour, 23, &h) ||
	    !slice_u64(text, 59, &m))
		return false;
	tm->tm_hour = (int)h;
	tm->tm_min = (int)m;
	return true;
}

bool
date_parse_until(struct slice text, time_t now, time_t *when)
{
	struct slice day, minute;
	struct tm tm = { 0 };
	uint64_t span;
	int wanted;

	if (date_parse_span(text, &span)) {
		*when = now + (time_t)span;
		return span > 0;
	}
	if (localtime_r(&now, &tm) == NULL)
		return false;
	tm.tm_hour = tm.tm_min = tm.tm_sec = 0;
	tm.tm_isdst = -1;
	if (parse_minute(text, &tm)) {
		*when = mktime(&tm);
		if (*when <= now) {
			tm.tm_mday++;
			tm.tm_isdst = -1;
			*when = mktime(&tm);
		}
		return *when > now;
	}
	if (!slice_cut(text, ' ', &day, &minute))
		(void)slice_cut(text, 'T', &day, &minute);
	if (!parse_day(day, &tm) ||
	    (minute.len > 0 && !parse_minute(minute, &tm)))
		return false;
	wanted = tm.tm_mday;
	*when = mktime(&tm);
	/* mktime makes March of February 30. */
	return tm.tm_mday == wanted && *when > now;
}
