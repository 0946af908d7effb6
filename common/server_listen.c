/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "common/server_listen.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/io.h"
#include "common/log.h"

static bool
parse_address(struct slice text, struct netaddr *address)
{
	if (text.len >= 2 && text.ptr[0] == '[' &&
	    text.ptr[text.len - 1] == ']')
		text = slice_first(slice_from(text, 1), text.len - 2);
	return netaddr_parse(text, address);
}

bool
server_listen_parse(struct slice entry, const struct listener **listener,
    struct netaddr *address, struct why *why)
{
	struct slice name, rest, port;
	uint64_t number;
	size_t colon;

	memset(address, 0, sizeof(*address));
	slice_cut(entry, ':', &name, &rest);
	*listener = listener_find(name);
	if (*listener == NULL)
		return why_set(
		    why, "listen: \"%.*s\" is not a service", SLICE_FMT(name));
	number = (*listener)->port;
	if (rest.len > 0) {
		colon = slice_last_index(rest, ':');
		port = colon < rest.len ? slice_from(rest, colon + 1) : rest;
		if (!slice_u64(port, 65535, &number) || number == 0)
			return why_set(why, "listen: \"%.*s\" has no port",
			    SLICE_FMT(entry));
		if (colon < rest.len &&
		    !parse_address(slice_first(rest, colon), address))
			return why_set(why, "listen: \"%.*s\" has no address",
			    SLICE_FMT(entry));
	}
	address->port = (uint16_t)number;
	return true;
}

static bool
socket_take(struct server_sockets *old, struct server_socket *wanted)
{
	struct server_socket *s;

	for (size_t i = 0; old != NULL && i < old->count; i++) {
		s = &old->items[i];
		if (s->fd < 0 || s->listener != wanted->listener ||
		    s->address.port != wanted->address.port ||
		    s->address.family != wanted->address.family ||
		    memcmp(s->address.bytes, wanted->address.bytes,
			sizeof(s->address.bytes)) != 0)
			continue;
		wanted->fd = s->fd;
		s->fd = -1;
		return true;
	}
	return false;
}

static bool
socket_open(struct server_socket *s, struct why *why)
{
	struct sockaddr_storage address;
	socklen_t size = netaddr_to_sockaddr(&s->address, &address);
	char text[NETADDR_TEXT_SIZE];
	int on = 1;

	s->fd = socket(
	    address.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (s->fd < 0)
		return why_errno(why, "socket");
	(void)setsockopt(s->fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (s->address.family == 6)
		(void)setsockopt(
		    s->fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on));
	if (bind(s->fd, (const struct sockaddr *)&address, size) == 0 &&
	    listen(s->fd, SERVER_BACKLOG) == 0)
		return true;
	why_errno(why, "%s: %s port %u", s->listener->name,
	    netaddr_format(&s->address, text), s->address.port);
	close(s->fd);
	s->fd = -1;
	return false;
}

/* A host without a protocol family simply has no such address. */
static bool
is_missing_family(const struct why *why)
{
	return why->error == EAFNOSUPPORT || why->error == EADDRNOTAVAIL;
}

static bool
add_socket(struct server_sockets *old, struct server_sockets *out,
    const struct server_socket *wanted, bool is_optional)
{
	struct server_socket *s = &out->items[out->count];
	struct why why;

	if (out->count == SERVER_LISTENERS_MAX) {
		log_error("listen: too many entries");
		return false;
	}
	*s = *wanted;
	if (socket_take(old, s) || socket_open(s, &why)) {
		out->count++;
		return true;
	}
	if (is_optional && is_missing_family(&why))
		return true;
	log_error("%s", why.text);
	return false;
}

static bool
add_entry(struct server_sockets *old, struct server_sockets *out,
    const struct server_socket *wanted)
{
	struct server_socket s = *wanted;
	size_t before = out->count;
	bool ok;

	if (s.address.family != 0)
		return add_socket(old, out, &s, false);
	s.address.family = 6;
	ok = add_socket(old, out, &s, true);
	s.address.family = 4;
	ok = add_socket(old, out, &s, true) && ok;
	return ok && out->count > before;
}

static bool
add_listed(const struct settings *settings, struct server_sockets *old,
    struct server_sockets *out)
{
	struct server_socket wanted = { .fd = -1 };
	struct why why;
	bool ok = true;

	for (size_t i = 0; i < settings->listen.count; i++) {
		if (server_listen_parse(slice_of(settings->listen.items[i]),
			&wanted.listener, &wanted.address, &why)) {
			ok = add_entry(old, out, &wanted) && ok;
			continue;
		}
		log_error("%s", why.text);
		ok = false;
	}
	return ok;
}

bool
server_listen_open(const struct settings *settings, struct server_sockets *old,
    struct server_sockets *out)
{
	struct server_socket wanted = { .fd = -1 };
	bool ok = true;

	out->count = 0;
	if (settings->listen.count > 0)
		return add_listed(settings, old, out);
	for (const struct listener *l = listener_table; l->name != NULL; l++) {
		/* Only where it is named. */
		if (l->kind == LISTENER_LMTP)
			continue;
		wanted.listener = l;
		wanted.address.port = l->port;
		ok = add_entry(old, out, &wanted) && ok;
	}
	return ok;
}

void
server_listen_take(
    const struct listener *listener, int fd, struct server_sockets *out)
{
	struct server_socket *s = &out->items[0];

	*s = (struct server_socket){ .listener = listener, .fd = fd };
	netaddr_of_socket(&s->address, fd);
	io_set_nonblocking(fd, true);
	/* inetd's own backlog is a short one. */
	(void)listen(fd, SERVER_BACKLOG);
	out->count = 1;
}

void
server_listen_close(struct server_sockets *sockets)
{
	for (size_t i = 0; i < sockets->count; i++)
		if (sockets->items[i].fd >= 0)
			close(sockets->items[i].fd);
	sockets->count = 0;
}
