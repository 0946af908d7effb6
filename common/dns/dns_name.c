/* SPDX-License-Identifier: ISC */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "common/address.h"

#include "common/dns/dns.h"

#define BLANKS S(" \t\r")

enum {
	NAMES_MAX = 4, /* of one address that are tried */
	ADDRESSES_MAX = 32
};

struct slice
hosts_name(struct slice hosts, const struct netaddr *addr)
{
	struct slice line, comment, word, name;
	struct netaddr other;

	while (hosts.len > 0) {
		slice_cut(hosts, '\n', &line, &hosts);
		slice_cut(line, '#', &line, &comment);
		if (slice_token(&line, BLANKS, &word) &&
		    netaddr_parse(word, &other) &&
		    netaddr_is_same_prefix(&other, addr, 16) &&
		    slice_token(&line, BLANKS, &name))
			return name;
	}
	return S("");
}

bool
dns_reverse_format(
    struct buf *out, const struct netaddr *addr, const char *zone)
{
	size_t size = addr->family == 6 ? 16 : 4;

	if (addr->family != 4 && addr->family != 6)
		return false;
	for (size_t i = size; i > 0; i--) {
		unsigned int byte = addr->bytes[i - 1];

		if (size == 4)
			buf_add_format(out, "%u.", byte);
		else
			buf_add_format(out, "%x.%x.", byte & 15, byte >> 4);
	}
	if (zone == NULL)
		zone = size == 4 ? "in-addr.arpa" : "ip6.arpa";
	return buf_add_string(out, zone);
}

/* Does the name lead back to the address? */
static bool
is_confirmed(struct dns_resolver *resolver, struct slice name,
    const struct netaddr *addr)
{
	enum dns_type type = addr->family == 6 ? DNS_AAAA : DNS_A;
	struct netaddr known[ADDRESSES_MAX];
	const struct dns_answer *answer;
	size_t count = hosts_find(
	    buf_slice(&resolver->hosts), name, type, known, ADDRESSES_MAX);

	for (size_t i = 0; i < count; i++)
		if (netaddr_is_same_prefix(&known[i], addr, 16))
			return true;
	answer = dns_find(resolver, name, type);
	for (size_t i = 0; answer->status == DNS_OK && i < answer->count; i++)
		if (netaddr_is_same_prefix(&answer->records[i].addr, addr, 16))
			return true;
	return false;
}

bool
dns_find_name(struct dns_resolver *resolver, const struct netaddr *addr,
    char *name, size_t size)
{
	char names[NAMES_MAX][DNS_NAME_SIZE];
	const struct dns_answer *answer;
	struct buf reverse;
	size_t count = 0;

	if (slice_to_array(
		hosts_name(buf_slice(&resolver->hosts), addr), name, size) &&
	    domain_is_valid(slice_of(name)))
		return true;
	buf_init(&reverse, DNS_NAME_SIZE);
	if (dns_reverse_format(&reverse, addr, NULL)) {
		answer = dns_find(resolver, buf_slice(&reverse), DNS_PTR);
		/* The answer is gone with the next question. */
		while (answer->status == DNS_OK && count < answer->count &&
		       count < NAMES_MAX) {
			memcpy(names[count], answer->records[count].name,
			    DNS_NAME_SIZE);
			count++;
		}
	}
	buf_free(&reverse);
	for (size_t i = 0; i < count; i++)
		if (domain_is_valid(slice_of(names[i])) &&
		    is_confirmed(resolver, slice_of(names[i]), addr))
			return slice_to_array(slice_of(names[i]), name, size);
	return false;
}
