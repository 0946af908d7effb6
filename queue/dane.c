/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "queue/dane.h"

#include <stdio.h>
#include <string.h>

#include "common/buf.h"

/* RFC 6698 section 2.1. */
enum {
	USAGE_TRUST_ANCHOR = 2,
	USAGE_END_ENTITY = 3
};
enum {
	SHA2_256 = 1,
	SHA2_512 = 2
};

/* Digits of a digest by matching type; "as it is" (0) is not used: such
 * records do not fit into a datagram, and RFC 7671 section 10.1.2 advises
 * against them. */
static const size_t digits[] = { [SHA2_256] = 64, [SHA2_512] = 128 };

static bool
is_usable(struct slice record)
{
	struct slice usage, selector, matching;
	uint64_t numbers[3];

	return slice_cut(record, ' ', &usage, &record) &&
	       slice_cut(record, ' ', &selector, &record) &&
	       slice_cut(record, ' ', &matching, &record) &&
	       slice_u64(usage, 255, &numbers[0]) &&
	       slice_u64(selector, 255, &numbers[1]) &&
	       slice_u64(matching, 255, &numbers[2]) &&
	       (numbers[0] == USAGE_TRUST_ANCHOR ||
		   numbers[0] == USAGE_END_ENTITY) &&
	       numbers[1] <= 1 &&
	       (numbers[2] == SHA2_256 || numbers[2] == SHA2_512) &&
	       record.len == digits[numbers[2]];
}

/* How many, at most DANE_RECORDS. */
static size_t
collect(const struct dns_answer *answer, char records[DANE_RECORDS_SIZE])
{
	size_t count = 0, used = 0;

	records[0] = '\0';
	for (size_t i = 0; i < answer->count && count < DANE_RECORDS; i++) {
		if (!is_usable(slice_of(answer->records[i].name)))
			continue;
		used +=
		    (size_t)snprintf(records + used, DANE_RECORDS_SIZE - used,
			"%s%s", count == 0 ? "" : ",", answer->records[i].name);
		count++;
	}
	return count;
}

/* No word of DNSSEC, or no record. */
static enum result
without_records(
    const struct dane_request *request, const char *reason, struct why *why)
{
	if (request->level == TLS_LEVEL_DANE)
		return RESULT_OK;
	why_set(why, "dane-only: %s", reason);
	return RESULT_LATER;
}

static const struct dns_answer *
ask(const struct dane_request *request, const struct route_target *target)
{
	const struct dns_answer *answer;
	struct buf name;

	buf_init(&name, DNS_NAME_SIZE + 16);
	buf_add_format(&name, "_%u._tcp.%s", target->addr.port, target->host);
	answer = request->find(request->context, buf_slice(&name), DNS_TLSA);
	buf_free(&name);
	return answer;
}

enum result
dane_find(const struct dane_request *request, const struct route_mx *route,
    const struct route_target *target, struct dane *dane, struct why *why)
{
	const struct dns_answer *answer;

	*dane = (struct dane){ .level = TLS_LEVEL_MAY };
	if (!request->is_trusted)
		return without_records(request,
		    "no name server is believed about DNSSEC (dns_trust)", why);
	if (!route->is_secure || !target->is_secure)
		return without_records(
		    request, "MX or address is without DNSSEC", why);
	answer = ask(request, target);
	if (answer->status == DNS_TEMPORARY) {
		why_set(why, "the TLSA records of %s cannot be looked up",
		    target->host);
		return RESULT_LATER;
	}
	if (answer->status != DNS_OK || !answer->is_authentic)
		return without_records(request, "no TLSA records", why);
	if (collect(answer, dane->records) > 0) {
		dane->level = TLS_LEVEL_VERIFY;
		return RESULT_OK;
	}
	dane->level = TLS_LEVEL_ENCRYPT;
	return without_records(request, "no TLSA record that can be used", why);
}
