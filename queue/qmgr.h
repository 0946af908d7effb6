/* SPDX-License-Identifier: ISC */
/*
 * qmgr - the queue manager as a process.
 *
 * Started as root (or as an ordinary user, for that user's own host). In
 * this order: the spool is checked and opened, spool/lock taken (one queue
 * manager), the FIFOs opened, deliver-spawn and relay-spawn started with one
 * end of a socketpair each, dropwatch forked, then the jail "qmgr" entered as
 * _mpqueue. After that it can open the spool and read the tables, nothing
 * else. It ends with 0 at SIGTERM, SIGINT, SIGHUP or "reload" (what is under
 * way gets five seconds), and with 75 when a spawner is gone: whoever
 * started it starts it again.
 */
#ifndef QUEUE_QMGR_H
#define QUEUE_QMGR_H

#include <sys/types.h>

#include "common/settings.h"

struct qmgr_end {
	int stop_fd;           /* readable when the process shall end */
	pid_t parent;          /* end when it is gone; 0: live on */
};

int qmgr_serve(const struct settings *settings, const struct qmgr_end *end);

#endif
