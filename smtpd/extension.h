/* SPDX-License-Identifier: ISC */
/*
 * extension - the ESMTP extensions that are parameters or facts, and who
 * they are offered to.
 *
 * What is not offered to a client is not taken from it either: parameter.c
 * asks the same functions. Extensions that are commands of their own are
 * rows of command.c. man/smtpd.8 has the table; a test compares it.
 */
#ifndef SMTPD_EXTENSION_H
#define SMTPD_EXTENSION_H

#include <stdbool.h>

#include "smtpd/session.h"

enum {
	EXTENSION_TEXT_SIZE = 96
};

struct extension {
	const char *keyword;
	bool (*is_offered)(const struct session *session); /* NULL: to all */
	/* What follows the keyword in EHLO; NULL: nothing. */
	void (*parameters)(const struct session *session,
	    char text[EXTENSION_TEXT_SIZE]);
};

extern const struct extension extension_table[]; /* NULL keyword ends */

/* A person or program of this host, or who may become one here. */
bool extension_is_submission(const struct session *session);
bool extension_is_trusted(const struct session *session);
bool extension_has_tls(const struct session *session);
bool extension_may_hold(const struct session *session);

#endif
