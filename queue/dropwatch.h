/* SPDX-License-Identifier: ISC */
/*
 * dropwatch - start pickup when something was put into spool/drop.
 *
 * A process of its own, forked by qmgr before its jail, which cannot start
 * programs. It enters the jail of pickup (_mpqueue, may execute) and waits
 * for the directory to change (inotify; else it looks every
 * DROPWATCH_POLL seconds), for a byte from qmgr ("pickup" on the control
 * FIFO), or for DROPWATCH_RESCAN seconds, then runs pickup and waits for its
 * end. It ends when qmgr's end of the pipe closes.
 */
#ifndef QUEUE_DROPWATCH_H
#define QUEUE_DROPWATCH_H

#include "common/settings.h"

#define DROPWATCH_POLL   5 /* seconds, without inotify */
#define DROPWATCH_RESCAN 60
#define DROPWATCH_PAUSE  1 /* after a pickup that failed */

/* Does not return before request_fd is closed by the other side. The jail
 * leaves it as descriptor 0, and closes all else but the log. The exit code. */
int dropwatch_run(const struct settings *settings, int request_fd);

#endif
