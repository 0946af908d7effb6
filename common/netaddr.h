/* SPDX-License-Identifier: ISC */
/*
 * netaddr - network addresses and networks. No names, no DNS.
 *
 * IPv4-mapped IPv6 addresses are stored as IPv4, so one rule matches both.
 */
#ifndef COMMON_NETADDR_H
#define COMMON_NETADDR_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#include "common/slice.h"

#define NETADDR_TEXT_SIZE 64

struct netaddr {
	uint8_t family; /* 0 none (a pipe, a test), 4 or 6 */
	uint8_t bytes[16];
	uint16_t port;  /* host order */
};

struct network {
	struct netaddr base;
	uint8_t bits;
};

void netaddr_from_sockaddr(struct netaddr *out, const struct sockaddr *from,
    socklen_t len);
/* Peer (or own side) of a connected socket; family 0 when there is none. */
void netaddr_of_peer(struct netaddr *out, int fd);
void netaddr_of_socket(struct netaddr *out, int fd);
socklen_t netaddr_to_sockaddr(const struct netaddr *addr,
    struct sockaddr_storage *out);
/* "192.0.2.1" or "2001:db8::1"; "unknown" for family 0. */
const char *netaddr_format(const struct netaddr *addr,
    char text[NETADDR_TEXT_SIZE]);
/* As an SMTP address literal: "[192.0.2.1]", "[IPv6:2001:db8::1]". */
const char *netaddr_format_literal(const struct netaddr *addr,
    char text[NETADDR_TEXT_SIZE]);
bool netaddr_parse(struct slice text, struct netaddr *out);
/* "a.b.c.d", "a.b.c.d/n", "v6/n". Host bits must be zero. */
bool network_parse(struct slice text, struct network *out);
bool network_contains(const struct network *network,
    const struct netaddr *addr);
bool netaddr_is_loopback(const struct netaddr *addr);
/* Of one family, and alike in so many first bytes (16: the same address). */
bool netaddr_is_same_prefix(const struct netaddr *a, const struct netaddr *b,
    size_t bytes);

#endif
