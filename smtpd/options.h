/* SPDX-License-Identifier: ISC */
/*
 * options - what the parameters of MAIL and of the RCPT at work asked for.
 *
 * The slices of mail and rcpt point into the buffers; parameter.c fills
 * them and the values hold until they are cleared.
 */
#ifndef SMTPD_OPTIONS_H
#define SMTPD_OPTIONS_H

#include <stdint.h>

#include "common/buf.h"
#include "common/mail_options.h"

struct options {
	uint64_t size; /* SIZE=, 0 when not given */
	struct mail_options mail;
	struct rcpt_options rcpt;
	struct buf envelope_id, original;
};

void options_init(struct options *options);
void options_free(struct options *options);
void options_clear_mail(struct options *options); /* and rcpt */
void options_clear_rcpt(struct options *options);

#endif
