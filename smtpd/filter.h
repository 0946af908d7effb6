/* SPDX-License-Identifier: ISC */
/*
 * filter - the content filters of one verify process, and what the three
 * kinds of them have to do.
 *
 * filters.c is the module of verify: it asks each filter that the settings
 * name for this listener, in order, at MAIL, RCPT, DATA and at the end of
 * the message, and turns a filter's failure into its default. A filter
 * that failed is tried anew with the next message. Each kind is a row of
 * functions; filters and what they say are hostile.
 */
#ifndef SMTPD_FILTER_H
#define SMTPD_FILTER_H

#include <stdbool.h>
#include <stdint.h>

#include "common/filter_spec.h"

#include "smtpd/filter_message.h"
#include "smtpd/verify.h"

enum filter_stage { FILTER_AT_MAIL, FILTER_AT_RCPT, FILTER_AT_DATA,
	FILTER_AT_END };

struct filter;
struct filters;

struct filter_functions {
	/* Before the jail; false: it will not work. */
	bool (*open)(struct filter *filter, struct why *why);
	/* reply is PASS and is filled in. False, with why: the filter itself
	 * failed. */
	bool (*ask)(struct filter *filter, enum filter_stage stage,
	    struct verify_reply *reply, struct why *why);
	/* The transaction is over without an end. */
	void (*abort)(struct filter *filter);
	void (*close)(struct filter *filter);
};
extern const struct filter_functions filter_command_functions;
extern const struct filter_functions filter_milter_functions;
extern const struct filter_functions filter_smtpd_functions;

struct filter {
	const struct filter_spec *spec;
	const struct filter_functions *functions;
	struct filters *filters;
	size_t number; /* in the settings */
	void *state;   /* of its kind */
	bool is_out;   /* failed, until the next MAIL */
};

struct filters {
	const struct settings *settings;
	struct arena *arena;
	struct filter_specs specs;
	struct filter items[LIMIT_FILTERS]; /* one per spec */
	int helper;                         /* filter_helper.h; -1 none */
	const struct verify *verify;        /* who and what; set when asked */
	const struct verify_question *question;
	char id[16];                        /* of the message, "" not known */
	uint32_t flags;                     /* enum mail_flags, of MAIL */
	struct filter_message message;
	bool is_broken;                     /* it could not be kept */
	bool is_unusable;                   /* settings or helper are wrong */
	int64_t deadline;                   /* of the whole question */
};

/* now + seconds, but not past the deadline of the question. */
int64_t filter_deadline(const struct filter *filter, uint32_t seconds);
/* "smtp", "submission", "submissions", "local". */
const char *filter_listener(const struct filters *filters);

#endif
