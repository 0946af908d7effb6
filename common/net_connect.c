/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "common/net_connect.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/io.h"

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

static int
connect_socket(
    const struct sockaddr *to, socklen_t length, int type, int64_t deadline)
{
	int fd, error = 0;

	fd = socket(to->sa_family, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0 || connect(fd, to, length) < 0)
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

int
net_connect(const struct netaddr *addr, int type, int64_t deadline)
{
	struct sockaddr_storage to;
	socklen_t length = netaddr_to_sockaddr(addr, &to);

	return connect_socket(
	    (const struct sockaddr *)&to, length, type, deadline);
}

int
net_connect_unix(struct slice path, int64_t deadline)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };

	if (!slice_to_array(path, to.sun_path, sizeof(to.sun_path)) ||
	    path.len == 0) {
		errno = ENAMETOOLONG;
		return -1;
	}
	return connect_socket(
	    (const struct sockaddr *)&to, sizeof(to), SOCK_STREAM, deadline);
}
