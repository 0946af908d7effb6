/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "common/jail.h"

#include <errno.h>
#include <grp.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "common/account.h"
#include "common/jail_landlock.h"
#include "common/jail_seccomp.h"
#include "common/log.h"

/* Whom the process becomes; uid 0 when it stays who it is. */
struct identity {
	uid_t uid;
	gid_t gid;
	const char *user;
};

static void
close_between(unsigned int first, unsigned int last)
{
	if (first > last)
		return;
#ifdef SYS_close_range
	if (syscall(SYS_close_range, first, last, 0U) == 0)
		return;
#endif
	for (long fd = first; fd <= last && fd < sysconf(_SC_OPEN_MAX); fd++)
		close((int)fd);
}

static void
jail_close(int keep_count)
{
	unsigned int keep = keep_count < 0 ? 0 : (unsigned int)keep_count;
	unsigned int log_fd = (unsigned int)log_descriptor();

	if (log_descriptor() < keep_count) {
		close_between(keep, ~0U);
		return;
	}
	close_between(keep, log_fd - 1);
	close_between(log_fd + 1, ~0U);
}

static bool
set_limit(int resource, uint64_t value, struct why *why)
{
	struct rlimit old, limit = { (rlim_t)value, (rlim_t)value };

	if (value == JAIL_UNLIMITED)
		return true;
	if (setrlimit((__rlimit_resource_t)resource, &limit) == 0)
		return true;
	/* A lower hard limit than wanted is as good. */
	if (getrlimit((__rlimit_resource_t)resource, &old) == 0 &&
	    old.rlim_max < limit.rlim_max)
		return true;
	return why_errno(why, "rlimit %d", resource);
}

static bool
log_is_file(void)
{
	struct stat st;

	return fstat(log_descriptor(), &st) == 0 && S_ISREG(st.st_mode);
}

static uint64_t
zero_is_unlimited(uint64_t value)
{
	return value == 0 ? JAIL_UNLIMITED : value;
}

/* RLIMIT_NOFILE comes last of all: see jail_enter. */
static bool
jail_limit(const struct jail *jail, bool is_root, struct why *why)
{
	uint64_t file_size = jail->file_size;
	bool ok;

	if (file_size != JAIL_UNLIMITED && log_is_file())
		file_size = JAIL_UNLIMITED;
	ok = set_limit(RLIMIT_CORE, 0, why) &&
	     set_limit(RLIMIT_CPU, zero_is_unlimited(jail->cpu), why) &&
	     set_limit(RLIMIT_FSIZE, file_size, why);
#ifndef WITH_SANITIZERS
	ok = ok && set_limit(RLIMIT_AS, zero_is_unlimited(jail->memory), why);
#endif
	return ok &&
	       (is_root || set_limit(RLIMIT_NPROC, jail->processes, why)) &&
	       set_limit(RLIMIT_NOFILE, jail->descriptors, why);
}

static bool
find_identity(const struct jail *jail, const struct settings *settings,
    const struct jail_request *request, struct identity *identity,
    struct why *why)
{
	struct account account;

	identity->uid = request->uid;
	identity->gid = request->gid;
	identity->user = request->user;
	if (geteuid() != 0 || jail->account == NULL)
		return true;
	if (account_find(settings, jail->account, &account)) {
		identity->uid = account.uid;
		identity->gid = account.gid;
		return true;
	}
	return why_set(why,
	    "jail %s: there is no account %s; \"mailctl init\" makes it",
	    jail->name, jail->account);
}

/* Each way back to root is tried; one that works is a failure. */
static bool
root_comes_back(gid_t gid)
{
	return setuid(0) == 0 || seteuid(0) == 0 || setreuid(0, 0) == 0 ||
	       setresuid(0, 0, 0) == 0 || setgid(0) == 0 || setegid(0) == 0 ||
	       setgroups(1, &gid) == 0;
}

static bool
prove_unprivileged(uid_t uid, gid_t gid, struct why *why)
{
	uid_t real, effective, saved;
	gid_t group_real, group_effective, group_saved;

	if (root_comes_back(gid))
		return why_set(why, "privileges came back");
	if (getresuid(&real, &effective, &saved) < 0 || real != uid ||
	    effective != uid || saved != uid)
		return why_set(why, "the user id is not %ld", (long)uid);
	if (getresgid(&group_real, &group_effective, &group_saved) < 0 ||
	    group_real != gid || group_effective != gid || group_saved != gid)
		return why_set(why, "the group id is not %ld", (long)gid);
	return true;
}

bool
jail_become(uid_t uid, gid_t gid, const char *user, struct why *why)
{
	if (geteuid() != 0)
		return true;
	if (uid == 0 || gid == 0)
		return why_set(why, "refused to run as root");
	if (user == NULL ? setgroups(0, NULL) < 0 : initgroups(user, gid) < 0)
		return why_errno(why, "groups");
	if (setresgid(gid, gid, gid) < 0)
		return why_errno(why, "setresgid");
	if (setresuid(uid, uid, uid) < 0)
		return why_errno(why, "setresuid");
	return prove_unprivileged(uid, gid, why);
}

static bool
jail_chroot(const struct jail *jail, const struct settings *settings,
    const struct jail_request *request, struct why *why)
{
	const char *root = request->root;

	if (root == NULL && jail->has_chroot)
		root = settings->empty_directory;
	if (root == NULL)
		return true;
	if (chroot(root) < 0 || chdir("/") < 0)
		return why_errno(why, "chroot %s", root);
	return true;
}

static bool
jail_seal(const struct jail *jail, bool dies_with_parent, int ruleset,
    struct why *why)
{
	if ((jail->dies_with_parent || dies_with_parent) &&
	    prctl(PR_SET_PDEATHSIG, SIGTERM, 0, 0, 0) < 0)
		return why_errno(why, "prctl");
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0 ||
	    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return why_errno(why, "prctl");
	return jail_landlock_enforce(ruleset, why) &&
	       jail_seccomp_enter(jail->calls, why);
}

/* What needs names or root comes first, what takes abilities away last. */
bool
jail_enter(const struct jail *jail, const struct settings *settings,
    const struct jail_request *request, struct why *why)
{
	struct identity identity;
	bool was_root = geteuid() == 0;
	int ruleset;

	/* For ps(1), and for the tests that compare live processes. */
	(void)prctl(PR_SET_NAME, jail->name, 0, 0, 0);
	jail_close(request->keep_count);
	if (!find_identity(jail, settings, request, &identity, why) ||
	    !jail_landlock_open(jail, request, &ruleset, why))
		return false;
	if ((was_root && !jail_chroot(jail, settings, request, why)) ||
	    (was_root &&
		!jail_become(identity.uid, identity.gid, identity.user, why)) ||
	    !jail_limit(jail, false, why) ||
	    !jail_seal(jail, request->dies_with_parent, ruleset, why))
		return why_context(why, "jail %s", jail->name);
	return true;
}
