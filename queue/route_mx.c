/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "queue/route_mx.h"

#include <stdio.h>
#include <string.h>

#include "common/alloc.h"

#include "queue/dns.h"

/* What the questions asked so far say, should no address be found. */
struct search {
	const struct route_request *request;
	struct route_mx *route;
	bool has_temporary;
};

static enum result
refuse(struct why *why, const char *status, enum result result)
{
	if (why != NULL)
		snprintf(why->status, sizeof(why->status), "%s", status);
	return result;
}

/* xorshift: only spreads load, nobody must be unable to guess it. */
static uint32_t
next_random(uint32_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 17;
	*state ^= *state << 5;
	return *state;
}

static void
record_swap(struct dns_record *a, struct dns_record *b)
{
	struct dns_record old = *a;

	*a = *b;
	*b = old;
}

static void
shuffle(struct dns_record *list, size_t count, uint32_t seed)
{
	uint32_t state = seed == 0 ? 1 : seed;

	for (size_t i = count; i > 1; i--)
		record_swap(&list[i - 1], &list[next_random(&state) % i]);
}

size_t
route_mx_order(
    struct dns_record *list, size_t count, uint32_t seed, const char *hostname)
{
	/* Shuffle all, then sort without moving equals. */
	shuffle(list, count, seed);
	for (size_t i = 1; i < count; i++)
		for (size_t j = i;
		     j > 0 && list[j].preference < list[j - 1].preference; j--)
			record_swap(&list[j], &list[j - 1]);
	for (size_t i = 0; i < count; i++) {
		if (!slice_eq_nocase(
			slice_of(list[i].name), slice_of(hostname)))
			continue;
		while (i > 0 && list[i - 1].preference == list[i].preference)
			i--;
		return i;
	}
	return count;
}

/* 0.0.0.0, ::, multicast and broadcast are nobody's mail host. */
static bool
is_usable(const struct netaddr *addr)
{
	static const uint8_t zero[16];

	if (addr->family == 4)
		return addr->bytes[0] != 0 && addr->bytes[0] < 224;
	return addr->family == 6 && memcmp(addr->bytes, zero, 16) != 0 &&
	       addr->bytes[0] != 0xff;
}

static void
add_target(struct route_mx *route, struct slice host,
    const struct netaddr *addr, uint16_t port)
{
	struct route_target *target = &route->targets[route->count];

	if (route->count == LIMIT_RELAY_ADDRESSES || !is_usable(addr) ||
	    !slice_to_array(host, target->host, sizeof(target->host)))
		return;
	target->addr = *addr;
	target->addr.port = port;
	route->count++;
}

/* The addresses of one family of a host: /etc/hosts first, then DNS. */
static enum dns_status
add_family(
    struct search *search, struct slice host, uint16_t port, enum dns_type type)
{
	struct netaddr found[LIMIT_RELAY_ADDRESSES];
	const struct dns_answer *answer;
	size_t count = hosts_find(
	    search->request->hosts, host, type, found, LIMIT_RELAY_ADDRESSES);

	for (size_t i = 0; i < count; i++)
		add_target(search->route, host, &found[i], port);
	if (count > 0)
		return DNS_OK;
	answer = search->request->find(search->request->context, host, type);
	for (size_t i = 0; i < answer->count; i++)
		add_target(search->route, host, &answer->records[i].addr, port);
	if (answer->status == DNS_TEMPORARY)
		search->has_temporary = true;
	return answer->status;
}

/* DNS_OK: the name has some address, DNS_NO_DOMAIN: it does not exist. */
static enum dns_status
add_host(struct search *search, struct slice host, uint16_t port)
{
	enum dns_status v4 = DNS_NO_DATA, v6 = DNS_NO_DATA;

	if (search->request->has_ipv4)
		v4 = add_family(search, host, port, DNS_A);
	if (search->request->has_ipv6 && v4 != DNS_NO_DOMAIN &&
	    search->route->count < LIMIT_RELAY_ADDRESSES)
		v6 = add_family(search, host, port, DNS_AAAA);
	/* "::1 name" in /etc/hosts, for a name that DNS does not know. */
	if (search->request->has_ipv6 && v4 == DNS_NO_DOMAIN &&
	    hosts_find(search->request->hosts, host, DNS_AAAA,
		&(struct netaddr){ 0 }, 1) > 0)
		v6 = add_family(search, host, port, DNS_AAAA);
	if (v4 == DNS_OK || v6 == DNS_OK)
		return DNS_OK;
	return v4 == DNS_NO_DATA ? v6 : v4;
}

/* "[1.2.3.4]" and "[IPv6:2001:db8::1]" (RFC 5321 section 4.1.3), text
 * without the brackets. */
static bool
literal_parse(struct slice text, struct netaddr *addr)
{
	if (slice_starts_nocase(text, S("IPv6:")))
		text = slice_from(text, 5);
	return netaddr_parse(text, addr);
}

/* Only one host to look for: its own result is the result. */
static enum result
find_host(
    struct search *search, struct slice host, uint16_t port, struct why *why)
{
	enum dns_status status = add_host(search, host, port);

	if (search->route->count > 0)
		return RESULT_OK;
	if (search->has_temporary) {
		why_set(why, "name service error for %.*s: try again",
		    SLICE_FMT(host));
		return refuse(why, "4.4.3", RESULT_LATER);
	}
	if (status == DNS_NO_DOMAIN) {
		why_set(why, "domain %.*s does not exist", SLICE_FMT(host));
		return refuse(why, "5.1.2", RESULT_NEVER);
	}
	why_set(why, "%.*s has no MX and no usable address", SLICE_FMT(host));
	return refuse(why, "5.4.4", RESULT_NEVER);
}

