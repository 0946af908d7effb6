/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "common/jail_landlock.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "common/log.h"

/* The kernel's interface, all versions; its header may be older. The numbers
 * are the same on every architecture. */
#define CALL_CREATE_RULESET 444
#define CALL_ADD_RULE       445
#define CALL_RESTRICT_SELF  446

#define CREATE_RULESET_VERSION 1U
#define RULE_PATH_BENEATH      1
#define RULE_NET_PORT          2

struct landlock_ruleset {
	uint64_t handled_fs;
	uint64_t handled_net;
	uint64_t scoped;
};

struct landlock_beneath {
	uint64_t allowed;
	int32_t parent;
} __attribute__((packed));

struct landlock_port {
	uint64_t allowed;
	uint64_t port;
};

#define FS_EXECUTE    (1ULL << 0)
#define FS_WRITE_FILE (1ULL << 1)
#define FS_READ_FILE  (1ULL << 2)
#define FS_READ_DIR   (1ULL << 3)
#define FS_REFER      (1ULL << 13)
#define FS_TRUNCATE   (1ULL << 14)
#define FS_IOCTL_DEV  (1ULL << 15)
#define FS_FIRST      ((1ULL << 13) - 1)

#define FS_OF_FILES                                                            \
	(FS_EXECUTE | FS_WRITE_FILE | FS_READ_FILE | FS_TRUNCATE | FS_IOCTL_DEV)

#define NET_BIND_TCP    (1ULL << 0)
#define NET_CONNECT_TCP (1ULL << 1)

#define SCOPE_UNIX   (1ULL << 0)
#define SCOPE_SIGNAL (1ULL << 1)

/* The kernel's version of the interface, 0 for none. */
static int
landlock_version(void)
{
	long version =
	    syscall(CALL_CREATE_RULESET, NULL, 0, CREATE_RULESET_VERSION);

	return version < 0 ? 0 : (int)version;
}

static uint64_t
landlock_fs(int version)
{
	uint64_t rights = FS_FIRST;

	if (version >= 2)
		rights |= FS_REFER;
	if (version >= 3)
		rights |= FS_TRUNCATE;
	if (version >= 5)
		rights |= FS_IOCTL_DEV;
	return rights;
}

static uint64_t
landlock_net(enum jail_calls calls)
{
	switch (calls) {
	case JAIL_CALLS_ANY:
		return 0;
	case JAIL_CALLS_CLIENT:
	case JAIL_CALLS_ADVISER:
	case JAIL_CALLS_SPAWNER:
		return NET_BIND_TCP;
	case JAIL_CALLS_PUMP:
	case JAIL_CALLS_READER:
	case JAIL_CALLS_FILER:
	case JAIL_CALLS_MANAGER:
		return NET_BIND_TCP | NET_CONNECT_TCP;
	}
	return 0;
}

static bool
may_signal(enum jail_calls calls)
{
	return calls == JAIL_CALLS_ANY || calls == JAIL_CALLS_MANAGER ||
	       calls == JAIL_CALLS_SPAWNER;
}

static int
landlock_create(const struct jail *jail, int version)
{
	struct landlock_ruleset rules = { 0, 0, 0 };
	size_t size = sizeof(rules.handled_fs);

	rules.handled_fs = landlock_fs(version);
	if (version >= 4) {
		rules.handled_net = landlock_net(jail->calls);
		size += sizeof(rules.handled_net);
	}
	if (version >= 6) {
		rules.scoped = SCOPE_UNIX;
		if (!may_signal(jail->calls))
			rules.scoped |= SCOPE_SIGNAL;
		size += sizeof(rules.scoped);
	}
	return (int)syscall(CALL_CREATE_RULESET, &rules, size, 0);
}

/* A client may choose its address (bind=), never its port; that nobody
 * listens is the system call filter's work. */
static bool
landlock_allow_source(int ruleset, const struct jail *jail, struct why *why)
{
	const struct landlock_port any = { NET_BIND_TCP, 0 };

	return jail->calls != JAIL_CALLS_CLIENT || landlock_version() < 4 ||
	       syscall(CALL_ADD_RULE, ruleset, RULE_NET_PORT, &any, 0) == 0 ||
	       why_errno(why, "Landlock: allow a source address");
}

static bool
landlock_allow(int ruleset, const char *path, uint64_t rights, struct why *why)
{
	struct landlock_beneath rule = { .allowed = rights };
	struct stat st;
	bool ok;

	rule.parent = open(path, O_PATH | O_CLOEXEC);
	if (rule.parent < 0)
		return errno == ENOENT ||
		       why_errno(why, "Landlock: open %s", path);
	if (fstat(rule.parent, &st) == 0 && !S_ISDIR(st.st_mode))
		rule.allowed &= FS_OF_FILES;
	ok =
	    syscall(CALL_ADD_RULE, ruleset, RULE_PATH_BENEATH, &rule, 0) == 0 ||
	    why_errno(why, "Landlock: allow %s", path);
	close(rule.parent);
	return ok;
}

static bool
landlock_allow_all(
    int ruleset, const char *const *paths, uint64_t rights, struct why *why)
{
	for (; paths != NULL && *paths != NULL; paths++)
		if (!landlock_allow(ruleset, *paths, rights, why))
			return false;
	return true;
}

bool
jail_landlock_open(const struct jail *jail, const struct jail_request *request,
    int *fd, struct why *why)
{
	uint64_t all, reading;
	int version;

	*fd = -1;
	if (jail->paths == JAIL_PATHS_ANY)
		return true;
	version = landlock_version();
	/* The first version forbids every rename into another directory. */
	if (version == 0 ||
	    (version == 1 && jail->paths == JAIL_PATHS_LISTED)) {
		log_debug("jail %s: no Landlock in this kernel", jail->name);
		return true;
	}
	*fd = landlock_create(jail, version);
	if (*fd < 0)
		return why_errno(why, "Landlock: create rules");
	if (!landlock_allow_source(*fd, jail, why))
		return false;
	if (jail->paths == JAIL_PATHS_NONE)
		return true;
	all = landlock_fs(version) & ~FS_EXECUTE;
	reading = FS_READ_FILE | FS_READ_DIR;
	if (jail->calls == JAIL_CALLS_SPAWNER)
		reading |= FS_EXECUTE;
	if (landlock_allow_all(*fd, request->paths, all, why) &&
	    landlock_allow_all(*fd, request->read_paths, reading, why))
		return true;
	close(*fd);
	*fd = -1;
	return false;
}

bool
jail_landlock_enforce(int fd, struct why *why)
{
	bool ok = true;

	if (fd < 0)
		return true;
	if (syscall(CALL_RESTRICT_SELF, fd, 0) < 0)
		ok = why_errno(why, "Landlock: enforce");
	close(fd);
	return ok;
}
