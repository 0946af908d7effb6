/* SPDX-License-Identifier: ISC */
/*
 * filter_spec - the settings that name content filters, read. No I/O.
 *
 *     filter_commands  commands, each ended by ";": options, then a path and
 *                      its arguments
 *     milters          unix:PATH, inet:HOST:PORT or inet:[V6]:PORT, each
 *                      followed by its options
 *     smtpd_filters    programs of OpenSMTPD's protocol, as filter_commands
 *
 * They see a message in this order; each sees what the one before changed.
 * Options are name=value, see filter_options in filter_spec.c and
 * merpati-filters(7).
 */
#ifndef COMMON_FILTER_SPEC_H
#define COMMON_FILTER_SPEC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/arena.h"
#include "common/limits.h"
#include "common/result.h"
#include "common/settings.h"

enum filter_kind { FILTER_COMMAND, FILTER_MILTER, FILTER_SMTPD };
enum filter_default { FILTER_ACCEPT, FILTER_TEMPFAIL, FILTER_REJECT,
	FILTER_HOLD };
enum filter_place {
	FILTER_ON_SMTP = 1 << 0,       /* port 25, LMTP */
	FILTER_ON_SUBMISSION = 1 << 1, /* 587, 465 */
	FILTER_ON_LOCAL = 1 << 2,      /* sendmail(1) */
};

#define FILTER_ARGUMENTS_MAX 24

struct filter_spec {
	enum filter_kind kind;
	uint32_t places;            /* enum filter_place; all by default */
	enum filter_default failed; /* default=: when the filter fails */
	uint32_t connect, command, message; /* seconds */
	bool is_print;              /* mode=print: its output replaces ours */
	int32_t spam;               /* spam=: exit status that refuses; -1 */
	bool spam_holds;            /* then=quarantine */
	uint32_t passes;            /* pass=: bit n: exit status n < 32 is ok */
	const char *address;        /* milter: as written, for the log too */
	const char *arguments[FILTER_ARGUMENTS_MAX + 1]; /* NULL ends */
};

struct filter_specs {
	size_t count;
	struct filter_spec items[LIMIT_FILTERS];
};

/* Strings are the arena's. False, with why: the settings are wrong. */
bool filter_specs_read(const struct settings *settings, struct arena *arena,
    struct filter_specs *specs, struct why *why);
/* "opendkim" of "/usr/sbin/opendkim", or the address: for logs. */
const char *filter_name(const struct filter_spec *spec);
/* Where a listener (enum listener_kind or INJECT_LOCAL) is: enum
 * filter_place. */
uint32_t filter_place_of(uint32_t listener);
/* Is there any filter for that place? True for wrong settings as well. */
bool filter_is_needed(const struct settings *settings, uint32_t listener);

#endif
