/* SPDX-License-Identifier: ISC */
/*
 * enqueue_options - what MAIL and RCPT ask for beside the address, taken
 * from the session's pipe and judged by the facts. No I/O.
 *
 * The session refuses the same things by itself; an owned one does not, so
 * what it was not allowed to ask for is refused here again.
 */
#ifndef QUEUE_ENQUEUE_OPTIONS_H
#define QUEUE_ENQUEUE_OPTIONS_H

#include <stdbool.h>

#include "common/inject.h"
#include "common/settings.h"

/* The fields of INJECT_MAIL (INJECT_RCPT) after the others. False: what came
 * is nothing that a session sends. Slices point into the message. */
bool options_get_mail(struct message *message, struct mail_options *options);
bool options_get_rcpt(struct message *message, struct rcpt_options *options);

/* May this client ask for that, now? Else the reply says why not. */
bool options_are_allowed(const struct settings *settings,
    const struct inject_facts *facts, const struct mail_options *options,
    uint64_t now, struct inject_reply *reply);

#endif
