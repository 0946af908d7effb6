/* SPDX-License-Identifier: ISC */
/*
 * client_envelope - one transaction of the SMTP client: RSET, MAIL, RCPT...,
 * DATA, and the replies. Part of client.c, used by nobody else.
 *
 * Commands are numbered in the order they are sent; replies come in the same
 * order (RFC 2920 section 3.1), so client->sent and client->answered are all
 * the state there is.
 */
#ifndef QUEUE_CLIENT_ENVELOPE_H
#define QUEUE_CLIENT_ENVELOPE_H

#include "queue/client.h"

/* Send what may be sent now; CLIENT_READ while replies are missing. */
enum client_effect client_envelope_send(struct client *client, struct buf *out);
/* Take the reply in client->reply. */
void client_envelope_reply(struct client *client);
/* The final reply, after the data. */
void client_envelope_end(struct client *client);
/* LMTP: of the next accepted recipient (RFC 2033 section 4.2). */
void client_envelope_end_one(struct client *client);
/* Seconds to wait for the reply to the command that is due. */
unsigned int client_envelope_timeout(const struct client *client);
/* What the next reply answers: "MAIL FROM". */
const char *client_envelope_stage(const struct client *client);
void client_verdict_set(struct client_verdict *verdict, char status,
    const char *code, const char *text);

#endif
