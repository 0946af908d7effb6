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
 * Forms that have made open relays of other servers; $ is a domain of ours.
 * The domain outside is reserved (RFC 2606). Where the address ends in our
 * domain nobody may have it sent on, and it is known only to a catch-all;
 * the others are for a stranger to try.
 */
static const struct trick {
	const char *line;
	bool is_ours;
} tricks[] = {
	{ "RCPT TO:<user%relay-test.invalid@$>", true },
	{ "RCPT TO:<\"user@relay-test.invalid\"@$>", true },
	{ "RCPT TO:<\"user%relay-test.invalid\"@$>", true },
	{ "RCPT TO:<relay-test.invalid!user@$>", true },
	{ "RCPT TO:<user%relay-test.invalid>", true },
	{ "RCPT TO:<relay-test.invalid!user>", true },
	{ "RCPT TO:<user@relay-test.invalid@$>", true },
	{ "RCPT TO:<user@relay-test.invalid>", false },
	{ "RCPT TO:<@$:user@relay-test.invalid>", false },
	{ "RCPT TO:<@$,@relay-test.invalid:user@relay-test.invalid>", false },
	{ "RCPT TO:<user@[127.0.0.1]>", false },
	{ "RCPT TO:<user%relay-test.invalid@[127.0.0.1]>", false },
	{ "RCPT TO:<user@$.relay-test.invalid>", false },
};

/* Spammers write us, our users, or nobody as the sender. */
static const char *const senders[] = { "MAIL FROM:<>",
	"MAIL FROM:<postmaster@$>", "MAIL FROM:<user@relay-test.invalid>" };

/* On one connection: who makes many mistakes is served slowly. */
#define TRICKS_AT_ONCE 5

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

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
	    probe_smtp(probe, "EHLO relay-test.invalid", why) == 250)
		return true;
	if (why->text[0] == '\0')
		why_set(why, "%s", probe->reply);
	probe_close(probe);
	return false;
}

/* form with our domain in its place. */
static const char *
fill(const struct settings *settings, const char *form, struct buf *line)
{
	const char *domain = settings->domains.count > 0
				 ? settings->domains.items[0]
				 : settings->hostname;

	buf_clear(line);
	for (; *form != '\0'; form++)
		if (*form == '$')
			buf_add_string(line, domain);
		else
			buf_add_char(line, *form);
	return buf_string(line);
}

/* One RCPT; no DATA follows, so nothing is ever sent. What a catch-all takes
 * stays here. */
static bool
is_refused(struct probe *probe, const char *line, bool may_be_kept,
    struct report *report)
{
	struct why why = { 0 };
	int code = probe_smtp(probe, line, &why);
	bool is_open = code >= 200 && code < 300;

	if ((code >= 500 && code < 600) || (is_open && may_be_kept))
		return true;
	report_line(report, is_open ? REPORT_FAIL : REPORT_WARN, "relay",
	    "%s is answered: %s%s", line, code == 0 ? why.text : probe->reply,
	    is_open ? " -> OPEN RELAY, see mynetworks" : "");
	return false;
}

/* What one sender is tried with. */
struct attempt {
	const struct settings *settings;
	const char *sender;
	const struct netaddr *from; /* NULL: as we are */
	const struct netaddr *to;
	struct report *report;
};

/* Some tricks on one connection; a sender that is refused cannot relay.
 * False: not all were refused. */
static bool
try_some(struct probe *probe, const struct attempt *attempt, size_t first)
{
	const struct settings *settings = attempt->settings;
	bool has_catch_all = settings->catch_all[0] != '\0', ok = true;
	struct why why = { 0 };
	struct buf line;

	buf_init(&line, 1024);
	if (probe_smtp(probe, fill(settings, attempt->sender, &line), &why) ==
	    250)
		for (size_t i = first;
		     i < COUNT(tricks) && i < first + TRICKS_AT_ONCE; i++)
			if (tricks[i].is_ours || attempt->from != NULL)
				ok &= is_refused(probe,
				    fill(settings, tricks[i].line, &line),
				    tricks[i].is_ours && has_catch_all,
				    attempt->report);
	(void)probe_smtp(probe, "QUIT", &why);
	buf_free(&line);
	return ok;
}

/* False: no connection is to be had, which is told. What was not refused is
 * told and makes *ok false. */
static bool
try_all(const struct attempt *attempt, bool *ok)
{
	struct why why = { 0 };
	struct probe probe;

	for (size_t i = 0; i < COUNT(tricks); i += TRICKS_AT_ONCE) {
		if (!begin(&probe, attempt->from, attempt->to, &why)) {
			report_line(attempt->report, REPORT_NOTE, "relay",
			    "not tried over the network: %s", why.text);
			return false;
		}
		*ok &= try_some(&probe, attempt, i);
		probe_close(&probe);
	}
	return true;
}

static bool
try_senders(const struct settings *settings, const struct netaddr *from,
    const struct netaddr *to, struct report *report)
{
	struct attempt attempt = {
		.settings = settings, .from = from, .to = to, .report = report
	};
	bool ok = true;

	for (size_t i = 0; i < COUNT(senders); i++) {
		attempt.sender = senders[i];
		if (!try_all(&attempt, &ok))
			return false;
	}
	return ok;
}

static void
check_tricks(const struct settings *settings, const struct netaddr *to,
    struct report *report)
{
	if (try_senders(settings, NULL, to, report))
		report_line(report, REPORT_OK, "relay",
		    "tricks of relay thieves are refused");
}

static void
check_stranger(const struct settings *settings, const struct netaddr *to,
    bool is_loopback_only, struct report *report)
{
	struct netaddr from, target = *to;
	char text[NETADDR_TEXT_SIZE];

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
	if (try_senders(settings, &from, &target, report))
		report_line(report, REPORT_OK, "relay",
		    "%s may not relay: %zu tricks with %zu senders are refused",
		    netaddr_format(&from, text), COUNT(tricks), COUNT(senders));
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
