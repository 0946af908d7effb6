/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "common/verify.h"

#include "common/filter_spec.h"
#include "common/front.h"
#include "common/settings.h"

/* Whoever comes from outside. */
static bool
is_needed_for_strangers(const struct settings *settings)
{
	return settings->dnsbl.count > 0 || settings->greet_pause > 0 ||
	       settings->sender_domain_check || settings->greylist ||
	       settings->rate_connections > 0 || settings->rate_messages > 0 ||
	       settings->policy_servers.count > 0;
}

bool
verify_is_needed(const struct settings *settings, uint32_t listener)
{
	if (filter_is_needed(settings, listener))
		return true;
	if (listener == INJECT_LOCAL)
		return settings->rate_user.count > 0;
	if (settings->reverse_dns == REVERSE_DNS_YES)
		return true;
	if (listener == LISTENER_SMTP)
		return is_needed_for_strangers(settings);
	return settings->rate_user.count > 0;
}
