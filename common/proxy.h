/* SPDX-License-Identifier: ISC */
/*
 * proxy - the header of the PROXY protocol, versions 1 and 2. No I/O.
 *
 * HAProxy's specification (doc/proxy-protocol.txt, 2020): a proxy puts one
 * header in front of a connection, which tells whom it speaks for. Version 1
 * is a line of at most 107 bytes, version 2 is binary. LOCAL, UNKNOWN and
 * AF_UNSPEC say nothing: the addresses of the socket hold. TLVs are not
 * looked at, but they must fill the header exactly, and a CRC32C among them
 * must be right. Nothing behind the header belongs to it: the parser says
 * how many bytes may be read without touching what follows.
 */
#ifndef COMMON_PROXY_H
#define COMMON_PROXY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/netaddr.h"
#include "common/result.h"
#include "common/slice.h"

enum proxy_status {
	PROXY_MORE, /* *more bytes at least belong to the header still */
	PROXY_DONE,
	PROXY_BAD,  /* why tells */
};

struct proxy_header {
	bool is_local; /* the socket's own addresses hold */
	struct netaddr source, destination; /* same family, unless is_local */
};

/* bytes: all of the header so far, never more. */
enum proxy_status proxy_parse(struct slice bytes, size_t *more,
    struct proxy_header *out, struct why *why);

/* From the jailed reader to the front: fixed, and not believed. */
#define PROXY_FACTS_MAGIC 0x4d505052u

struct proxy_facts {
	uint32_t magic;
	uint32_t is_local;
	struct netaddr source, destination;
};
bool proxy_facts_are_sane(const struct proxy_facts *facts);

#endif
