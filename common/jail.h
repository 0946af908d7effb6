/* SPDX-License-Identifier: ISC */
/*
 * jail - give up privileges for good, and prove it.
 *
 * jail_enter, in this order: close every descriptor not listed, chroot and
 * chdir, supplementary groups, gid, uid, tries to get root back (success of
 * any is an error), rlimits, no_new_privs, Landlock, seccomp. As an
 * ordinary user it does what such a user can: rlimits, no_new_privs,
 * Landlock, seccomp; uid and chroot are left out. Sanitizer builds leave
 * seccomp and RLIMIT_AS out. The table of all jails is jail_table.c; the
 * tests compare it with the live processes (README.md has it for people).
 */
#ifndef COMMON_JAIL_H
#define COMMON_JAIL_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "common/result.h"
#include "common/settings.h"

/* System call classes; each includes the one before where it says so. */
enum jail_calls {
	JAIL_CALLS_ANY,      /* no filter (deliver's programs, fronts) */
	JAIL_CALLS_PUMP,     /* read, write, poll, close, memory, time, exit */
	JAIL_CALLS_READER,   /* pump + pread, lseek, fstat */
	JAIL_CALLS_CLIENT,   /* reader + sockets of AF_INET/6, connect */
	JAIL_CALLS_ADVISER,  /* client + AF_UNIX, and files of its own */
	JAIL_CALLS_FILER,    /* reader + open, rename, fsync, kill 0 ... */
	JAIL_CALLS_MANAGER,  /* filer + sendmsg, recvmsg, FIFO */
	JAIL_CALLS_SPAWNER,  /* client + filer + fork, exec, wait, jails of its
	                      * own: for who starts other programs */
};

/* What Landlock leaves of the file system. */
enum jail_paths {
	JAIL_PATHS_ANY,
	JAIL_PATHS_NONE,
	JAIL_PATHS_LISTED,   /* jail_enter's paths, read and write */
};

struct jail {
	const char *name;      /* "smtpd-session", the row's key */
	const char *account;   /* "_mpsmtp"; NULL: the caller sets the uid */
	bool has_chroot;       /* to settings->empty_directory */
	enum jail_calls calls;
	enum jail_paths paths;
	bool dies_with_parent; /* SIGTERM when the starter is gone */
	uint64_t memory;       /* RLIMIT_AS, bytes; 0 unlimited */
	uint64_t cpu;          /* seconds; 0 unlimited */
	uint64_t file_size;    /* RLIMIT_FSIZE; not where the log is a file */
	uint64_t processes;    /* RLIMIT_NPROC where the uid is not root */
	uint64_t descriptors;  /* RLIMIT_NOFILE */
};
#define JAIL_UNLIMITED UINT64_MAX /* file_size, processes, descriptors */

const struct jail *jail_find(const char *name);
extern const struct jail jail_table[];

/* keep: descriptors 0..keep_count-1 and the log's stay open, all else is
 * closed. paths: NULL-terminated, read-write below them; read_paths: read
 * only below them; both may be NULL. uid and gid replace account when
 * account is NULL and this is root. */
struct jail_request {
	int keep_count;
	const char *const *paths;
	const char *const *read_paths;
	uid_t uid;
	gid_t gid;
	const char *user;      /* for initgroups; NULL: no extra groups */
	const char *root;      /* chroot here instead of empty_directory */
	bool dies_with_parent; /* as the jail's own, for this process */
};
bool jail_enter(const struct jail *jail, const struct settings *settings,
    const struct jail_request *request, struct why *why);
/* The part about identity alone: groups of user (NULL: none), gid, uid, and
 * the proof. For the front that becomes a user. Nothing when not root; root
 * (uid 0) is refused as a target. */
bool jail_become(uid_t uid, gid_t gid, const char *user, struct why *why);

#endif
