/* SPDX-License-Identifier: ISC */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "common/mailctl/check.h"
#include "common/mailctl/probe.h"
#include "common/mailctl/snippet.h"

/* The service's own address, or loopback when it listens on all. */
static bool
service_address(const struct service *service, struct netaddr *out)
{
	const char *text =
	    service->address[0] == '\0' ? "127.0.0.1" : service->address;

	if (!netaddr_parse(slice_of(text), out))
		return false;
	out->port = service->port;
	return true;
}

/* RFC 5321 4.2 (220), RFC 1939 3 (+OK), RFC 3501 7.1.1 (* OK). */
static const char *
expected_greeting(const struct service *service)
{
	if (service->listener->is_tls)
		return NULL;
	if (strcmp(service->listener->program, "smtpd") == 0)
		return "220 ";
	return strcmp(service->listener->program, "pop3d") == 0 ? "+OK"
								: "* OK";
}

static void
check_service(const struct mailctl *mailctl, const struct service *service,
    struct report *report)
{
	const char *want = expected_greeting(service);
	struct why why = { 0 };
	struct netaddr address;
	struct probe probe;
	char subject[32];

	snprintf(
	    subject, sizeof(subject), "port %u", (unsigned int)service->port);
	if (!service_address(service, &address)) {
		report_line(report, REPORT_FAIL, subject, "%s: no address",
		    service->address);
		return;
	}
	if (!probe_open(&probe, NULL, &address, &why)) {
		report_line(report, REPORT_WARN, subject,
		    "%s: %s -> start merpatid, or see: mailctl startup print",
		    service->listener->name, why.text);
		return;
	}
	if (want == NULL)
		report_line(report, REPORT_OK, subject, "%s is open",
		    service->listener->name);
	else if (!probe_read_line(&probe, &why))
		report_line(report, REPORT_FAIL, subject,
		    "%s: %s -> look into the log", service->listener->name,
		    why.text);
	else if (strncmp(probe.reply, want, strlen(want)) != 0 ||
		 strstr(probe.reply, mailctl->settings->hostname) == NULL)
		report_line(report, REPORT_FAIL, subject,
		    "another program answers: %s -> stop it", probe.reply);
	else
		report_line(
		    report, REPORT_OK, subject, "answers: %s", probe.reply);
	probe_close(&probe);
}

void
check_ports(const struct mailctl *mailctl, struct report *report)
{
	const struct settings *settings = mailctl->settings;
	struct service service;
	struct why why = { 0 };

	for (size_t i = 0; i < service_count(settings); i++) {
		if (service_get(settings, i, &service, &why))
			check_service(mailctl, &service, report);
		else
			report_line(
			    report, REPORT_FAIL, "listen", "%s", why.text);
	}
}
