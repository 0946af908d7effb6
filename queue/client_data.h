/* SPDX-License-Identifier: ISC */
/*
 * client_data - the body of the SMTP client: after DATA by common/dot.h, or
 * in chunks (BDAT, RFC 3030). Part of client.c, used by nobody else; what the
 * driver calls is in client.h.
 *
 * A chunk has LIMIT_RELAY_CHUNK bytes, the last one what is left. The sizes
 * count bytes as sent: line ends are CRLF before they are counted.
 */
#ifndef QUEUE_CLIENT_DATA_H
#define QUEUE_CLIENT_DATA_H

#include "queue/client.h"

/* Forget the body of the transaction before. */
void client_data_begin(struct client *client);

#endif
