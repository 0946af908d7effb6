/* SPDX-License-Identifier: ISC */
/*
 * net_connect - a connected socket before a deadline.
 *
 * The socket is non-blocking and closed on exec. Needs socket, connect,
 * getsockopt and poll only. The deadline is of io.h; when it passes, errno
 * is ETIMEDOUT.
 */
#ifndef COMMON_NET_CONNECT_H
#define COMMON_NET_CONNECT_H

#include <stdint.h>

#include "common/netaddr.h"
#include "common/slice.h"

/* type: SOCK_STREAM or SOCK_DGRAM. -1 with errno. */
int net_connect(const struct netaddr *addr, int type, int64_t deadline);
/* A stream socket with a name in the file system. */
int net_connect_unix(struct slice path, int64_t deadline);

#endif
