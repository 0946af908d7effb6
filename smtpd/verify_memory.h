/* SPDX-License-Identifier: ISC */
/*
 * verify_memory - what verify remembers between connections.
 *
 * One state_file.h for each kind in state_directory/verify, opened when it
 * is first asked for, inside the jail. A kind that cannot be opened is NULL,
 * logged once: then nothing is known, and mail goes on.
 */
#ifndef SMTPD_VERIFY_MEMORY_H
#define SMTPD_VERIFY_MEMORY_H

#include "common/buf.h"
#include "common/netaddr.h"
#include "common/settings.h"
#include "common/state_file.h"

enum verify_memory_kind {
	MEMORY_GREYLIST,
	MEMORY_GREETINGS, /* who waited for his turn */
	MEMORY_RATES,     /* of networks */
	MEMORY_USERS,     /* recipients of users */
	MEMORY_KINDS,
};

struct verify_memory {
	struct state_file *files[MEMORY_KINDS];
	bool is_tried[MEMORY_KINDS];
};

struct state_file *verify_memory_open(struct verify_memory *memory,
    const struct settings *settings, enum verify_memory_kind kind);
void verify_memory_close(struct verify_memory *memory);

/* "192.0.2.0/24", "2001:db8:1:2::/64": who belongs together. */
#define NETWORK_TEXT_SIZE (NETADDR_TEXT_SIZE + 8)
const char *
verify_network_format(const struct netaddr *addr, char text[NETWORK_TEXT_SIZE]);

#endif
