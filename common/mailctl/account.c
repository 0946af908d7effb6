/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "common/mailctl/account.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/fsutil.h"

/* One uid for each thing that must not touch another (design section 3). */
const struct account account_table[] = {
	{ "_mpsmtp", "Merpati SMTP sessions" },
	{ "_mpverify", "Merpati opinions on mail" },
	{ "_mpqueue", "Merpati queue" },
	{ "_mprelay", "Merpati outgoing mail" },
	{ "_mpsign", "Merpati signing keys" },
	{ "_mplogin", "Merpati POP3 and IMAP before login" },
	{ "_mptls", "Merpati TLS" },
	{ "_mpauth", "Merpati passwords" },
	{ "_mpmail", "Merpati mail of virtual users" },
	{ NULL, NULL },
};

bool
account_exists(const char *name)
{
	return getpwnam(name) != NULL;
}

static const char *
find_program(const char *const paths[])
{
	for (; *paths != NULL; paths++)
		if (access(*paths, X_OK) == 0)
			return *paths;
	return NULL;
}

bool
account_run(const char *const argv[], struct why *why)
{
	char *arguments[24] = { NULL };
	int status;
	pid_t pid;

	for (size_t i = 0; i < 23 && argv[i] != NULL; i++) {
		arguments[i] = strdup(argv[i]);
		if (arguments[i] == NULL)
			return why_errno(why, "%s", argv[0]);
	}
	pid = fork();
	if (pid == 0) {
		execv(arguments[0], arguments);
		_exit(127);
	}
	for (size_t i = 0; arguments[i] != NULL; i++)
		free(arguments[i]);
	if (pid < 0)
		return why_errno(why, "fork");
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return why_errno(why, "%s", argv[0]);
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
		return why_set(why, "%s %s failed", argv[0], argv[1]);
	return true;
}

bool
account_create(const struct account *account, struct why *why)
{
	static const char *const places[] = { "/usr/sbin/useradd",
		"/sbin/useradd", "/usr/bin/useradd", NULL };
	const char *useradd = find_program(places);
	bool has_group = getgrnam(account->name) != NULL;
	const char *argv[] = { useradd, "--system", "--no-create-home",
		"--home-dir", "/nonexistent", "--shell", "/usr/sbin/nologin",
		"--comment", account->purpose,
		has_group ? "--gid" : "--user-group",
		has_group ? account->name : "--", account->name, NULL };

	if (useradd == NULL)
		return why_set(why,
		    "there is no useradd: make the system account %s, with a"
		    " group of the same name, by hand",
		    account->name);
	if (!account_run(argv, why))
		return why_context(why, "account %s", account->name);
	return true;
}

static uid_t
uid_of(const char *name)
{
	struct passwd *entry = name == NULL ? NULL : getpwnam(name);

	return entry == NULL ? 0 : entry->pw_uid;
}

static gid_t
gid_of(const char *name)
{
	struct group *entry = name == NULL ? NULL : getgrnam(name);

	return entry == NULL ? 0 : entry->gr_gid;
}

static bool
set_owner(int fd, const struct ownership *item)
{
	struct stat status;
	uid_t uid = uid_of(item->user);
	gid_t gid = gid_of(item->group);

	if (fstat(fd, &status) < 0)
		return false;
	if (geteuid() == 0 && (status.st_uid != uid || status.st_gid != gid) &&
	    fchown(fd, uid, gid) < 0)
		return false;
	return fchmod(fd, item->mode) == 0;
}

bool
ownership_apply(const struct ownership *item, struct why *why)
{
	int kind = item->is_directory ? O_DIRECTORY : O_NONBLOCK;
	bool ok;
	int fd;

	if (item->is_directory && !fs_make_directories(item->path, 0755, why))
		return false;
	fd = open(item->path, O_RDONLY | O_CLOEXEC | kind);
	if (fd < 0)
		return (item->is_optional && errno == ENOENT) ||
		       why_errno(why, "%s", item->path);
	ok = set_owner(fd, item);
	if (!ok)
		why_errno(why, "%s: owner and mode", item->path);
	close(fd);
	return ok;
}

bool
ownership_check(const struct ownership *item, struct why *why)
{
	struct stat status;

	if (stat(item->path, &status) < 0)
		return (item->is_optional && errno == ENOENT) ||
		       why_errno(why, "%s", item->path);
	if (S_ISDIR(status.st_mode) != item->is_directory)
		return why_set(why, "%s: %s a directory", item->path,
		    item->is_directory ? "not" : "is");
	if ((status.st_mode & 07777) != item->mode)
		return why_set(why, "%s: mode %04o, not %04o", item->path,
		    (unsigned int)(status.st_mode & 07777),
		    (unsigned int)item->mode);
	if (geteuid() != 0)
		return true;
	if (status.st_uid != uid_of(item->user) ||
	    status.st_gid != gid_of(item->group))
		return why_set(why, "%s: does not belong to %s:%s", item->path,
		    item->user == NULL ? "root" : item->user,
		    item->group == NULL ? "root" : item->group);
	return true;
}

/* Whoever writes it, and whoever looks: the same. */
static struct ownership
users_ownership(const char *path)
{
	return (struct ownership){ path, "_mpauth", "_mpqueue",
		geteuid() == 0 ? 0440 : 0600, false, true };
}

void
ownership_table(
    const struct settings *settings, struct ownership rows[OWNERSHIP_ROWS])
{
	const char *owner = settings->virtual_user;
	bool is_root = geteuid() == 0;
	mode_t secret = is_root ? 0640 : 0600;
	const struct ownership all[] = {
		{ settings->state_directory, NULL, NULL, 0755, true, false },
		{ settings->empty_directory, NULL, NULL, 0755, true, false },
		{ settings->virtual_home, owner, owner, 0711, true, false },
		users_ownership(settings->users),
		{ settings->app_passwords, NULL, NULL, 0600, false, true },
		{ settings->client_certs, NULL, NULL, 0644, false, true },
		{ settings->relay_map, NULL, "_mpqueue", secret, false, true },
		{ settings->route_map, NULL, NULL, 0644, false, true },
		{ settings->sender_route_map, NULL, NULL, 0644, false, true },
		{ settings->tls_policy_map, NULL, NULL, 0644, false, true },
		{ settings->destination_map, NULL, NULL, 0644, false, true },
		{ settings->virtual_aliases, NULL, NULL, 0644, false, true },
		{ settings->aliases, NULL, NULL, 0644, false, true },
		{ settings->path, NULL, NULL, 0644, false, true },
		{ .path = NULL },
	};
	size_t count = 0;

	for (const struct ownership *item = all; item->path != NULL; item++)
		if (item->path[0] != '\0')
			rows[count++] = *item;
	rows[count] = (struct ownership){ .path = NULL };
}

bool
account_replace_users(const char *path, struct slice text, struct why *why)
{
	const struct ownership item = users_ownership(path);
	gid_t saved = getegid();
	bool ok;

	/* The new file has the group before it has the name. */
	if (geteuid() == 0 && setegid(gid_of("_mpqueue")) < 0)
		return why_errno(why, "setegid");
	ok = fs_replace(AT_FDCWD, path, text, item.mode, why);
	if (geteuid() == 0 && setegid(saved) < 0)
		return why_errno(why, "setegid");
	return ok && ownership_apply(&item, why);
}
