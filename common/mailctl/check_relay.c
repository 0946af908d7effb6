/* SPDX-License-Identifier: ISC */
#include "config.h"

#include <ifaddrs.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "common/buf.h"
#include "common/mailctl/check.h"
#include "common/mailctl/probe.h"
#include "common/mailctl/snippet.h"

/*
 * Forms that have made open relays of other servers. %s is a domain of
 * ours; none may be accepted, whoever asks: where the address is ours at
 * all, there is no such user. The domain outside is reserved (RFC 2606).
 */
static const char *const tricks[] = {
	"RCPT TO:<user%%relay-test.invalid@%s>",
	"RCPT TO:<\"user@relay-test.invalid\"@%s>",
	"RCPT TO:<relay-test.invalid!user@%s>",
	"RCPT TO:<user@relay-test.invalid@%s>",
};

static const char *const outside = "RCPT TO:<user@relay-test.invalid>";

static bool
find_smtp(const struct settings *settings, struct service *service)
{
	for (size_t i = 0; i < service_count(settings); i++)
		if (service_get(settings, i, service, NULL) &&
		    service->listener->kind == LISTENER_SMTP)
			return true;
	return false;
}

static bool
is_stranger(const struct settings *settings, const struct netaddr *address)
{
	return !network_list_contains(&settings->mynetworks, address);
}

static bool
find_interface(const struct settings *settings, struct netaddr *out)
{
	struct ifaddrs *first = NULL, *i;
	bool found = false;

	if (getifaddrs(&first) < 0)
		return false;
	for (i = first; i != NULL && !found; i = i->ifa_next) {
		if (i->ifa_addr == NULL || i->ifa_addr->sa_family != AF_INET)
			continue;
		netaddr_from_sockaddr(
		    out, i->ifa_addr, sizeof(struct sockaddr_in));
		found = is_stranger(settings, out);
	}
	freeifaddrs(first);
	return found;
}

/* An address of this host that mynetworks does not hold: a connection from
 * it is a stranger's. A service on loopback alone is reached from there
 * alone. */
static bool
find_stranger(
    const struct settings *settings, bool is_loopback_only, struct netaddr *out)
{
	if (!is_loopback_only && find_interface(settings, out))
		return true;
	return netaddr_parse(S("127.250.250.250"), out) &&
	       is_stranger(settings, out);
}

static bool
begin(struct probe *probe, const struct netaddr *from, const struct netaddr *to,
    struct why *why)
{
	if (!probe_open(probe, from, to, why))
		return false;
	if (probe_smtp(probe, NULL, why) == 220 &&
	    probe_smtp(probe, "EHLO relay-test.invalid", why) == 250 &&
	    probe_smtp(probe, "MAIL FROM:<>", why) == 250)
		return true;
	if (why->text[0] == '\0')
		why_set(why, "%s", probe->reply);
	probe_close(probe);
	return false;
}

/* One RCPT; no DATA follows, so nothing is ever sent. */
static bool
is_refused(struct probe *probe, const char *line, struct report *report)
{
	struct why why = { 0 };
	int code = probe_smtp(probe, line, &why);

	if (code >= 500 && code < 600)
		return true;
	report_line(report,
	    code >= 200 && code < 300 ? REPORT_FAIL : REPORT_WARN, "relay",
	    "%s is answered: %s%s", line, code == 0 ? why.text : probe->reply,
	    code >= 200 && code < 300 ? " -> OPEN RELAY, see mynetworks" : "");
	return false;
}

static void
check_tricks(const struct settings *settings, const struct netaddr *to,
    struct report *report)
{
	const char *domain = settings->domains.count > 0
				 ? settings->domains.items[0]
				 : settings->hostname;
	struct why why = { 0 };
	struct probe probe;
	struct buf line;
	size_t refused = 0;

	if (!begin(&probe, NULL, to, &why)) {
		report_line(report, REPORT_NOTE, "relay",
		    "not tried over the network: %s", why.text);
		return;
	}
	buf_init(&line, 512);
	for (size_t i = 0; i < sizeof(tricks) / sizeof(tricks[0]); i++) {
		struct slice form = slice_of(tricks[i]);
		size_t hole = slice_find(form, S("%s"));

		buf_clear(&line);
		for (size_t n = 0; n < hole; n++)
			if (form.ptr[n] != '%' || form.ptr[n + 1] != '%')
				buf_add_char(&line, form.ptr[n]);
		buf_add_format(&line, "%s%.*s", domain,
		    SLICE_FMT(slice_from(form, hole + 2)));
		refused += is_refused(&probe, buf_string(&line), report);
	}
	buf_free(&line);
	(void)probe_smtp(&probe, "QUIT", &why);
	probe_close(&probe);
	if (refused == sizeof(tricks) / sizeof(tricks[0]))
		report_line(report, REPORT_OK, "relay",
		    "%zu tricks of relay thieves are refused", refused);
}

static void
check_stranger(const struct settings *settings, const struct netaddr *to,
    bool is_loopback_only, struct report *report)
{
	struct netaddr from, target = *to;
	char text[NETADDR_TEXT_SIZE];
	struct why why = { 0 };
	struct probe probe;

	if (settings->catch_all[0] != '\0')
		report_line(report, REPORT_NOTE, "relay",
		    "catch_all takes mail for unknown users");
	if (!find_stranger(settings, is_loopback_only, &from)) {
		report_line(report, REPORT_NOTE, "relay",
		    "every address to try from is in mynetworks: a stranger's"
		    " connection cannot be made from here");
		return;
	}
	from.port = 0;
	/* A service on all addresses is reached on the stranger's own. */
	if (netaddr_is_loopback(to) && !netaddr_is_loopback(&from)) {
		target = from;
		target.port = to->port;
	}
	if (!begin(&probe, &from, &target, &why)) {
		report_line(report, REPORT_NOTE, "relay",
		    "from %s: not tried: %s", netaddr_format(&from, text),
		    why.text);
		return;
	}
	if (is_refused(&probe, outside, report))
		report_line(report, REPORT_OK, "relay", "%s may not relay: %s",
		    netaddr_format(&from, text), probe.reply);
	(void)probe_smtp(&probe, "QUIT", &why);
	probe_close(&probe);
}

void
check_relay(const struct mailctl *mailctl, struct report *report)
{
	const struct settings *settings = mailctl->settings;
	struct service service;
	struct netaddr to;
	const char *address;

	if (!find_smtp(settings, &service)) {
		report_line(report, REPORT_NOTE, "relay",
		    "no smtp in listen: nothing from outside");
		return;
	}
	address = service.address[0] == '\0' ? "127.0.0.1" : service.address;
	if (!netaddr_parse(slice_of(address), &to))
		return;
	to.port = service.port;
	check_tricks(settings, &to, report);
	check_stranger(settings, &to,
	    service.address[0] != '\0' && netaddr_is_loopback(&to), report);
}
