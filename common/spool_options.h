/* SPDX-License-Identifier: ISC */
/*
 * spool_options - mail_options and rcpt_options as text in a queue file, for
 * spool_write.c and spool_read.c only.
 *
 * Message: "FLAGS PRIORITY HOLD BY", decimal numbers. Recipient: letters of
 * NSFD for NEVER, SUCCESS, FAILURE, DELAY. There is one way to write each
 * value, and a reader takes no other; what is not valid by mail_options.h is
 * no option.
 */
#ifndef COMMON_SPOOL_OPTIONS_H
#define COMMON_SPOOL_OPTIONS_H

#include <stdbool.h>

#include "common/mail_options.h"
#include "common/slice.h"

enum {
	SPOOL_OPTIONS_SIZE = 64
};

/* All but the envelope id, which has a record of its own. "": defaults. */
void spool_options_format(
    const struct mail_options *options, char text[SPOOL_OPTIONS_SIZE]);
bool spool_options_parse(struct slice text, struct mail_options *options);
/* "": not given. */
void spool_notify_format(unsigned int notify, char text[SPOOL_OPTIONS_SIZE]);
bool spool_notify_parse(struct slice text, uint8_t *notify);

#endif
