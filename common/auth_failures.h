/* SPDX-License-Identifier: ISC */
/*
 * auth_failures - how many failed logins an account and a network have had.
 *
 * One file of fixed size in state_directory, mapped by every auth process
 * and changed under a lock. It is a memory, not a truth: it is made anew when
 * it is missing or foreign, the oldest entries make room for new ones, and
 * without it (why says the cause) nothing is counted and nobody is refused.
 *
 * An entry's score grows by one with each failure that counts and sinks
 * evenly, so that a full budget is forgotten in auth_failure_period. The
 * same wrong password of the same account counts once in that time. A
 * network (an IPv4 address, an IPv6 /64) from which somebody has logged in
 * within auth_success_memory is never over budget. Names and passwords are
 * in the file as keyed hashes only; the key is in its header, and no other
 * account than root can read it.
 */
#ifndef COMMON_AUTH_FAILURES_H
#define COMMON_AUTH_FAILURES_H

#include <stdbool.h>
#include <stdint.h>

#include "common/netaddr.h"
#include "common/result.h"
#include "common/settings.h"
#include "common/sha256.h"
#include "common/slice.h"

struct failure_table; /* the file's content */

struct auth_failures {
	const struct settings *settings;
	struct failure_table *table; /* NULL: there is none */
	int fd;                      /* its lock; -1 */
	uint8_t key[SHA256_SIZE];    /* for hashes of this host */
};

/* As root, before the jail. False with why: it works without a memory. */
bool auth_failures_open(const struct settings *settings,
    struct auth_failures *failures, struct why *why);
void auth_failures_close(struct auth_failures *failures);

struct auth_attempt {
	struct slice account;    /* as it was looked up */
	struct netaddr peer;     /* family 0: counts for no network */
	struct slice secret;     /* the wrong password; empty: not known */
	int64_t now;             /* seconds */
};

bool auth_failures_is_over(struct auth_failures *failures,
    const struct auth_attempt *attempt);
enum failure_count {
	FAILURE_COUNTED,
	FAILURE_AGAIN,    /* the same wrong password: not counted */
	FAILURE_TRUSTED,  /* counted; the network is one of recent success */
};
enum failure_count auth_failures_add(struct auth_failures *failures,
    const struct auth_attempt *attempt);
void auth_failures_success(struct auth_failures *failures,
    const struct auth_attempt *attempt);

#endif
