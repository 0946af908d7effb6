/* SPDX-License-Identifier: ISC */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "common/mailctl/mailctl.h"

/* "mailq" where this program is. */
static bool
find_mailq(char path[], size_t size)
{
	const char name[] = "mailq";
	ssize_t n = readlink("/proc/self/exe", path, size - sizeof(name));
	char *slash;

	path[n > 0 ? n : 0] = '\0';
	slash = strrchr(path, '/');
	if (slash == NULL)
		return false;
	memcpy(slash + 1, name, sizeof(name));
	return true;
}

/* The spool is mailq's to read, with the rights of its owner and no more. */
int
verb_trace(struct mailctl *mailctl)
{
	char program[] = "mailq", option[] = "-c", verb[] = "trace";
	char path[1024];
	char *arguments[6] = { program, option, mailctl->settings->path, verb,
		NULL, NULL };

	if (mailctl->argc != 1)
		return mailctl_usage("trace ID | ADDRESS");
	arguments[4] = mailctl->argv[0];
	if (find_mailq(path, sizeof(path)))
		execv(path, arguments);
	fprintf(stderr, "mailctl: cannot run mailq: %s\n", strerror(errno));
	return EX_OSFILE;
}