static bool
nexthop_parse(struct slice text, uint16_t default_port, struct slice *host,
    uint16_t *port)
{
	struct slice rest;
	uint64_t number = default_port;

	if (slice_starts(text, S("["))) {
		if (!slice_cut(slice_from(text, 1), ']', host, &rest) ||
		    (rest.len > 0 && rest.ptr[0] != ':'))
			return false;
		rest = slice_from(rest, 1);
	} else {
		slice_cut(text, ':', host, &rest);
	}
	if (rest.len > 0 &&
	    (!slice_u64(rest, UINT16_MAX, &number) || number == 0))
		return false;
	*port = (uint16_t)number;
	return host->len > 0;
}

/* What the administrator says is tried again until he corrects it: a wrong
 * or unknown next hop never bounces mail. */
static enum result
find_nexthop(struct search *search, struct why *why)
{
	struct slice nexthop = search->request->nexthop, host;
	struct netaddr addr;
	uint16_t port;

	if (!nexthop_parse(nexthop, search->request->port, &host, &port)) {
		why_set(why, "next hop \"%.*s\" is not host:port",
		    SLICE_FMT(nexthop));
		return refuse(why, "4.3.5", RESULT_LATER);
	}
	if (literal_parse(host, &addr)) {
		add_target(search->route, host, &addr, port);
		if (search->route->count > 0)
			return RESULT_OK;
		why_set(why, "next hop %.*s is not a usable address",
		    SLICE_FMT(nexthop));
		return refuse(why, "4.3.5", RESULT_LATER);
	}
	if (find_host(search, host, port, why) == RESULT_OK)
		return RESULT_OK;
	why_context(why, "next hop %.*s", SLICE_FMT(nexthop));
	return refuse(
	    why, search->has_temporary ? "4.4.3" : "4.4.4", RESULT_LATER);
}

/* The MX list, copied: the answer lives only until the next question. */
static enum result
find_listed(
    struct search *search, const struct dns_answer *answer, struct why *why)
{
	const struct route_request *request = search->request;
	struct dns_record *list = alloc_zero(answer->count, sizeof(*list));
	size_t count = answer->count;

	memcpy(list, answer->records, count * sizeof(*list));
	count = route_mx_order(list, count, request->seed, request->hostname);
	for (size_t i = 0;
	     i < count && search->route->count < LIMIT_RELAY_ADDRESSES; i++)
		if (list[i].name[0] != '\0')
			add_host(search, slice_of(list[i].name), request->port);
	alloc_release(list);
	if (search->route->count > 0)
		return RESULT_OK;
	if (count == 0) {
		why_set(why, "mail for %.*s loops back to myself",
		    SLICE_FMT(request->domain));
		return refuse(why, "5.4.6", RESULT_NEVER);
	}
	if (search->has_temporary) {
		why_set(why, "no MX host of %.*s could be looked up",
		    SLICE_FMT(request->domain));
		return refuse(why, "4.4.3", RESULT_LATER);
	}
	why_set(why, "no MX host of %.*s has a usable address",
	    SLICE_FMT(request->domain));
	return refuse(why, "5.4.4", RESULT_NEVER);
}

static enum result
find_domain(struct search *search, struct why *why)
{
	const struct route_request *request = search->request;
	const struct dns_answer *answer =
	    request->find(request->context, request->domain, DNS_MX);

	switch (answer->status) {
	case DNS_OK:
		if (answer->count != 1 || answer->records[0].name[0] != '\0')
			return find_listed(search, answer, why);
		why_set(why, "domain %.*s accepts no mail (null MX)",
		    SLICE_FMT(request->domain));
		return refuse(why, "5.1.10", RESULT_NEVER);
	case DNS_TEMPORARY:
		/* A laboratory without DNS: /etc/hosts may know it. */
	case DNS_NO_DOMAIN:
		if (hosts_find(request->hosts, request->domain, DNS_A,
			&(struct netaddr){ 0 }, 1) == 0 &&
		    answer->status == DNS_TEMPORARY) {
			why_set(why, "MX lookup for %.*s failed: try again",
			    SLICE_FMT(request->domain));
			return refuse(why, "4.4.3", RESULT_LATER);
		}
		break;
	case DNS_NO_DATA:
		break;
	}
	return find_host(search, request->domain, request->port, why);
}

enum result
route_mx_find(const struct route_request *request, struct route_mx *route,
    struct why *why)
{
	struct search search = { .request = request, .route = route };
	struct netaddr addr;

	memset(route, 0, sizeof(*route));
	if (request->nexthop.len > 0)
		return find_nexthop(&search, why);
	if (!slice_starts(request->domain, S("[")))
		return find_domain(&search, why);
	if (!slice_ends(request->domain, S("]")) ||
	    !literal_parse(slice_first(slice_from(request->domain, 1),
			       request->domain.len - 2),
		&addr)) {
		why_set(why, "%.*s is no address literal",
		    SLICE_FMT(request->domain));
		return refuse(why, "5.1.3", RESULT_NEVER);
	}
	add_target(route, request->domain, &addr, request->port);
	if (route->count > 0)
		return RESULT_OK;
	why_set(
	    why, "%.*s is not a usable address", SLICE_FMT(request->domain));
	return refuse(why, "5.1.2", RESULT_NEVER);
}
