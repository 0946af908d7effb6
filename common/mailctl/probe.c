/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "common/mailctl/probe.h"

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "common/mailctl/check.h"

bool
probe_open(struct probe *probe, const struct netaddr *from,
    const struct netaddr *to, struct why *why)
{
	const struct timeval limit = { .tv_sec = PROBE_SECONDS };
	struct sockaddr_storage address;
	socklen_t length = netaddr_to_sockaddr(to, &address);

	probe->used = 0;
	probe->reply[0] = '\0';
	probe->fd = socket(address.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (probe->fd < 0)
		return why_errno(why, "socket");
	setsockopt(probe->fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	setsockopt(probe->fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
	if (from != NULL) {
		struct sockaddr_storage own;
		socklen_t own_length = netaddr_to_sockaddr(from, &own);

		if (bind(probe->fd, (const struct sockaddr *)&own, own_length) <
		    0)
			why_errno(why, "bind");
		else
			from = NULL;
	}
	if (from == NULL &&
	    connect(probe->fd, (const struct sockaddr *)&address, length) == 0)
		return true;
	if (from == NULL)
		why_errno(why, "connect");
	probe_close(probe);
	return false;
}

static void
keep_reply(struct probe *probe, struct slice line)
{
	size_t n = 0;

	for (size_t i = 0; i < line.len && n + 1 < sizeof(probe->reply); i++)
		probe->reply[n++] =
		    ascii_is_print(line.ptr[i]) ? line.ptr[i] : '?';
	probe->reply[n] = '\0';
}

bool
probe_read_line(struct probe *probe, struct why *why)
{
	struct slice have, line, rest;
	ssize_t n;

	for (;;) {
		have = slice_make(probe->bytes, probe->used);
		if (slice_cut(have, '\n', &line, &rest))
			break;
		if (probe->used == sizeof(probe->bytes))
			return why_set(why, "a line without end");
		n = recv(probe->fd, probe->bytes + probe->used,
		    sizeof(probe->bytes) - probe->used, 0);
		if (n < 0)
			return why_errno(why, "no answer");
		if (n == 0)
			return why_set(why, "closed without an answer");
		probe->used += (size_t)n;
	}
	keep_reply(probe, slice_trim(line));
	memmove(probe->bytes, rest.ptr, rest.len);
	probe->used = rest.len;
	return true;
}

int
probe_smtp(struct probe *probe, const char *line, struct why *why)
{
	char text[512];
	int length;

	if (line != NULL) {
		length = snprintf(text, sizeof(text), "%s\r\n", line);
		if (length < 0 || (size_t)length >= sizeof(text) ||
		    send(probe->fd, text, (size_t)length, MSG_NOSIGNAL) !=
			length) {
			why_errno(why, "send");
			return 0;
		}
	}
	do {
		if (!probe_read_line(probe, why))
			return 0;
	} while (strlen(probe->reply) > 3 && probe->reply[3] == '-');
	for (int i = 0; i < 3; i++)
		if (!ascii_is_digit(probe->reply[i])) {
			why_set(why, "not SMTP: %s", probe->reply);
			return 0;
		}
	return (probe->reply[0] - '0') * 100 + (probe->reply[1] - '0') * 10 +
	       (probe->reply[2] - '0');
}

void
probe_close(struct probe *probe)
{
	if (probe->fd >= 0)
		close(probe->fd);
	probe->fd = -1;
}
