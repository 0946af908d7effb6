/* SPDX-License-Identifier: ISC */
/*
 * account - ids of the accounts that Merpati itself runs as.
 *
 * A jailed process needs one of them, three times per SMTP connection, and
 * asking the name service costs as much as the rest of the jail. So they are
 * remembered beside the settings (settings->accounts), and merpatid asks for
 * all of them before it forks. An account whose ids change is noticed when
 * the settings are read again or merpatid is started again.
 */
#ifndef COMMON_ACCOUNT_H
#define COMMON_ACCOUNT_H

#include <stdbool.h>
#include <sys/types.h>

#include "common/settings.h"

struct account {
	uid_t uid;
	gid_t gid;
};

struct account_cache;

struct account_cache *account_cache_new(void);
void account_cache_free(struct account_cache **cache);

/* False: there is no such account, or the name service cannot say. */
bool account_find(const struct settings *settings, const char *name,
    struct account *out);
/* Look up virtual_user and the accounts of all jails, for children. */
void account_prefetch(const struct settings *settings);

#endif
