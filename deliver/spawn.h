/* SPDX-License-Identifier: ISC */
/*
 * spawn - deliver-spawn: forks delivery agents as the users they are for.
 *
 * Runs as root, reads integers only: SPAWN_AGENT with uid, gid and the
 * agent's socket attached (job.h). It refuses uid and gid 0, and uids under
 * minimum_uid but virtual_user's, and groups of the system (disk, shadow)
 * that are not the account's own. As an ordinary user it serves only that
 * user. qmgr is trusted with nothing else: it chooses which user, never what
 * is run.
 */
#ifndef DELIVER_SPAWN_H
#define DELIVER_SPAWN_H

#include <stdbool.h>
#include <sys/types.h>

#include "common/result.h"
#include "common/settings.h"

int deliver_spawn_run(
    const struct settings *settings, int argc, char *const argv[]);
/* What decides whom an agent may be. */
struct spawn_rules {
	const struct settings *settings;
	uid_t own;         /* this process's */
	uid_t virtual_uid; /* of settings->virtual_user, 0: there is none */
	gid_t virtual_gid;
};
bool spawn_may_become(
    const struct spawn_rules *rules, uid_t uid, gid_t gid, struct why *why);

#endif
