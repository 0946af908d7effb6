/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "common/passing.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "common/result.h"

union passing_rights {
	struct cmsghdr align;
	char bytes[CMSG_SPACE(PASSING_MAX * sizeof(int))];
};

ssize_t
passing_send_some(
    int fd, struct slice bytes, const int *descriptors, size_t count)
{
	union {
		const char *from;
		char *to;
	} base = { .from = bytes.ptr };
	union passing_rights rights = { .bytes = { 0 } };
	struct iovec vector = { .iov_base = base.to, .iov_len = bytes.len };
	struct msghdr header = { .msg_iov = &vector, .msg_iovlen = 1 };
	struct cmsghdr *first;
	ssize_t n;

	if (count > 0) {
		header.msg_control = rights.bytes;
		header.msg_controllen = CMSG_SPACE(count * sizeof(int));
		first = CMSG_FIRSTHDR(&header);
		BUG_UNLESS(first != NULL && count <= PASSING_MAX);
		first->cmsg_level = SOL_SOCKET;
		first->cmsg_type = SCM_RIGHTS;
		first->cmsg_len = CMSG_LEN(count * sizeof(int));
		memcpy(CMSG_DATA(first), descriptors, count * sizeof(int));
	}
	do
		n = sendmsg(fd, &header, MSG_NOSIGNAL);
	while (n < 0 && errno == EINTR);
	return n;
}

bool
passing_send(int fd, struct slice bytes, const int *descriptors, size_t count)
{
	return passing_send_some(fd, bytes, descriptors, count) ==
	       (ssize_t)bytes.len;
}

/* Descriptors beyond the room are closed by the kernel (MSG_CTRUNC). */
static void
take_rights(struct msghdr *header, int *descriptors)
{
	struct cmsghdr *rights = CMSG_FIRSTHDR(header);

	for (size_t i = 0; i < PASSING_MAX; i++)
		descriptors[i] = -1;
	if (rights == NULL || rights->cmsg_level != SOL_SOCKET ||
	    rights->cmsg_type != SCM_RIGHTS)
		return;
	memcpy(descriptors, CMSG_DATA(rights),
	    (size_t)rights->cmsg_len - CMSG_LEN(0));
}

void
passing_close(int *descriptors)
{
	for (size_t i = 0; i < PASSING_MAX; i++) {
		if (descriptors[i] >= 0)
			close(descriptors[i]);
		descriptors[i] = -1;
	}
}

enum io_status
passing_receive_some(
    int fd, void *bytes, size_t *size, int *descriptors, int64_t deadline)
{
	union passing_rights rights = { .bytes = { 0 } };
	struct iovec vector = { .iov_base = bytes, .iov_len = *size };
	struct msghdr header = { .msg_iov = &vector,
		.msg_iovlen = 1,
		.msg_control = rights.bytes,
		.msg_controllen = sizeof(rights.bytes) };
	enum io_status status;
	ssize_t n;

	for (size_t i = 0; i < PASSING_MAX; i++)
		descriptors[i] = -1;
	do {
		status = io_wait_readable(fd, deadline);
		if (status != IO_OK)
			return status;
		n = recvmsg(fd, &header, MSG_CMSG_CLOEXEC);
	} while (n < 0 && (errno == EINTR || errno == EAGAIN));
	if (n <= 0)
		return n < 0 ? IO_ERROR : IO_EOF;
	take_rights(&header, descriptors);
	*size = (size_t)n;
	if ((header.msg_flags & MSG_TRUNC) == 0)
		return IO_OK;
	passing_close(descriptors);
	errno = EPROTO;
	return IO_ERROR;
}

enum io_status
passing_receive(
    int fd, void *bytes, size_t size, int *descriptors, int64_t deadline)
{
	enum io_status status;
	size_t got = size;

	status = passing_receive_some(fd, bytes, &got, descriptors, deadline);
	if (status != IO_OK || got == size)
		return status;
	passing_close(descriptors);
	errno = EPROTO;
	return IO_ERROR;
}
