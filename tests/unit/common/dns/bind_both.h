/* SPDX-License-Identifier: ISC */
/*
 * bind_both - a name server's port: one number that UDP and TCP have free.
 */
#ifndef TESTS_UNIT_COMMON_DNS_BIND_BOTH_H
#define TESTS_UNIT_COMMON_DNS_BIND_BOTH_H

#include <netinet/in.h>
#include <stdint.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/unit/unit.h"

static inline int
bind_socket(int type, uint16_t *port)
{
	struct sockaddr_in own = { .sin_family = AF_INET,
		.sin_port = htons(*port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t size = sizeof(own);
	int fd = socket(AF_INET, type | SOCK_CLOEXEC, 0);

	if (fd < 0 || bind(fd, (struct sockaddr *)&own, sizeof(own)) < 0 ||
	    getsockname(fd, (struct sockaddr *)&own, &size) < 0) {
		if (fd >= 0)
			close(fd);
		return -1;
	}
	*port = ntohs(own.sin_port);
	return fd;
}

static inline uint16_t
bind_both(int *udp, int *tcp)
{
	uint16_t port;

	do {
		port = 0;
		*udp = bind_socket(SOCK_DGRAM, &port);
		assert_true(*udp >= 0);
		*tcp = bind_socket(SOCK_STREAM, &port);
		if (*tcp < 0)
			close(*udp);
	} while (*tcp < 0);
	return port;
}

#endif
