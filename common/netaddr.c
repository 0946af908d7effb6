/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "common/netaddr.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

static const uint8_t mapped_prefix[12] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff,
	0xff };

static void
netaddr_from_ipv6(struct netaddr *out, const struct sockaddr_in6 *from)
{
	const uint8_t *bytes = from->sin6_addr.s6_addr;

	out->port = ntohs(from->sin6_port);
	if (memcmp(bytes, mapped_prefix, sizeof(mapped_prefix)) == 0) {
		out->family = 4;
		memcpy(out->bytes, bytes + sizeof(mapped_prefix), 4);
	} else {
		out->family = 6;
		memcpy(out->bytes, bytes, 16);
	}
}

void
netaddr_from_sockaddr(
    struct netaddr *out, const struct sockaddr *from, socklen_t len)
{
	struct sockaddr_in ipv4;
	struct sockaddr_in6 ipv6;

	memset(out, 0, sizeof(*out));
	if (from->sa_family == AF_INET && len >= sizeof(ipv4)) {
		memcpy(&ipv4, from, sizeof(ipv4));
		out->family = 4;
		out->port = ntohs(ipv4.sin_port);
		memcpy(out->bytes, &ipv4.sin_addr, 4);
	} else if (from->sa_family == AF_INET6 && len >= sizeof(ipv6)) {
		memcpy(&ipv6, from, sizeof(ipv6));
		netaddr_from_ipv6(out, &ipv6);
	}
}

typedef int name_fn(int fd, struct sockaddr *address, socklen_t *len);

static void
netaddr_of(struct netaddr *out, int fd, name_fn *get_name)
{
	struct sockaddr_storage storage;
	socklen_t len = sizeof(storage);

	memset(out, 0, sizeof(*out));
	if (get_name(fd, (struct sockaddr *)&storage, &len) == 0)
		netaddr_from_sockaddr(
		    out, (const struct sockaddr *)&storage, len);
}

void
netaddr_of_peer(struct netaddr *out, int fd)
{
	netaddr_of(out, fd, getpeername);
}

void
netaddr_of_socket(struct netaddr *out, int fd)
{
	netaddr_of(out, fd, getsockname);
}

socklen_t
netaddr_to_sockaddr(const struct netaddr *addr, struct sockaddr_storage *out)
{
	struct sockaddr_in ipv4 = { .sin_family = AF_INET,
		.sin_port = htons(addr->port) };
	struct sockaddr_in6 ipv6 = { .sin6_family = AF_INET6,
		.sin6_port = htons(addr->port) };

	memset(out, 0, sizeof(*out));
	if (addr->family == 4) {
		memcpy(&ipv4.sin_addr, addr->bytes, 4);
		memcpy(out, &ipv4, sizeof(ipv4));
		return sizeof(ipv4);
	}
	memcpy(&ipv6.sin6_addr, addr->bytes, 16);
	memcpy(out, &ipv6, sizeof(ipv6));
	return sizeof(ipv6);
}

const char *
netaddr_format(const struct netaddr *addr, char text[NETADDR_TEXT_SIZE])
{
	int family = addr->family == 4 ? AF_INET : AF_INET6;

	if (addr->family == 0 ||
	    inet_ntop(family, addr->bytes, text, NETADDR_TEXT_SIZE) == NULL)
		snprintf(text, NETADDR_TEXT_SIZE, "unknown");
	return text;
}

const char *
netaddr_format_literal(const struct netaddr *addr, char text[NETADDR_TEXT_SIZE])
{
	char plain[NETADDR_TEXT_SIZE];

	netaddr_format(addr, plain);
	snprintf(text, NETADDR_TEXT_SIZE, "[%s%.50s]",
	    addr->family == 6 ? "IPv6:" : "", plain);
	return text;
}

bool
netaddr_parse(struct slice text, struct netaddr *out)
{
	char array[NETADDR_TEXT_SIZE];
	struct sockaddr_in6 ipv6 = { .sin6_family = AF_INET6 };

	memset(out, 0, sizeof(*out));
	if (!slice_to_array(text, array, sizeof(array)))
		return false;
	if (inet_pton(AF_INET, array, out->bytes) == 1) {
		out->family = 4;
		return true;
	}
	if (inet_pton(AF_INET6, array, &ipv6.sin6_addr) != 1)
		return false;
	netaddr_from_ipv6(out, &ipv6);
	return true;
}

/* Are the first bits of both equal? */
static bool
bits_match(const uint8_t *a, const uint8_t *b, unsigned int bits)
{
	unsigned int whole = bits / 8, rest = bits % 8;
	unsigned int mask = 0xffu << (8 - rest) & 0xffu;

	return memcmp(a, b, whole) == 0 &&
	       (rest == 0 || (a[whole] & mask) == (b[whole] & mask));
}

static bool
host_bits_are_zero(const struct network *network)
{
	unsigned int size = network->base.family == 4 ? 32 : 128;

	for (unsigned int bit = network->bits; bit < size; bit++)
		if (network->base.bytes[bit / 8] & (0x80u >> (bit % 8)))
			return false;
	return true;
}

bool
network_parse(struct slice text, struct network *out)
{
	struct slice address, length;
	uint64_t bits;
	bool has_length = slice_cut(text, '/', &address, &length);
	unsigned int size;

	if (!netaddr_parse(address, &out->base))
		return false;
	size = out->base.family == 4 ? 32 : 128;
	out->bits = (uint8_t)size;
	if (has_length) {
		if (!slice_u64(length, size, &bits))
			return false;
		out->bits = (uint8_t)bits;
	}
	return host_bits_are_zero(out);
}

bool
network_contains(const struct network *network, const struct netaddr *addr)
{
	return addr->family != 0 && network->base.family == addr->family &&
	       bits_match(network->base.bytes, addr->bytes, network->bits);
}

bool
netaddr_is_same_prefix(
    const struct netaddr *a, const struct netaddr *b, size_t bytes)
{
	return a->family == b->family && memcmp(a->bytes, b->bytes, bytes) == 0;
}

bool
netaddr_is_loopback(const struct netaddr *addr)
{
	static const uint8_t ipv6_loopback[16] = { [15] = 1 };

	if (addr->family == 4)
		return addr->bytes[0] == 127;
	return addr->family == 6 && memcmp(addr->bytes, ipv6_loopback, 16) == 0;
}
