/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "smtpd/options.h"

#include <string.h>

void
options_init(struct options *options)
{
	memset(options, 0, sizeof(*options));
	buf_init(&options->envelope_id, LIMIT_ENVELOPE_ID);
	buf_init(&options->original, LIMIT_ORIGINAL_RECIPIENT);
}

void
options_free(struct options *options)
{
	buf_free(&options->envelope_id);
	buf_free(&options->original);
}

void
options_clear_rcpt(struct options *options)
{
	memset(&options->rcpt, 0, sizeof(options->rcpt));
	buf_clear(&options->original);
}

void
options_clear_mail(struct options *options)
{
	options->size = 0;
	memset(&options->mail, 0, sizeof(options->mail));
	buf_clear(&options->envelope_id);
	options_clear_rcpt(options);
}
