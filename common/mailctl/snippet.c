/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "common/mailctl/snippet.h"

#include <string.h>

#include "common/server_listen.h"

/* Connections a second over which a service may pause: none that a mail
 * host sees. */
#define RATE_PER_SECOND 1000

bool
service_parse(struct slice text, struct service *service, struct why *why)
{
	struct netaddr address;

	if (!server_listen_parse(text, &service->listener, &address, why))
		return false;
	service->port = address.port;
	service->number = 1;
	service->address[0] = '\0';
	if (address.family != 0)
		netaddr_format(&address, service->address);
	return true;
}

size_t
service_count(const struct settings *settings)
{
	size_t count = 0;

	if (settings->listen.count > 0)
		return settings->listen.count;
	/* The last row, LMTP, only where listen names it. */
	while (listener_table[count].kind != LISTENER_LMTP)
		count++;
	return count;
}

bool
service_get(const struct settings *settings, size_t index,
    struct service *service, struct why *why)
{
	const char *text = settings->listen.count > 0
			       ? settings->listen.items[index]
			       : listener_table[index].name;

	struct service earlier;

	if (!service_parse(slice_of(text), service, why))
		return false;
	for (size_t i = 0; settings->listen.count > 0 && i < index; i++)
		if (service_parse(
			slice_of(settings->listen.items[i]), &earlier, why) &&
		    earlier.listener == service->listener)
			service->number++;
	return true;
}

void
snippet_name(const struct service *service, struct buf *out)
{
	buf_add_format(out, "merpati-%s", service->listener->name);
	if (service->number > 1)
		buf_add_format(out, "-%zu", service->number);
}

/* In xinetd 0 is none at all, here it is no limit. */
static void
add_xinetd_limit(const char *name, uint64_t limit, struct buf *out)
{
	if (limit == 0)
		buf_add_format(out, "\t%s\t= UNLIMITED\n", name);
	else
		buf_add_format(
		    out, "\t%s\t= %llu\n", name, (unsigned long long)limit);
}

/* Of a front, or of a merpatid in its place: "-s smtp [-c FILE]". */
static void
add_arguments(const struct snippet_facts *facts, const struct service *service,
    struct buf *out)
{
	buf_add_format(out, "%s %s", facts->is_wait ? "-w" : "-s",
	    service->listener->name);
	if (facts->conf != NULL)
		buf_add_format(out, " -c %s", facts->conf);
}

static void
add_program(
    const struct snippet_facts *facts, const char *name, struct buf *out)
{
	buf_add_format(out, "%s/%s", facts->settings->program_directory, name);
}

/* Who serves it. */
static void
add_server(const struct snippet_facts *facts, const struct service *service,
    struct buf *out)
{
	if (facts->is_wait)
		buf_add_string(out, facts->merpatid);
	else
		add_program(facts, service->listener->program, out);
}

/* Where merpatid accepts, it counts as well. */
static void
add_xinetd_limits(const struct settings *settings, struct buf *out)
{
	add_xinetd_limit("instances", settings->max_connections, out);
	add_xinetd_limit("per_source", settings->rate_client, out);
}

void
snippet_xinetd(const struct snippet_facts *facts, const struct service *service,
    struct buf *out)
{
	buf_add_string(out, "# Made by: mailctl startup xinetd\n"
			    "# cps: over so many connections in a second the"
			    " service would pause.\nservice ");
	snippet_name(service, out);
	buf_add_string(out, "\n{\n\ttype\t\t= UNLISTED\n");
	buf_add_format(out, "\tport\t\t= %u\n", (unsigned int)service->port);
	if (service->address[0] != '\0')
		buf_add_format(out, "\tbind\t\t= %s\n", service->address);
	else
		buf_add_string(out, "\tflags\t\t= IPv6\n");
	buf_add_format(out,
	    "\tsocket_type\t= stream\n\tprotocol\t= tcp\n"
	    "\twait\t\t= %s\n",
	    facts->is_wait ? "yes" : "no");
	buf_add_format(out, "\tuser\t\t= %s\n\tserver\t\t= ", facts->user);
	add_server(facts, service, out);
	buf_add_string(out, "\n\tserver_args\t= ");
	add_arguments(facts, service, out);
	buf_add_char(out, '\n');
	if (!facts->is_wait)
		add_xinetd_limits(facts->settings, out);
	buf_add_format(out,
	    "\tcps\t\t= %d 5\n\tlog_on_success\t=\n"
	    "\tlog_on_failure\t= HOST\n\tdisable\t\t= no\n}\n",
	    RATE_PER_SECOND);
}

static void
add_inetd_line(const struct snippet_facts *facts, const struct service *service,
    bool is_ipv6, struct buf *out)
{
	if (is_ipv6 && service->address[0] != '\0')
		buf_add_format(out, "[%s]:", service->address);
	else if (service->address[0] != '\0')
		buf_add_format(out, "%s:", service->address);
	buf_add_format(out, "%u\tstream\t%s\t%s.%d\t%s\t",
	    (unsigned int)service->port, is_ipv6 ? "tcp6" : "tcp",
	    facts->is_wait ? "wait" : "nowait", RATE_PER_SECOND * 60,
	    facts->user);
	add_server(facts, service, out);
	buf_add_format(out, "\t%s ",
	    facts->is_wait ? "merpatid" : service->listener->program);
	add_arguments(facts, service, out);
	buf_add_char(out, '\n');
}

