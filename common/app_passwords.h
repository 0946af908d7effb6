/* SPDX-License-Identifier: ISC */
/*
 * app_passwords - the text of app-passwords(5): further passwords of users,
 * each for one program of theirs. No I/O.
 *
 * A line is "USER LABEL SERVICES HASH": the user's full name (an address, or
 * an account of the system), a label of the owner's choice, services out of
 * smtp, imap and pop3 with commas between, or "all", and a hash as in
 * users(5). Lines that are not so are passed over and counted.
 */
#ifndef COMMON_APP_PASSWORDS_H
#define COMMON_APP_PASSWORDS_H

#include <stdbool.h>
#include <stddef.h>

#include "common/slice.h"

/* Bits; a front serves one of them. */
enum auth_service {
	AUTH_SERVICE_SMTP = 1 << 0,
	AUTH_SERVICE_IMAP = 1 << 1,
	AUTH_SERVICE_POP3 = 1 << 2,
	AUTH_SERVICE_ALL = (1 << 3) - 1,
};

struct app_password {
	struct slice user, label, hash;
	unsigned int services;
};

/* The next line of *rest; false at the end. bad: NULL, or counts. */
bool app_password_next(struct slice *rest, struct app_password *out,
    size_t *bad);
bool app_services_parse(struct slice text, unsigned int *services);
/* Letters, digits, "-", "_" and ".", at most LIMIT_APP_LABEL. */
bool app_label_is_good(struct slice label);
/* "smtp", or "smtp,imap" for several, in text. */
const char *app_services_format(unsigned int services, char text[32]);

#endif
