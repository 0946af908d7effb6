/* SPDX-License-Identifier: ISC */
/*
 * probe - a small line client for "mailctl check": connect, say, hear.
 *
 * Blocking, each step at most PROBE_SECONDS. Replies of several lines (RFC
 * 5321 section 4.2.1) are read to their last line, which is kept. Bytes of
 * the peer are made printable, and cut at the size of reply.
 */
#ifndef COMMON_MAILCTL_PROBE_H
#define COMMON_MAILCTL_PROBE_H

#include <stdbool.h>
#include <stdint.h>

#include "common/netaddr.h"
#include "common/result.h"
#include "common/slice.h"

struct probe {
	int fd;
	char bytes[4096]; /* read, not yet used */
	size_t used;
	char reply[256];  /* last line of the last reply */
};

/* from NULL: any own address. */
bool probe_open(struct probe *probe, const struct netaddr *from,
    const struct netaddr *to, struct why *why);
/* One line of the peer into reply. */
bool probe_read_line(struct probe *probe, struct why *why);
/* Send line and CRLF (NULL: nothing), then an SMTP reply: its code, 0 when
 * there is none. */
int probe_smtp(struct probe *probe, const char *line, struct why *why);
void probe_close(struct probe *probe);

#endif