void
snippet_inetd(const struct snippet_facts *facts, const struct service *service,
    struct buf *out)
{
	bool is_ipv6 = strchr(service->address, ':') != NULL;

	buf_add_format(out, "# %s\n", service->listener->name);
	if (!is_ipv6)
		add_inetd_line(facts, service, false, out);
	if (is_ipv6 || service->address[0] == '\0')
		add_inetd_line(facts, service, true, out);
}

void
snippet_systemd_socket(const struct snippet_facts *facts,
    const struct service *service, struct buf *out)
{
	bool is_ipv6 = strchr(service->address, ':') != NULL;
	const struct settings *settings = facts->settings;

	buf_add_format(out,
	    "# Made by: mailctl startup systemd\n[Unit]\n"
	    "Description=Merpati %s\nDocumentation=man:%s(8)\n\n"
	    "[Socket]\nListenStream=",
	    service->listener->name, service->listener->program);
	if (service->address[0] != '\0')
		buf_add_format(
		    out, is_ipv6 ? "[%s]:" : "%s:", service->address);
	buf_add_format(out,
	    "%u\nAccept=yes\nBacklog=1024\nNoDelay=yes\n"
	    "MaxConnections=%llu\nMaxConnectionsPerSource=%llu\n"
	    "# A burst must never switch the socket off.\n"
	    "TriggerLimitIntervalSec=0\nPollLimitIntervalSec=0\n\n"
	    "[Install]\nWantedBy=sockets.target\n",
	    (unsigned int)service->port,
	    (unsigned long long)settings->max_connections,
	    (unsigned long long)settings->rate_client);
}

/* What a unit may be denied without hurting chroot, setuid or delivery. */
#define HARDENING                                                              \
	"ProtectSystem=full\nProtectKernelTunables=yes\n"                      \
	"ProtectKernelModules=yes\nProtectKernelLogs=yes\n"                    \
	"ProtectControlGroups=yes\nProtectClock=yes\nProtectHostname=yes\n"    \
	"LockPersonality=yes\nRestrictRealtime=yes\n"                          \
	"RestrictNamespaces=yes\n"                                             \
	"RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6\n"

void
snippet_systemd_service(const struct snippet_facts *facts,
    const struct service *service, struct buf *out)
{
	buf_add_format(out,
	    "# Made by: mailctl startup systemd\n[Unit]\n"
	    "Description=Merpati %s\nDocumentation=man:%s(8)\n"
	    "CollectMode=inactive-or-failed\n\n[Service]\n"
	    "# \"-\": a session that ends badly is no failed unit.\n"
	    "ExecStart=-",
	    service->listener->name, service->listener->program);
	add_program(facts, service->listener->program, out);
	buf_add_char(out, ' ');
	add_arguments(facts, service, out);
	buf_add_string(out, "\nStandardInput=socket\nStandardOutput=socket\n"
			    "StandardError=journal\nKillMode=mixed\n"
			    "NoNewPrivileges=yes\n" HARDENING);
}

void
snippet_systemd_qmgr(const struct snippet_facts *facts, struct buf *out)
{
	buf_add_string(out, "# Made by: mailctl startup systemd\n[Unit]\n"
			    "Description=Merpati queue manager\n"
			    "Documentation=man:qmgr(8)\nAfter=network.target\n"
			    "StartLimitIntervalSec=0\n\n[Service]\n"
			    "ExecStart=");
	add_program(facts, "qmgr", out);
	if (facts->conf != NULL)
		buf_add_format(out, " -c %s", facts->conf);
	buf_add_string(out, "\nRestart=always\nRestartSec=1\nKillMode=mixed\n"
			    "TasksMax=infinity\n" HARDENING "\n[Install]\n"
			    "WantedBy=multi-user.target\n");
}

void
snippet_systemd_merpatid(const struct snippet_facts *facts, struct buf *out)
{
	buf_add_format(out,
	    "# Made by: mailctl startup systemd\n"
	    "# Instead of the sockets and merpati-qmgr.service.\n[Unit]\n"
	    "Description=Merpati mail host\nDocumentation=man:merpatid(8)\n"
	    "After=network.target\nConflicts=merpati-qmgr.service\n"
	    "StartLimitIntervalSec=0\n\n[Service]\n"
	    "ExecStart=%s/merpatid -f%s%s\nRestart=always\nRestartSec=1\n"
	    "KillMode=mixed\nTasksMax=infinity\nLimitNOFILE=65536\n" HARDENING
	    "\n[Install]\nWantedBy=multi-user.target\n",
	    SBINDIR, facts->conf == NULL ? "" : " -c ",
	    facts->conf == NULL ? "" : facts->conf);
}
