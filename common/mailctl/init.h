/* SPDX-License-Identifier: ISC */
/*
 * init - the parts of "mailctl init" and "mailctl permissions".
 *
 * Each may be run again and changes only what is missing or wrong; with
 * is_dry_run it prints "plan" lines and does nothing. A failure is a FAIL
 * line and false.
 */
#ifndef COMMON_MAILCTL_INIT_H
#define COMMON_MAILCTL_INIT_H

#include <stdbool.h>

#include "common/buf.h"
#include "common/mailctl/mailctl.h"
#include "common/mailctl/report.h"

bool permissions_make_accounts(
    const struct mailctl *mailctl, struct report *report);
bool permissions_apply(const struct mailctl *mailctl, struct report *report);
bool permissions_check(const struct mailctl *mailctl, struct report *report);

/* What mail.conf is written from. */
struct init_facts {
	const char *hostname;
	const char *domain;
	bool is_lab;
	bool has_dns;          /* lab: some name server answers */
	const char *networks;  /* lab: "10.0.1.0/24", or "" */
	const char *directory; /* private prefix, or NULL */
	const char *user;      /* private prefix: its owner */
	bool has_low_ports;    /* may listen below 1024 */
};
/* The text of a first mail.conf: two lines, four in a lab, and the places
 * when all of it lives in a directory of its own. */
void init_format_conf(const struct init_facts *facts, struct buf *out);
/* A first aliases file; human is who reads root's mail, or "". */
void init_format_aliases(const char *human, struct buf *out);
/* Does some name server in resolv.conf answer, within two seconds? */
bool init_has_dns(const char *domain);
/* Networks of this host's interfaces that are private, "a/n b/n". */
void init_private_networks(struct buf *out);

#endif
