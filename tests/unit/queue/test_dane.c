/* SPDX-License-Identifier: ISC */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "queue/dane.h"

#include "tests/unit/unit.h"

#define HEX32 "0123456789abcdef0123456789abcdef"
#define HEX64 HEX32 HEX32

/* What the name servers say of _25._tcp.mx.test. */
struct zone {
	enum dns_status status;
	bool is_authentic;
	const char *records[3];
};

static const struct dns_answer *
find(void *context, struct slice name, enum dns_type type)
{
	static struct dns_answer answer;
	const struct zone *zone = context;

	assert_true(slice_eq(name, S("_25._tcp.mx.test")));
	assert_int_equal(type, DNS_TLSA);
	memset(&answer, 0, sizeof(answer));
	answer.status = zone->status;
	answer.is_authentic = zone->is_authentic;
	for (size_t i = 0; i < 3 && zone->records[i] != NULL; i++) {
		snprintf(answer.records[i].name, sizeof(answer.records[i].name),
		    "%s", zone->records[i]);
		answer.count++;
	}
	return &answer;
}

#define ONE "3 1 1 " HEX64
#define TWO "2 0 2 " HEX64 HEX64

/* expected: a level and the records, or "later TEXT". */
static const struct sample {
	const char *name;
	bool is_untrusted, is_mx_insecure, is_address_insecure;
	struct zone zone;
	const char *dane, *only;
} samples[] = {
	{ .name = "records that can be used",
	    .zone = { .is_authentic = true, .records = { ONE, TWO } },
	    .dane = "verify " ONE "," TWO,
	    .only = "verify " ONE "," TWO },
	{ .name = "those that cannot are left out",
	    .zone = { .is_authentic = true,
		.records = { "1 0 1 " HEX64, ONE, "3 1 0 00" } },
	    .dane = "verify " ONE,
	    .only = "verify " ONE },
	{ .name = "only such: TLS, and nobody is known",
	    .zone = { .is_authentic = true,
		.records = { "0 0 1 " HEX64, "3 2 1 " HEX64, "3 1 2 " HEX64 } },
	    .dane = "encrypt ",
	    .only = "later dane-only: no TLSA record that can be used" },
	{ .name = "too long to be a digest",
	    .zone = { .is_authentic = true, .records = { "3 1 1 " } },
	    .dane = "encrypt ",
	    .only = "later dane-only: no TLSA record that can be used" },
	{ .name = "records that nobody vouches for",
	    .zone = { .records = { ONE } },
	    .dane = "may ",
	    .only = "later dane-only: no TLSA records" },
	{ .name = "none, and DNSSEC says so",
	    .zone = { .status = DNS_NO_DOMAIN, .is_authentic = true },
	    .dane = "may ",
	    .only = "later dane-only: no TLSA records" },
	{ .name = "no answer",
	    .zone = { .status = DNS_TEMPORARY },
	    .dane = "later the TLSA records of mx.test cannot be looked up",
	    .only = "later the TLSA records of mx.test cannot be looked up" },
	{ .name = "an MX that anybody could have written",
	    .is_mx_insecure = true,
	    .dane = "may ",
	    .only = "later dane-only: MX or address is without DNSSEC" },
	{ .name = "an address that anybody could have written",
	    .is_address_insecure = true,
	    .dane = "may ",
	    .only = "later dane-only: MX or address is without DNSSEC" },
	{ .name = "name servers that are not believed",
	    .is_untrusted = true,
	    .dane = "may ",
	    .only = "later dane-only: no name server is believed about DNSSEC "
		    "(dns_trust)" },
};

static void
check(const struct sample *sample, enum tls_level level, const char *expected)
{
	struct zone zone = sample->zone;
	const struct dane_request request = { .level = level,
		.is_trusted = !sample->is_untrusted,
		.find = find,
		.context = &zone };
	const struct route_mx route = { .is_secure = !sample->is_mx_insecure };
	const struct route_target target = { .host = "mx.test",
		.addr = { .family = 4, .port = 25 },
		.is_secure = !sample->is_address_insecure };
	struct why why = { 0 };
	struct dane dane;
	char found[DANE_RECORDS_SIZE + 300];

	if (dane_find(&request, &route, &target, &dane, &why) == RESULT_OK)
		snprintf(found, sizeof(found), "%s %s",
		    tls_level_name(dane.level), dane.records);
	else
		snprintf(found, sizeof(found), "later %s", why.text);
	assert_string_equal(found, expected);
}

static void
each_answer_has_its_level(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(samples) / sizeof(samples[0]); i++) {
		print_message("%s\n", samples[i].name);
		check(&samples[i], TLS_LEVEL_DANE, samples[i].dane);
		check(&samples[i], TLS_LEVEL_DANE_ONLY, samples[i].only);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_answer_has_its_level),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
