/* SPDX-License-Identifier: ISC */
/*
 * startup - which super-server is here, and its snippets as files.
 *
 * "print" of a kind writes all of it to stdout, each file under a heading;
 * with a directory the files are written there, by fs_replace.
 */
#ifndef COMMON_MAILCTL_STARTUP_H
#define COMMON_MAILCTL_STARTUP_H

#include "common/mailctl/mailctl.h"
#include "common/mailctl/report.h"

enum startup_kind {
	STARTUP_SYSTEMD,
	STARTUP_XINETD,
	STARTUP_INETD,
	STARTUP_NONE,
};

/* The first that runs here. */
enum startup_kind startup_find(void);
const char *startup_name(enum startup_kind kind);
/* The last lines of init; writes the files when that is wanted. */
void startup_advise(const struct mailctl *mailctl, struct report *report);
struct startup {
	enum startup_kind kind;
	const char *directory; /* NULL: to stdout */
	bool is_wait;          /* merpatid -w for each service of inetd's */
};
bool startup_write(const struct mailctl *mailctl,
    const struct startup *startup, struct why *why);

#endif
