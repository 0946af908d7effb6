/* SPDX-License-Identifier: ISC */
#include "config.h"

#include <string.h>

#include "common/front.h"
#include "common/settings.h"

#include "smtpd/verify_modules.h"

/* Could a report reach the sender? A domain that says by a null MX that it
 * takes no mail (RFC 7505), or that is not there, sends none. What the DNS
 * cannot say now counts as good. */

enum sender_domain {
	SENDER_GOOD,
	SENDER_NULL_MX,
	SENDER_NONE
};

static bool
is_wanted(const struct settings *settings)
{
	return settings->sender_domain_check;
}

static bool
has_address(struct verify *verify, struct slice domain)
{
	enum dns_status status = dns_find(&verify->dns, domain, DNS_A)->status;

	if (status != DNS_OK && status != DNS_TEMPORARY)
		status = dns_find(&verify->dns, domain, DNS_AAAA)->status;
	return status == DNS_OK || status == DNS_TEMPORARY;
}

static enum sender_domain
look_up(struct verify *verify, struct slice domain)
{
	const struct dns_answer *mx = dns_find(&verify->dns, domain, DNS_MX);

	if (mx->status == DNS_OK)
		return mx->count == 1 && mx->records[0].name[0] == '\0'
			   ? SENDER_NULL_MX
			   : SENDER_GOOD;
	if (mx->status == DNS_TEMPORARY)
		return SENDER_GOOD;
	return has_address(verify, domain) ? SENDER_GOOD : SENDER_NONE;
}

static void
ask(struct verify *verify, void *none, const struct verify_question *question,
    struct verify_reply *reply)
{
	struct slice domain = slice_from(
	    verify->sender, slice_last_index(verify->sender, '@') + 1);

	(void)none;
	if (verify->is_trusted || verify->facts.listener != LISTENER_SMTP ||
	    question->is_exempt || domain.len == 0 || domain.ptr[0] == '[' ||
	    settings_is_local_domain(verify->settings, domain))
		return;
	switch (look_up(verify, domain)) {
	case SENDER_GOOD:
		break;
	case SENDER_NULL_MX:
		verify_refuse(reply, 550, "5.7.27",
		    "sender domain %.*s takes no mail (null MX)",
		    SLICE_FMT(domain));
		break;
	case SENDER_NONE:
		verify_refuse(reply, 550, "5.1.8",
		    "sender domain %.*s does not exist", SLICE_FMT(domain));
		break;
	}
}

const struct verify_module verify_sender_module = {
	.name = "sender domains",
	.asks = VERIFY_ASKS(VERIFY_RCPT),
	.is_wanted = is_wanted,
	.ask = ask,
};
