/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "queue/route_mx.h"

#include <stdio.h>
#include <string.h>

#include "common/alloc.h"
#include "common/buf.h"

#include "common/dns/dns.h"

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

/* RFC 2782: by priority; among equals a random number below the sum of their
 * weights picks the next. */
void
route_srv_order(struct dns_record *list, size_t count, uint32_t seed)
{
	uint32_t state = seed == 0 ? 1 : seed, sum, pick;
	size_t end, at;

	for (size_t i = 1; i < count; i++)
		for (size_t j = i;
		     j > 0 && list[j].preference < list[j - 1].preference; j--)
			record_swap(&list[j], &list[j - 1]);
	for (size_t i = 0; i < count; i++) {
		sum = 0;
		for (end = i;
		     end < count && list[end].preference == list[i].preference;
		     end++)
			sum += list[end].weight;
		pick = sum == 0 ? 0 : next_random(&state) % sum;
		for (at = i; at + 1 < end && pick >= list[at].weight; at++)
			pick -= list[at].weight;
		record_swap(&list[i], &list[at]);
	}
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
    const struct netaddr *addr, uint16_t port, bool is_secure)
{
	struct route_target *target = &route->targets[route->count];

	if (route->count == LIMIT_RELAY_ADDRESSES || !is_usable(addr) ||
	    !slice_to_array(host, target->host, sizeof(target->host)))
		return;
	target->addr = *addr;
	target->addr.port = port;
	target->is_secure = is_secure;
	route->count++;
}

struct found {
	struct netaddr addrs[LIMIT_RELAY_ADDRESSES];
	size_t count;
	bool is_secure;
};

/* The addresses of one family of a host: /etc/hosts first, then DNS. */
static enum dns_status
find_family(struct search *search, struct slice host, enum dns_type type,
    struct found *found)
{
	const struct dns_answer *answer;

	found->count = hosts_find(search->request->hosts, host, type,
	    found->addrs, LIMIT_RELAY_ADDRESSES);
	found->is_secure = true;
	if (found->count > 0)
		return DNS_OK;
	answer = search->request->find(search->request->context, host, type);
	found->is_secure = answer->is_authentic;
	for (size_t i = 0;
	     i < answer->count && found->count < LIMIT_RELAY_ADDRESSES; i++)
		if (is_usable(&answer->records[i].addr))
			found->addrs[found->count++] = answer->records[i].addr;
	if (answer->status == DNS_TEMPORARY)
		search->has_temporary = true;
	return answer->status;
}

/* One of each family in turn, so that neither fills all the places; the
 * family that answered last time goes first, else IPv4. */
static void
add_found(struct search *search, struct slice host, uint16_t port,
    const struct found found[2])
{
	const struct route_request *request = search->request;
	size_t first = 0;

	if (request->prefer != NULL &&
	    request->prefer(request->context, host) == 6)
		first = 1;
	for (size_t i = 0; i < LIMIT_RELAY_ADDRESSES; i++)
		for (size_t n = 0; n < 2; n++) {
			const struct found *f = &found[(first + n) % 2];

			if (i < f->count)
				add_target(search->route, host, &f->addrs[i],
				    port, f->is_secure);
		}
}

