/* SPDX-License-Identifier: ISC */
/*
 * server_qmgr - the super-server keeps qmgr running, with back-off.
 *
 * All zero: there is none to keep (inetd's way). Times are io_now().
 */
#ifndef COMMON_SERVER_QMGR_H
#define COMMON_SERVER_QMGR_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "common/settings.h"

struct server_qmgr {
	bool is_wanted;
	pid_t pid; /* 0: not running */
	int64_t started, next, backoff;
};

/* Due at once. */
void server_qmgr_init(struct server_qmgr *qmgr);
void server_qmgr_start_if_due(
    struct server_qmgr *qmgr, const struct settings *settings);
/* pid is reaped: was it qmgr? It is logged unless it should end. */
bool server_qmgr_ended(
    struct server_qmgr *qmgr, pid_t pid, int status, bool is_expected);
/* Milliseconds until it is due; -1 when it runs or is not wanted. */
int server_qmgr_wait(const struct server_qmgr *qmgr);
void server_qmgr_kill(const struct server_qmgr *qmgr, int number);

#endif
