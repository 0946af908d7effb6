/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "queue/relay_connect.h"

#include <errno.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/io.h"

void
relay_remote_format(
    char text[RELAY_REMOTE_SIZE], const char *host, const struct netaddr *addr)
{
	char ip[NETADDR_TEXT_SIZE];

	snprintf(text, RELAY_REMOTE_SIZE, "%s[%s]:%u", host,
	    netaddr_format(addr, ip), (unsigned int)addr->port);
}

/* errno of a connect that was under way, 0 when it went well. */
static int
connect_result(int fd, int64_t deadline)
{
	int error = 0;
	socklen_t size = sizeof(error);
	enum io_status status = io_wait_writable(fd, deadline);

	if (status == IO_TIMEOUT)
		return ETIMEDOUT;
	if (status != IO_OK ||
	    getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) < 0)
		return errno;
	return error;
}

int
relay_connect(const struct netaddr *addr, int type, int64_t deadline)
{
	struct sockaddr_storage to;
	socklen_t length = netaddr_to_sockaddr(addr, &to);
	int fd, error = 0;

	fd = socket(addr->family == 6 ? AF_INET6 : AF_INET,
	    type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0 || connect(fd, (const struct sockaddr *)&to, length) < 0)
		error = errno;
	if (fd >= 0 && (error == EINPROGRESS || error == EINTR))
		error = connect_result(fd, deadline);
	if (error == 0)
		return fd;
	if (fd >= 0)
		close(fd);
	errno = error;
	return -1;
}
