/* SPDX-License-Identifier: ISC */
/*
 * verify_syntax - the words of the settings that verify works by. No I/O.
 *
 * Parsed twice: when mail.conf is checked, so that a mistake is told at once
 * with its reason, and in verify.
 */
#ifndef COMMON_VERIFY_SYNTAX_H
#define COMMON_VERIFY_SYNTAX_H

#include <stdbool.h>
#include <stdint.h>

#include "common/result.h"
#include "common/settings.h"
#include "common/slice.h"

/* dnsbl: "zone", "zone*2", "zone=127.0.0.[2..4;10]*-3". Each part of the
 * pattern is a number or a list of numbers and ranges in brackets; without
 * one every answer in 127.0.0.0/8 counts. */
struct dnsbl_entry {
	char zone[256];
	uint8_t parts[4][32]; /* bitmaps of 256 */
	int weight;           /* -1000 to 1000, not 0 */
};
bool dnsbl_parse(struct slice text, struct dnsbl_entry *entry, struct why *why);
/* Does an answer count? */
bool dnsbl_matches(const struct dnsbl_entry *entry, const uint8_t answer[4]);

/* rate_user: "300/h": recipients in m, h or d. */
struct rate_rule {
	uint64_t limit;  /* 1 to 10^9 */
	uint64_t period; /* seconds */
};
bool rate_parse(struct slice text, struct rate_rule *rule, struct why *why);

/* policy_servers: "inet:127.0.0.1:10023", "inet:[::1]:10023",
 * "inet:localhost:10023", "unix:/run/postgrey/socket". */
struct policy_server {
	bool is_unix;
	struct slice host; /* or the path; inside text */
	uint16_t port;
};
bool policy_server_parse(
    struct slice text, struct policy_server *server, struct why *why);

/* The first thing that is wrong with these settings; true: nothing. */
bool verify_settings_check(const struct settings *settings, struct why *why);

#endif
