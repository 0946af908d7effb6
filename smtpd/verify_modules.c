/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "smtpd/verify_modules.h"

/* In the order in which they are asked: what costs least comes first. */
const struct verify_module *const verify_modules[] = {
	&verify_rate_module,
	&verify_client_module,
	&verify_dnsbl_module,
	&verify_greet_module,
	&verify_sender_module,
	&verify_policy_module,
	&verify_greylist_module,
	&verify_filter_module,
	NULL,
};