/* DNS_OK: the name has some address, DNS_NO_DOMAIN: it does not exist. */
static enum dns_status
add_host(struct search *search, struct slice host, uint16_t port)
{
	const struct route_request *request = search->request;
	enum dns_status v4 = DNS_NO_DATA, v6 = DNS_NO_DATA;
	struct found found[2] = { 0 };
	bool is_unknown;

	if (request->has_ipv4)
		v4 = find_family(search, host, DNS_A, &found[0]);
	/* "::1 name" in /etc/hosts, for a name that DNS does not know. */
	is_unknown =
	    v4 == DNS_NO_DOMAIN && hosts_find(request->hosts, host, DNS_AAAA,
				       &(struct netaddr){ 0 }, 1) == 0;
	if (request->has_ipv6 && !is_unknown)
		v6 = find_family(search, host, DNS_AAAA, &found[1]);
	add_found(search, host, port, found);
	if (v4 == DNS_OK || v6 == DNS_OK)
		return DNS_OK;
	return v4 == DNS_NO_DATA ? v6 : v4;
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

/* The MX list, copied: the answer lives only until the next question. */
static enum result
find_listed(struct search *search, const struct dns_answer *answer,
    struct slice domain, uint16_t port, struct why *why)
{
	const struct route_request *request = search->request;
	struct dns_record *list = alloc_zero(answer->count, sizeof(*list));
	size_t count = answer->count;

	memcpy(list, answer->records, count * sizeof(*list));
	count = route_mx_order(list, count, request->seed, request->hostname);
	for (size_t i = 0;
	     i < count && search->route->count < LIMIT_RELAY_ADDRESSES; i++)
		if (list[i].name[0] != '\0')
			add_host(search, slice_of(list[i].name), port);
	alloc_release(list);
	if (search->route->count > 0)
		return RESULT_OK;
	if (count == 0) {
		why_set(why, "mail for %.*s loops back to myself",
		    SLICE_FMT(domain));
		return refuse(why, "5.4.6", RESULT_NEVER);
	}
	if (search->has_temporary) {
		why_set(why, "no MX host of %.*s could be looked up",
		    SLICE_FMT(domain));
		return refuse(why, "4.4.3", RESULT_LATER);
	}
	why_set(
	    why, "no MX host of %.*s has a usable address", SLICE_FMT(domain));
	return refuse(why, "5.4.4", RESULT_NEVER);
}

static enum result
find_domain(
    struct search *search, struct slice domain, uint16_t port, struct why *why)
{
	const struct route_request *request = search->request;
	const struct dns_answer *answer =
	    request->find(request->context, domain, DNS_MX);

	search->route->is_secure = answer->is_authentic;
	switch (answer->status) {
	case DNS_OK:
		if (answer->count != 1 || answer->records[0].name[0] != '\0')
			return find_listed(search, answer, domain, port, why);
		why_set(why, "domain %.*s accepts no mail (null MX)",
		    SLICE_FMT(domain));
		return refuse(why, "5.1.10", RESULT_NEVER);
	case DNS_TEMPORARY:
		/* A laboratory without DNS: /etc/hosts may know it. */
	case DNS_NO_DOMAIN:
		if (hosts_find(request->hosts, domain, DNS_A,
			&(struct netaddr){ 0 }, 1) == 0 &&
		    answer->status == DNS_TEMPORARY) {
			search->has_temporary = true;
			why_set(why, "MX lookup for %.*s failed: try again",
			    SLICE_FMT(domain));
			return refuse(why, "4.4.3", RESULT_LATER);
		}
		break;
	case DNS_NO_DATA:
		break;
	}
	return find_host(search, domain, port, why);
}

/* What the mail itself says: a domain, or a literal. */
static enum result
find_destination(struct search *search, struct why *why)
{
	const struct route_request *request = search->request;
	struct slice domain = request->domain;
	struct netaddr addr;

	if (!slice_starts(domain, S("[")))
		return find_domain(search, domain, request->port, why);
	if (!slice_ends(domain, S("]")) ||
	    !next_hop_parse_address(
		slice_first(slice_from(domain, 1), domain.len - 2), &addr)) {
		why_set(why, "%.*s is no address literal", SLICE_FMT(domain));
		return refuse(why, "5.1.3", RESULT_NEVER);
	}
	add_target(search->route, domain, &addr, request->port, false);
	if (search->route->count > 0)
		return RESULT_OK;
	why_set(why, "%.*s is not a usable address", SLICE_FMT(domain));
	return refuse(why, "5.1.2", RESULT_NEVER);
}

/* RFC 6186 section 3.4, RFC 8314 section 5.1; "." is "not here". */
static void
add_service(struct search *search, const char *service, bool is_tls_first)
{
	const struct route_request *request = search->request;
	const struct dns_answer *answer;
	struct dns_record *list;
	struct buf name;
	size_t before, count;

	buf_init(&name, DNS_NAME_SIZE);
	buf_add_format(&name, "%s._tcp.%s", service, search->route->hop.name);
	answer = request->find(request->context, buf_slice(&name), DNS_SRV);
	buf_free(&name);
	search->route->is_secure = answer->is_authentic;
	search->has_temporary |= answer->status == DNS_TEMPORARY;
	count = answer->status == DNS_OK ? answer->count : 0;
	list = alloc_zero(count + 1, sizeof(*list));
	memcpy(list, answer->records, count * sizeof(*list));
	route_srv_order(list, count, request->seed);
	for (size_t i = 0; i < count; i++) {
		before = search->route->count;
		if (list[i].name[0] != '\0' && list[i].port != 0)
			add_host(search, slice_of(list[i].name), list[i].port);
		for (; before < search->route->count; before++)
			search->route->targets[before].is_tls_first =
			    is_tls_first;
	}
	alloc_release(list);
}

static enum result
find_service(struct search *search, struct why *why)
{
	add_service(search, "_submissions", true);
	if (search->route->count == 0)
		add_service(search, "_submission", false);
	if (search->route->count > 0)
		return RESULT_OK;
	why_set(why, "%s has no submission service in DNS",
	    search->route->hop.name);
	return RESULT_LATER;
}

static enum result
find_address_or_host(struct search *search, struct why *why)
{
	const struct next_hop *hop = &search->route->hop;
	struct slice host = slice_of(hop->name);
	struct netaddr addr;
	uint16_t port = search->request->port;

	if (hop->is_lmtp)
		port = NEXT_HOP_LMTP_PORT;
	if (hop->port != 0)
		port = hop->port;
	search->route->is_secure = true;
	if (!next_hop_parse_address(host, &addr))
		return find_host(search, host, port, why);
	add_target(search->route, host, &addr, port, false);
	if (search->route->count > 0)
		return RESULT_OK;
	why_set(why, "not a usable address");
	refuse(why, "4.3.5", RESULT_LATER);
	return RESULT_LATER;
}

static enum result
find_by_hop(struct search *search, struct why *why)
{
	struct route_mx *route = search->route;
	const struct next_hop *hop = &route->hop;

	switch (hop->kind) {
	case NEXT_HOP_MX:
		return find_domain(search, slice_of(hop->name),
		    hop->port != 0 ? hop->port : search->request->port, why);
	case NEXT_HOP_SERVICE:
		return find_service(search, why);
	case NEXT_HOP_SOCKET:
		snprintf(route->targets[0].host, sizeof(route->targets[0].host),
		    "%s", hop->name);
		route->count = 1;
		return RESULT_OK;
	case NEXT_HOP_HOST:
		break;
	}
	return find_address_or_host(search, why);
}

/* What the administrator says is tried again until he corrects it: a wrong
 * or unknown next hop never bounces mail. */
static enum result
find_nexthop(struct search *search, struct why *why)
{
	struct slice nexthop = search->request->nexthop;
	const struct next_hop *hop = &search->route->hop;
	const char *status;

	if (!next_hop_parse(nexthop, &search->route->hop, why))
		return refuse(why, "4.3.5", RESULT_LATER);
	if (hop->kind == NEXT_HOP_MX && hop->name[0] == '\0')
		return find_destination(search, why);
	if (find_by_hop(search, why) == RESULT_OK)
		return RESULT_OK;
	why_context(why, "next hop %.*s", SLICE_FMT(nexthop));
	status = search->has_temporary ? "4.4.3" : "4.4.4";
	if (why != NULL && strcmp(why->status, "4.3.5") == 0)
		status = "4.3.5";
	return refuse(why, status, RESULT_LATER);
}

enum result
route_mx_find(const struct route_request *request, struct route_mx *route,
    struct why *why)
{
	struct search search = { .request = request, .route = route };

	memset(route, 0, sizeof(*route));
	if (request->nexthop.len > 0)
		return find_nexthop(&search, why);
	return find_destination(&search, why);
}
