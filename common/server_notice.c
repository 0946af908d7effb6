/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "common/server_notice.h"

#include <string.h>
#include <unistd.h>

bool
notice_send(int fd, enum notice_kind kind, const struct netaddr *peer)
{
	struct notice notice;

	if (fd < 0)
		return true;
	memset(&notice, 0, sizeof(notice));
	notice.magic = NOTICE_MAGIC;
	notice.kind = (uint32_t)kind;
	notice.pid = getpid();
	if (peer != NULL)
		notice.peer = *peer;
	return write(fd, &notice, sizeof(notice)) == (ssize_t)sizeof(notice);
}

bool
notice_receive(int fd, struct notice *notice)
{
	return read(fd, notice, sizeof(*notice)) == (ssize_t)sizeof(*notice) &&
	       notice->magic == NOTICE_MAGIC;
}
