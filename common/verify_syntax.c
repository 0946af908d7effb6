/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "common/verify_syntax.h"

#include <string.h>

#include "common/address.h"
#include "common/netaddr.h"

enum {
	WEIGHT_MAX = 1000,
	RATE_MAX = 1000000000,
	UNIX_PATH_MAX = 107, /* of struct sockaddr_un */
};

static void
allow(uint8_t bits[32], uint64_t first, uint64_t last)
{
	for (uint64_t i = first; i <= last; i++)
		bits[i / 8] |= (uint8_t)(1u << (i % 8));
}

/* "2", or "2..11" */
static bool
parse_range(struct slice text, uint8_t bits[32])
{
	size_t dots = slice_find(text, S(".."));
	uint64_t first, last;

	if (!slice_u64(slice_first(text, dots), 255, &first))
		return false;
	last = first;
	if (dots < text.len &&
	    (!slice_u64(slice_from(text, dots + 2), 255, &last) ||
		last < first))
		return false;
	allow(bits, first, last);
	return true;
}

/* One part of the pattern off the front of *rest. */
static bool
parse_part(struct slice *rest, uint8_t bits[32])
{
	struct slice list, item;

	if (!slice_starts(*rest, S("["))) {
		slice_cut(*rest, '.', &item, rest);
		return parse_range(item, bits);
	}
	if (!slice_cut(slice_from(*rest, 1), ']', &list, rest) || list.len == 0)
		return false;
	while (list.len > 0) {
		slice_cut(list, ';', &item, &list);
		if (!parse_range(item, bits))
			return false;
	}
	if (rest->len == 0)
		return true;
	if (rest->ptr[0] != '.')
		return false;
	*rest = slice_from(*rest, 1);
	return rest->len > 0;
}

static bool
parse_pattern(struct slice text, struct dnsbl_entry *entry)
{
	for (int i = 0; i < 4; i++)
		if (text.len == 0 || !parse_part(&text, entry->parts[i]))
			return false;
	return text.len == 0;
}

static bool
parse_weight(struct slice text, int *weight)
{
	bool is_negative = slice_starts(text, S("-"));
	uint64_t value;

	if (!slice_u64(slice_from(text, is_negative), WEIGHT_MAX, &value) ||
	    value == 0)
		return false;
	*weight = is_negative ? -(int)value : (int)value;
	return true;
}

bool
dnsbl_parse(struct slice text, struct dnsbl_entry *entry, struct why *why)
{
	struct slice rest = text, zone, pattern, weight;
	bool has_pattern;

	memset(entry, 0, sizeof(*entry));
	entry->weight = 1;
	if (slice_cut(rest, '*', &rest, &weight) &&
	    !parse_weight(weight, &entry->weight))
		return why_set(why,
		    "%.*s: the weight is a number from -%d to %d, not 0",
		    SLICE_FMT(text), WEIGHT_MAX, WEIGHT_MAX);
	has_pattern = slice_cut(rest, '=', &zone, &pattern);
	if (!domain_is_valid(zone) || slice_starts(zone, S("[")) ||
	    !slice_to_array(zone, entry->zone, sizeof(entry->zone)))
		return why_set(
		    why, "%.*s: does not begin with a domain", SLICE_FMT(text));
	allow(entry->parts[0], 127, 127);
	for (int i = 1; i < 4 && !has_pattern; i++)
		allow(entry->parts[i], 0, 255);
	if (!has_pattern)
		return true;
	memset(entry->parts, 0, sizeof(entry->parts));
	return parse_pattern(pattern, entry) ||
	       why_set(why,
		   "%.*s: the pattern is four parts as 127.0.0.[2..4;10]",
		   SLICE_FMT(text));
}

bool
dnsbl_matches(const struct dnsbl_entry *entry, const uint8_t answer[4])
{
	for (int i = 0; i < 4; i++)
		if ((entry->parts[i][answer[i] / 8] >> (answer[i] % 8) & 1) ==
		    0)
			return false;
	return true;
}

bool
rate_parse(struct slice text, struct rate_rule *rule, struct why *why)
{
	static const struct {
		char unit;
		uint64_t period;
	} units[] = { { 'm', 60 }, { 'h', 3600 }, { 'd', 86400 } };
	struct slice number, unit;

	if (slice_cut(text, '/', &number, &unit) && unit.len == 1 &&
	    slice_u64(number, RATE_MAX, &rule->limit) && rule->limit > 0)
		for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++)
			if (units[i].unit == ascii_lower(unit.ptr[0])) {
				rule->period = units[i].period;
				return true;
			}
	return why_set(
	    why, "%.*s: write a rate as 300/h or 1000/d", SLICE_FMT(text));
}

bool
policy_server_parse(
    struct slice text, struct policy_server *server, struct why *why)
{
	struct slice rest = slice_from(text, 5);
	uint64_t port;
	size_t colon;

	memset(server, 0, sizeof(*server));
	server->is_unix = slice_starts(text, S("unix:"));
	server->host = rest;
	if (server->is_unix)
		return (rest.len <= UNIX_PATH_MAX &&
			   slice_starts(rest, S("/"))) ||
		       why_set(why, "%.*s: not a short absolute path",
			   SLICE_FMT(text));
	colon = slice_last_index(rest, ':');
	if (!slice_starts(text, S("inet:")) || colon == rest.len ||
	    !slice_u64(slice_from(rest, colon + 1), UINT16_MAX, &port) ||
	    port == 0)
		return why_set(why, "%.*s: write inet:host:port or unix:/path",
		    SLICE_FMT(text));
	server->port = (uint16_t)port;
	server->host = slice_first(rest, colon);
	if (slice_starts(server->host, S("[")) &&
	    slice_ends(server->host, S("]")))
		server->host = slice_first(
		    slice_from(server->host, 1), server->host.len - 2);
	return server->host.len > 0 ||
	       why_set(why, "%.*s: there is no host", SLICE_FMT(text));
}

static bool
check_name_server(struct slice text, struct why *why)
{
	struct slice host = text, port = S("");
	struct netaddr addr;
	uint64_t number;

	if (slice_starts(text, S("[")) &&
	    !slice_cut(slice_from(text, 1), ']', &host, &port))
		host = S("");
	if (netaddr_parse(host, &addr) &&
	    (port.len == 0 ||
		(port.ptr[0] == ':' &&
		    slice_u64(slice_from(port, 1), UINT16_MAX, &number))))
		return true;
	return why_set(
	    why, "%.*s: write an address, or [address]:port", SLICE_FMT(text));
}

bool
verify_settings_check(const struct settings *settings, struct why *why)
{
	struct dnsbl_entry entry;
	struct rate_rule rule;
	struct policy_server server;

	for (size_t i = 0; i < settings->dnsbl.count; i++)
		if (!dnsbl_parse(
			slice_of(settings->dnsbl.items[i]), &entry, why))
			return why_context(why, "dnsbl");
	for (size_t i = 0; i < settings->rate_user.count; i++)
		if (!rate_parse(
			slice_of(settings->rate_user.items[i]), &rule, why))
			return why_context(why, "rate_user");
	for (size_t i = 0; i < settings->policy_servers.count; i++)
		if (!policy_server_parse(
			slice_of(settings->policy_servers.items[i]), &server,
			why))
			return why_context(why, "policy_servers");
	for (size_t i = 0; i < settings->dns_servers.count; i++)
		if (!check_name_server(
			slice_of(settings->dns_servers.items[i]), why))
			return why_context(why, "dns_servers");
	return settings->greylist_delay <= settings->greylist_window ||
	       why_set(why, "greylist_delay: not over greylist_window");
}
