/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "common/io.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

int64_t
io_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int64_t
io_deadline(unsigned int seconds)
{
	return io_now() + (int64_t)seconds * 1000;
}

static enum io_status
io_wait(int fd, short events, int64_t deadline)
{
	struct pollfd poller = { .fd = fd, .events = events };
	int64_t left;
	int timeout, n;

	for (;;) {
		timeout = -1;
		if (deadline != IO_FOREVER) {
			left = deadline - io_now();
			if (left < 0)
				left = 0;
			timeout = left > INT_MAX ? INT_MAX : (int)left;
		}
		n = poll(&poller, 1, timeout);
		if (n > 0)
			return IO_OK;
		if (n == 0)
			return IO_TIMEOUT;
		if (errno != EINTR)
			return IO_ERROR;
	}
}

enum io_status
io_wait_readable(int fd, int64_t deadline)
{
	return io_wait(fd, POLLIN, deadline);
}

enum io_status
io_wait_writable(int fd, int64_t deadline)
{
	return io_wait(fd, POLLOUT, deadline);
}

enum io_status
io_read_some(int fd, void *bytes, size_t size, size_t *got, int64_t deadline)
{
	enum io_status status;
	ssize_t n;

	*got = 0;
	for (;;) {
		status = io_wait(fd, POLLIN, deadline);
		if (status != IO_OK)
			return status;
		n = read(fd, bytes, size);
		if (n > 0) {
			*got = (size_t)n;
			return IO_OK;
		}
		if (n == 0)
			return IO_EOF;
		if (errno != EINTR && errno != EAGAIN)
			return IO_ERROR;
	}
}

enum io_status
io_read_all(int fd, void *bytes, size_t size, int64_t deadline)
{
	enum io_status status;
	size_t done = 0, got;

	while (done < size) {
		status = io_read_some(
		    fd, (char *)bytes + done, size - done, &got, deadline);
		if (status == IO_EOF && done > 0) {
			errno = EPROTO;
			return IO_ERROR;
		}
		if (status != IO_OK)
			return status;
		done += got;
	}
	return IO_OK;
}

/* Write first, poll only when the descriptor is full: replies to a healthy
 * peer cost one system call. */
enum io_status
io_write_all(int fd, struct slice s, int64_t deadline)
{
	enum io_status status;
	ssize_t n;

	while (s.len > 0) {
		n = write(fd, s.ptr, s.len);
		if (n > 0) {
			s = slice_from(s, (size_t)n);
			continue;
		}
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EPIPE)
			return IO_EOF;
		if (n < 0 && errno != EAGAIN)
			return IO_ERROR;
		status = io_wait(fd, POLLOUT, deadline);
		if (status != IO_OK)
			return status;
	}
	return IO_OK;
}

bool
io_set_nonblocking(int fd, bool on)
{
	int flags = fcntl(fd, F_GETFL);

	if (flags < 0)
		return false;
	flags = on ? flags | O_NONBLOCK : flags & ~O_NONBLOCK;
	return fcntl(fd, F_SETFL, flags) == 0;
}

bool
io_set_cloexec(int fd, bool on)
{
	return fcntl(fd, F_SETFD, on ? FD_CLOEXEC : 0) == 0;
}

void
io_set_nodelay(int fd)
{
	int on = 1;

	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
}

const char *
io_status_text(enum io_status status)
{
	static const char *const texts[] = { "ok", "connection closed",
		"timeout", "input/output error" };

	return texts[status];
}
