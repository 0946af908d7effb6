/* SPDX-License-Identifier: ISC */
/*
 * route - where one recipient of a queued message goes.
 *
 * A local mailbox (program, file) goes to a deliver agent of its user, who
 * is looked up again at each delivery; a remote address to a relay agent for
 * its domain. Order for remote domains: what mailq moved (moves.h), route_map
 * (exact domain, ".parent"), sender_route_map (address, "@domain") unless
 * internet = no, route_map's "*", then relayhost when internet is smarthost or
 * relayhost is set, then the domain's MX, unless internet = no. Login and
 * password of the host to speak to come from relay_map, for the sender
 * ("SENDER>HOST", "@DOMAIN>HOST") or for all; a login without a password is one
 * with tokens. The TLS level comes from tls_policy_map, how it is sent from
 * destination_map: next hop as written, domain, ".parent", "*", else the
 * settings. A table that was edited is read again; users found are remembered
 * for a few seconds. RESULT_NEVER: no way there, ever (why->status);
 * RESULT_LATER: a table cannot be read.
 */
#ifndef QUEUE_ROUTE_H
#define QUEUE_ROUTE_H

#include <stdbool.h>
#include <stdint.h>

#include "common/destination_policy.h"
#include "common/limits.h"
#include "common/result.h"
#include "common/settings.h"
#include "common/spoolfile.h"
#include "common/users.h"

#define ROUTE_KEY_SIZE    1100
#define ROUTE_HOST_SIZE   (LIMIT_SMTP_DOMAIN + 128)
#define ROUTE_SENDER_SIZE (LIMIT_SMTP_LOCAL_PART + LIMIT_SMTP_DOMAIN + 2)

struct route {
	bool is_local;
	char key[ROUTE_KEY_SIZE];           /* same key: same agent */
	struct user user;                   /* local */
	char domain[LIMIT_SMTP_DOMAIN + 1]; /* remote, lower case */
	char nexthop[ROUTE_HOST_SIZE];      /* "" by MX */
	char login[LIMIT_USER_NAME + 1];
	char password[LIMIT_PASSWORD + 1];
	bool is_by_sender; /* the login is */
	enum tls_level tls_level;
	struct destination_policy policy;
};

struct router;

struct router *router_new(const struct settings *settings);
void router_free(struct router **router);
/* Who was looked up is looked up again. */
void router_forget(struct router *router);
enum result
router_find(struct router *router, const struct spool_message *message,
    const struct spool_recipient *recipient, struct route *out,
    struct why *why);

#endif
