/* SPDX-License-Identifier: ISC */
#include "config.h"

#include <stdio.h>

#include "smtpd/verify_modules.h"

/* The confirmed name of the client, for logs, Received: and other modules:
 * an address whose name does not lead back to it is "unknown". */

static bool
is_wanted(const struct settings *settings)
{
	return settings->reverse_dns != REVERSE_DNS_NO;
}

static void
ask(struct verify *verify, void *state, const struct verify_question *question,
    struct verify_reply *reply)
{
	const struct netaddr *peer = &question->facts.peer;

	(void)state;
	(void)reply;
	if (question->facts.listener == INJECT_LOCAL || peer->family == 0)
		return;
	if (!dns_find_name(
		&verify->dns, peer, verify->client, sizeof(verify->client)))
		snprintf(verify->client, sizeof(verify->client), "unknown");
}

const struct verify_module verify_client_module = {
	.name = "reverse names",
	.asks = VERIFY_ASKS(VERIFY_CONNECT),
	.is_wanted = is_wanted,
	.ask = ask,
};
