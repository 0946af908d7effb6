/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "common/verify_state.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/account.h"
#include "common/jail.h"
#include "common/log.h"

/* state_directory is root's own, so no name below it can be swapped. */
bool
verify_state_make(const struct settings *settings, char *path, size_t size)
{
	struct account account;
	int fd = -1;

	if ((size_t)snprintf(
		path, size, "%s/verify", settings->state_directory) >= size)
		return false;
	if (mkdir(path, 0700) == 0)
		fd =
		    open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return true;
	if (geteuid() == 0 &&
	    account_find(settings, jail_find("verify")->account, &account) &&
	    fchown(fd, account.uid, account.gid) < 0)
		log_error("%s: chown: %s", path, strerror(errno));
	close(fd);
	return true;
}
