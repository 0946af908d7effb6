/* SPDX-License-Identifier: ISC */
/*
 * date - times as text. The time is always passed in, never read here.
 */
#ifndef COMMON_DATE_H
#define COMMON_DATE_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#include "common/slice.h"

#define DATE_TEXT_SIZE 64

/* "Tue, 21 Nov 2026 06:50:00 +0000" (RFC 5322 3.3), in local time. */
const char *date_format_rfc5322(time_t when, char text[DATE_TEXT_SIZE]);
/* "21-Nov-2026 06:50:00 +0000" (RFC 3501 date-time), day padded by space. */
const char *date_format_imap(time_t when, char text[DATE_TEXT_SIZE]);
/* "Tue Nov 21 06:50:00 2026": the From_ line of an mbox. */
const char *date_format_mbox(time_t when, char text[DATE_TEXT_SIZE]);
/* RFC 5322 date-time, obsolete zones and missing day or seconds allowed. */
bool date_parse_rfc5322(struct slice text, time_t *when, int *zone_minutes);
/* RFC 3501 date-time, without its quotes. */
bool date_parse_imap(struct slice text, time_t *when);
/* RFC 3339 date-time: "2026-12-24T18:00:00Z", "...+01:00"; no leap second
 * and no fraction. */
bool date_parse_rfc3339(struct slice text, time_t *when);
/* "90s", "30m", "2h", "1d", "3w", up to ten years. */
bool date_parse_span(struct slice text, uint64_t *seconds);
/* What people type for an end: "90s", "30m", "2h", "1d", "3w" from now, "15:00"
 * (the next one), "2026-12-24" (its first second), "2026-12-24 18:00"; local
 * time. False: none of these, or not after now. */
bool date_parse_until(struct slice text, time_t now, time_t *when);
/* Days since 1970-01-01 of a civil date; month 1 to 12. */
int64_t date_days(int year, int month, int day);

#endif
