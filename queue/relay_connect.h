/* SPDX-License-Identifier: ISC */
/*
 * relay_connect - a connected socket before a deadline.
 *
 * The socket is non-blocking and closed on exec. Needs socket, connect,
 * getsockopt and poll only. The deadline is of io.h; when it passes, errno
 * is ETIMEDOUT.
 */
#ifndef QUEUE_RELAY_CONNECT_H
#define QUEUE_RELAY_CONNECT_H

#include <stdint.h>

#include "common/netaddr.h"

/* type: SOCK_STREAM or SOCK_DGRAM. -1 with errno. */
int relay_connect(const struct netaddr *addr, int type, int64_t deadline);
/* "mx.example.com[192.0.2.1]:25" */
#define RELAY_REMOTE_SIZE 336
void relay_remote_format(
    char text[RELAY_REMOTE_SIZE], const char *host, const struct netaddr *addr);

#endif
