/* SPDX-License-Identifier: ISC */
#include "config.h"

#include <netdb.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/arena.h"
#include "common/mailctl/check.h"
#include "common/netaddr.h"
#include "common/resolve.h"

/* Is the name one that peers can use, and does it lead anywhere? */
static void
check_name(const struct settings *settings, struct report *report)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM };
	struct addrinfo *found = NULL;
	struct netaddr address;
	char text[NETADDR_TEXT_SIZE];
	const char *name = settings->hostname;

	if (strchr(name, '.') == NULL) {
		report_line(report, REPORT_WARN, "hostname",
		    "%s is not a full name; peers may refuse it"
		    " -> hostname = mail.DOMAIN in mail.conf",
		    name);
		return;
	}
	if (getaddrinfo(name, "25", &hints, &found) != 0 || found == NULL) {
		report_line(report,
		    settings->is_lab ? REPORT_NOTE : REPORT_WARN, "hostname",
		    "%s leads to no address -> publish an A record, or a line"
		    " in /etc/hosts",
		    name);
		return;
	}
	netaddr_from_sockaddr(&address, found->ai_addr, found->ai_addrlen);
	report_line(report,
	    netaddr_is_loopback(&address) ? REPORT_NOTE : REPORT_OK, "hostname",
	    "%s is %s", name, netaddr_format(&address, text));
	freeaddrinfo(found);
}

static void
check_domains(const struct settings *settings, struct report *report)
{
	if (settings->domains.count == 0) {
		report_line(report, REPORT_NOTE, "domains",
		    "none: only mail of this host itself"
		    " -> domains = DOMAIN in mail.conf, or mailctl init");
		return;
	}
	for (size_t i = 0; i < settings->domains.count; i++)
		if (slice_ends(
			slice_of(settings->domains.items[i]), S(".local")))
			report_line(report, REPORT_NOTE, "domains",
			    "%s: .local belongs to mDNS; desktops may not"
			    " find it -> use .test or .lan in a lab",
			    settings->domains.items[i]);
	report_line(report, REPORT_OK, "domains", "%zu served here",
	    settings->domains.count);
}

/* Another mail system on the same host takes ports and sendmail. */
static void
check_rivals(struct report *report)
{
	static const struct {
		const char *path;
		const char *name;
	} rivals[] = {
		{ "/usr/sbin/exim4", "exim4" },
		{ "/usr/lib/postfix/sbin/master", "postfix" },
		{ "/usr/sbin/smtpd", "opensmtpd" },
		{ "/usr/sbin/dovecot", "dovecot" },
	};

	for (size_t i = 0; i < sizeof(rivals) / sizeof(rivals[0]); i++)
		if (access(rivals[i].path, X_OK) == 0)
			report_line(report, REPORT_NOTE, "rival",
			    "%s is installed; it must not run on our ports",
			    rivals[i].name);
}

/* RFC 2142 and RFC 5321 4.5.1: somebody reads these. */
static void
check_required(struct resolver *resolver, const char *name, const char *domain,
    struct report *report)
{
	const struct address address = { slice_of(name), slice_of(domain) };
	struct arena *arena = arena_new("check", 1024 * 1024);
	struct resolution resolution = { 0 };
	struct why why = { 0 };

	if (resolver_resolve(resolver, &address, arena, &resolution, &why) ==
		RESULT_OK &&
	    resolution.count > 0)
		report_line(report, REPORT_OK, "people", "%s is read by %.*s",
		    name, SLICE_FMT(resolution.targets[0].address));
	else
		report_line(report, REPORT_WARN, "people",
		    "nobody reads %s: %s -> add \"root: NAME\" to the aliases"
		    " file",
		    name, why.text);
	arena_free(&arena);
}

static void
check_people(const struct settings *settings, struct report *report)
{
	struct resolver *resolver = resolver_new(settings);
	const char *domain = settings->domains.count > 0
				 ? settings->domains.items[0]
				 : settings->hostname;

	check_required(resolver, "postmaster", domain, report);
	check_required(resolver, "root", domain, report);
	resolver_free(&resolver);
}

void
check_host(const struct mailctl *mailctl, struct report *report)
{
	check_name(mailctl->settings, report);
	check_domains(mailctl->settings, report);
	check_people(mailctl->settings, report);
	check_rivals(report);
}

static bool
is_wide(const struct network *network)
{
	return network->bits < (network->base.family == 4 ? 8 : 32);
}

void
check_settings(const struct mailctl *mailctl, struct report *report)
{
	const struct settings *settings = mailctl->settings;
	char text[NETADDR_TEXT_SIZE];

	for (size_t i = 0; i < mailctl->errors.count; i++)
		report_line(report, REPORT_FAIL, "settings", "%s",
		    mailctl->errors.texts[i]);
	if (mailctl->errors.count == 0)
		report_line(report, REPORT_OK, "settings", "%s",
		    settings->path[0] == '\0' ? "no mail.conf: the defaults"
					      : settings->path);
	for (size_t i = 0; i < settings->cleartext_auth.count; i++) {
		const struct network *network =
		    &settings->cleartext_auth.items[i];

		if (is_wide(network))
			report_line(report, REPORT_WARN, "settings",
			    "cleartext_auth has %s/%u: passwords readable on"
			    " the way -> name your own network only",
			    netaddr_format(&network->base, text),
			    (unsigned int)network->bits);
	}
	if (settings->internet == INTERNET_SMARTHOST &&
	    settings->relayhost[0] == '\0')
		report_line(report, REPORT_FAIL, "settings",
		    "internet = smarthost, but no relayhost"
		    " -> relayhost = smtp.example.net:587");
}
