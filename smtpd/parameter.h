/* SPDX-License-Identifier: ISC */
/*
 * parameter - ESMTP parameters of MAIL and RCPT (RFC 5321 section 4.1.2).
 *
 * Each command has a table of the parameters it knows. One that is unknown,
 * or not offered to this client, is refused with 555 5.5.4; a bad value, one
 * where none belongs, or one given twice with 501 5.5.4.
 */
#ifndef SMTPD_PARAMETER_H
#define SMTPD_PARAMETER_H

#include <stdbool.h>

#include "common/result.h"
#include "common/slice.h"

#include "smtpd/session.h"

/* Put the value into the session; false with why->text when it is bad. */
typedef bool
parameter_fn(struct session *session, struct slice value, struct why *why);

struct parameter {
	struct slice name;
	bool has_value;
	parameter_fn *set;
	bool (*is_offered)(const struct session *session); /* NULL: to all */
};

/* parameter_mail.c, parameter_rcpt.c; an empty name ends. */
extern const struct parameter mail_parameters[];
extern const struct parameter rcpt_parameters[];
extern const struct parameter vrfy_parameters[];

/* Apply text to the session. On failure *code is the reply's code. */
bool parameter_parse(struct session *session, const struct parameter *table,
    struct slice text, unsigned int *code, struct why *why);

#endif
