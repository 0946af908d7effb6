/* SPDX-License-Identifier: ISC */
/*
 * client_auth - AUTH (RFC 4954) as a client. Part of client.c, used by nobody
 * else.
 *
 * With a token: OAUTHBEARER (RFC 7628), else XOAUTH2. With a password:
 * SCRAM-SHA-256, which tells it to nobody, else PLAIN, else LOGIN. A host
 * that takes our proof in SCRAM without showing its own is not believed.
 */
#ifndef QUEUE_CLIENT_AUTH_H
#define QUEUE_CLIENT_AUTH_H

#include "common/result.h"

#include "queue/client.h"

enum client_auth {
	CLIENT_AUTH_WAIT, /* for the host's next word */
	CLIENT_AUTH_DONE,
	CLIENT_AUTH_REFUSED, /* by the reply at hand */
	CLIENT_AUTH_FAILED,  /* by us; why tells */
};

/* "PLAIN LOGIN ...", of EHLO. */
void client_auth_offer(struct client *client, struct slice words);
enum client_auth
client_auth_start(struct client *client, struct buf *out, struct why *why);
/* Take the reply in client->reply. */
enum client_auth
client_auth_reply(struct client *client, struct buf *out, struct why *why);

#endif
