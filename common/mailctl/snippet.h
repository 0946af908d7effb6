/* SPDX-License-Identifier: ISC */
/*
 * snippet - the text that makes xinetd, inetd or systemd start the services.
 *
 * Every service comes from settings.listen and listener_table, so all kinds
 * of start-up run the same programs on the same ports. Port numbers are
 * written, not names: their names differ between systems. The limits are
 * such that a burst never switches a service off: each kind's own default
 * (openbsd-inetd: 10 minutes off after 256 connections in a minute; systemd:
 * the socket dead after 200 in 2 s) would.
 */
#ifndef COMMON_MAILCTL_SNIPPET_H
#define COMMON_MAILCTL_SNIPPET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/buf.h"
#include "common/front.h"
#include "common/netaddr.h"
#include "common/result.h"
#include "common/settings.h"
#include "common/slice.h"

/* One entry of settings.listen (server_listen.h has the grammar). */
struct service {
	const struct listener *listener;
	char address[NETADDR_TEXT_SIZE]; /* "" for every address */
	uint16_t port;
	size_t number; /* 1 for the first of its kind */
};

bool service_parse(struct slice text, struct service *service, struct why *why);
/* All of them; without any entry, every row of listener_table. */
size_t service_count(const struct settings *settings);
bool service_get(const struct settings *settings, size_t index,
    struct service *service, struct why *why);

struct snippet_facts {
	const struct settings *settings;
	const char *conf; /* -c argument, or NULL */
	const char *user; /* who runs it: "root" */
	const char *merpatid; /* its path */
	bool is_wait;         /* inetd, xinetd: a merpatid for each service */
};

/* "merpati-smtp"; "merpati-smtp-2" for the second of its kind. Without dots:
 * xinetd passes over files that have one. */
void snippet_name(const struct service *service, struct buf *out);
void snippet_xinetd(const struct snippet_facts *facts,
    const struct service *service, struct buf *out);
/* The lines of one service in inetd.conf. */
void snippet_inetd(const struct snippet_facts *facts,
    const struct service *service, struct buf *out);
void snippet_systemd_socket(const struct snippet_facts *facts,
    const struct service *service, struct buf *out);
void snippet_systemd_service(const struct snippet_facts *facts,
    const struct service *service, struct buf *out);
void snippet_systemd_qmgr(const struct snippet_facts *facts, struct buf *out);
/* One unit for merpatid, which listens by itself. */
void
snippet_systemd_merpatid(const struct snippet_facts *facts, struct buf *out);

#endif
