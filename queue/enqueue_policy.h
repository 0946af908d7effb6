/* SPDX-License-Identifier: ISC */
/*
 * enqueue_policy - who may send what where: pure decisions, from the front's
 * facts and the settings alone. Nothing a session says about itself counts.
 *
 * A domain of this host: anybody may send there, and whether the recipient
 * exists is asked next. Any other domain: only who is logged in, a peer in
 * mynetworks, or sendmail(1) on this host. The local part is never taken
 * apart: user%other@here, other!user@here, "user@other"@here are local names
 * (that nobody has), and source routes do not get this far.
 */
#ifndef QUEUE_ENQUEUE_POLICY_H
#define QUEUE_ENQUEUE_POLICY_H

#include <stdbool.h>

#include "common/address.h"
#include "common/inject.h"
#include "common/settings.h"
#include "common/table.h"

/* Each returns true for yes, else fills the reply. */
bool policy_may_begin(const struct settings *settings,
    const struct inject_facts *facts, struct inject_reply *reply);
bool policy_may_send_to(const struct settings *settings,
    const struct inject_facts *facts, const struct address *recipient,
    struct inject_reply *reply);
/* internet = no: is the domain of an address in route_map? routes may be
 * NULL: none. */
bool policy_is_reachable(const struct settings *settings, struct table *routes,
    struct slice domain, struct inject_reply *reply);
/* Is the domain of this address text one of ours, or missing? */
bool policy_is_here(const struct settings *settings, struct slice address);
/* May this client have its addresses completed and its mail relayed? */
bool policy_is_trusted(
    const struct settings *settings, const struct inject_facts *facts);

/* Fill a reply; status "" for none. */
void
answer_set(struct inject_reply *reply, unsigned int code, const char *status,
    const char *format, ...) __attribute__((format(printf, 4, 5)));

#endif
