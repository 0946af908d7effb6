/* SPDX-License-Identifier: ISC */
/*
 * session_io - runs an SMTP session on its descriptors (front.h), inside the
 * jail: reads, writes, polls, and nothing else. A reply is one write, made
 * before the next read would block.
 */
#ifndef SMTPD_SESSION_IO_H
#define SMTPD_SESSION_IO_H

#include "common/front.h"

/* A session_fn. */
int session_io_run(const struct connection *connection);

#endif
