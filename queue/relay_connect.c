/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "queue/relay_connect.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/io.h"

/* One of two connects under way. */
struct runner {
	const struct route_target *target;
	int fd;
	int error; /* why it fell out */
};

void
relay_remote_format(
    char text[RELAY_REMOTE_SIZE], const char *host, const struct netaddr *addr)
{
	char ip[NETADDR_TEXT_SIZE];

	if (addr->family == 0)
		snprintf(text, RELAY_REMOTE_SIZE, "%s", host);
	else
		snprintf(text, RELAY_REMOTE_SIZE, "%s[%s]:%u", host,
		    netaddr_format(addr, ip), (unsigned int)addr->port);
}

const struct route_target *
relay_connect_second(const struct route_mx *route, size_t at)
{
	const struct route_target *first = &route->targets[at];

	if (at + 1 >= route->count || first[1].addr.family == 0 ||
	    first[1].addr.family == first->addr.family ||
	    strcmp(first[1].host, first->host) != 0)
		return NULL;
	return &first[1];
}

uint8_t
relay_families_find(const struct relay_families *families, struct slice host)
{
	for (size_t i = 0; i < RELAY_FAMILIES; i++)
		if (families->known[i].family != 0 &&
		    slice_eq_nocase(slice_of(families->known[i].host), host))
			return families->known[i].family;
	return 0;
}

void
relay_families_learn(
    struct relay_families *families, const struct route_target *target)
{
	struct slice host = slice_of(target->host);
	size_t at = 0;

	if (target->addr.family == 0)
		return;
	while (at < RELAY_FAMILIES &&
	       !slice_eq_nocase(slice_of(families->known[at].host), host))
		at++;
	if (at == RELAY_FAMILIES) {
		at = families->next;
		families->next = (at + 1) % RELAY_FAMILIES;
		slice_to_array(host, families->known[at].host, DNS_NAME_SIZE);
	}
	families->known[at].family = target->addr.family;
}

static bool
bind_source(int fd, const struct netaddr *source)
{
	struct sockaddr_storage from;
	socklen_t length;

	if (source->family == 0)
		return true;
	length = netaddr_to_sockaddr(source, &from);
	return bind(fd, (const struct sockaddr *)&from, length) == 0;
}

/* False: it fell at the start. */
static bool
runner_start(struct runner *runner, const struct relay_way *way)
{
	const struct netaddr *to = &runner->target->addr;
	struct sockaddr_storage address;
	socklen_t length = netaddr_to_sockaddr(to, &address);

	runner->fd = socket(
	    address.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (runner->fd >= 0 &&
	    bind_source(
		runner->fd, to->family == 4 ? &way->bind4 : &way->bind6) &&
	    (connect(runner->fd, (const struct sockaddr *)&address, length) ==
		    0 ||
		errno == EINPROGRESS || errno == EINTR))
		return true;
	runner->error = errno;
	if (runner->fd >= 0)
		close(runner->fd);
	runner->fd = -1;
	return false;
}

/* It is writable, or has failed: which? */
static bool
runner_has_arrived(struct runner *runner)
{
	socklen_t size = sizeof(runner->error);

	if (getsockopt(
		runner->fd, SOL_SOCKET, SO_ERROR, &runner->error, &size) < 0)
		runner->error = errno;
	if (runner->error == 0)
		return true;
	close(runner->fd);
	runner->fd = -1;
	return false;
}

/* Until one arrives, all have fallen, or the time is over. */
static struct runner *
wait_for_any(struct runner *runners, size_t count, int64_t deadline)
{
	struct pollfd polled[2];
	int64_t left;

	for (;;) {
		bool has_runner = false;

		for (size_t i = 0; i < count; i++) {
			polled[i].fd = runners[i].fd;
			polled[i].events = POLLOUT;
			polled[i].revents = 0;
			has_runner |= runners[i].fd >= 0;
		}
		left = deadline - io_now();
		if (!has_runner || left <= 0)
			return NULL;
		if (poll(polled, (nfds_t)count, (int)left) < 0 &&
		    errno != EINTR)
			return NULL;
		for (size_t i = 0; i < count; i++)
			if (polled[i].revents != 0 && runners[i].fd >= 0 &&
			    runner_has_arrived(&runners[i]))
				return &runners[i];
	}
}

static void
runner_stop(struct runner *runner)
{
	if (runner->fd < 0)
		return;
	close(runner->fd);
	runner->fd = -1;
	runner->error = ETIMEDOUT;
}

int
relay_connect(const struct relay_way *way, int64_t deadline,
    const struct route_target **winner)
{
	struct runner runners[2] = { { way->first, -1, 0 },
		{ way->second, -1, 0 } };
	int64_t early = io_now() + RELAY_HEAD_START;
	struct runner *first = NULL;
	int fd = -1;

	if (way->second == NULL || early > deadline)
		early = deadline;
	if (runner_start(&runners[0], way))
		first = wait_for_any(runners, 1, early);
	if (first == NULL && way->second != NULL) {
		runner_start(&runners[1], way);
		first = wait_for_any(runners, 2, deadline);
	}
	*winner = first == NULL ? way->first : first->target;
	if (first != NULL) {
		fd = first->fd;
		first->fd = -1;
	}
	runner_stop(&runners[0]);
	runner_stop(&runners[1]);
	errno = fd < 0 ? runners[0].error : 0;
	return fd;
}
