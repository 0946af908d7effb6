/* SPDX-License-Identifier: ISC */
/*
 * client_parameter - MAIL and RCPT with their parameters, as the host offers
 * them. Part of client.c, used by nobody else.
 *
 * SIZE (RFC 1870), BODY (RFC 6152, 3030), SMTPUTF8 (RFC 6531), RET, ENVID,
 * NOTIFY and ORCPT in xtext (RFC 3461 section 4; utf-8 addresses as
 * utf-8-addr-xtext, RFC 6533 section 3), REQUIRETLS (RFC 8689), BY with the
 * seconds left (RFC 2852), MT-PRIORITY (RFC 6710). FUTURERELEASE is never
 * passed on: we hold the message.
 */
#ifndef QUEUE_CLIENT_PARAMETER_H
#define QUEUE_CLIENT_PARAMETER_H

#include "queue/client.h"

/* The whole command with its CRLF. */
void client_parameter_mail(const struct client *client, struct buf *out);
void client_parameter_rcpt(const struct client *client,
    const struct client_recipient *recipient, struct buf *out);

#endif
