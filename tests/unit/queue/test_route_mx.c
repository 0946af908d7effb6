/* SPDX-License-Identifier: ISC */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "common/buf.h"

#include "queue/route_mx.h"

#include "tests/unit/unit.h"

/* A zone: "NAME TYPE VALUE...", "!" no such domain, "?" no answer. */
static const char *const zone[] = {
	"one.test MX 10:mx1.test",
	"mx1.test A 192.0.2.1",
	"mx2.test A 192.0.2.2",
	"mx2.test AAAA 2001:db8::2",
	"two.test MX 20:mx1.test 10:mx2.test",
	"implicit.test A 192.0.2.9",
	"null.test MX 0:",
	"cut.test MX 5:mx1.test 10:me.test 10:mx2.test 20:mx3.test",
	"self.test MX 10:ME.TEST 20:mx1.test",
	"gone.test !",
	"never.test !",
	"slow.test ?",
	"deadmx.test MX 10:gone.test",
	"slowmx.test MX 10:slow.test",
	"halfslow.test MX 10:slow.test 20:mx1.test",
	"broken.test MX 10:zero.test",
	"zero.test A 0.0.0.0 224.0.0.1 255.255.255.255",
	("many.test A 192.0.2.1 192.0.2.2 192.0.2.3 192.0.2.4 192.0.2.5 "
	 "192.0.2.6"),
	"six.test AAAA 2001:db8::6",
	"both.test A 192.0.2.1 192.0.2.2 192.0.2.3 192.0.2.4",
	"both.test AAAA 2001:db8::1 2001:db8::2 2001:db8::3",
	"prefers6.test A 192.0.2.1",
	"prefers6.test AAAA 2001:db8::1",
	"_submissions._tcp.srv.test SRV 10:0:465:mx1.test",
	"_submission._tcp.srv.test SRV 0:0:587:mx2.test",
	"_submissions._tcp.old.test SRV 0:0:0:",
	"_submission._tcp.old.test SRV 20:0:588:mx1.test 10:0:587:mx2.test",
	"_submission._tcp.slowsrv.test ?",
	"empty.test TXT x",
};

static const char hosts[] = "127.0.0.1 lab.test\n10.0.0.7 gone.test\n"
			    "fd00::1 six.lab\n";

static void
add_record(struct dns_answer *answer, enum dns_type type, struct slice value)
{
	struct dns_record *record = &answer->records[answer->count++];
	struct slice preference, name;
	uint64_t number = 0;

	memset(record, 0, sizeof(*record));
	if (type == DNS_SRV) {
		slice_cut(value, ':', &preference, &value);
		slice_u64(preference, UINT16_MAX, &number);
		record->preference = (uint16_t)number;
		slice_cut(value, ':', &preference, &value);
		slice_cut(value, ':', &preference, &name);
		slice_u64(preference, UINT16_MAX, &number);
		record->port = (uint16_t)number;
		slice_to_array(name, record->name, sizeof(record->name));
		return;
	}
	if (type != DNS_MX) {
		assert_true(netaddr_parse(value, &record->addr));
		return;
	}
	slice_cut(value, ':', &preference, &name);
	slice_u64(preference, UINT16_MAX, &number);
	record->preference = (uint16_t)number;
	slice_to_array(name, record->name, sizeof(record->name));
}

static const struct dns_answer *
zone_find(void *context, struct slice name, enum dns_type type)
{
	static const char *const types[] = { [DNS_A] = "A",
		[DNS_MX] = "MX",
		[DNS_AAAA] = "AAAA",
		[DNS_SRV] = "SRV" };
	struct dns_answer *answer = context;
	struct slice line, word;

	answer->count = 0;
	answer->status = DNS_NO_DATA;
	for (size_t i = 0; i < sizeof(zone) / sizeof(zone[0]); i++) {
		line = slice_of(zone[i]);
		slice_token(&line, S(" "), &word);
		if (!slice_eq_nocase(word, name))
			continue;
		slice_token(&line, S(" "), &word);
		if (slice_eq(word, S("!")))
			answer->status = DNS_NO_DOMAIN;
		else if (slice_eq(word, S("?")))
			answer->status = DNS_TEMPORARY;
		if (!slice_eq(word, slice_of(types[type])))
			continue;
		answer->status = DNS_OK;
		while (slice_token(&line, S(" "), &word))
			add_record(answer, type, word);
	}
	return answer;
}

struct sample {
	const char *domain, *nexthop;
	enum result result;
	const char *expected; /* addresses, or the status code */
};

static const struct sample samples[] = {
	{ "one.test", "", RESULT_OK, "mx1.test[192.0.2.1]:25" },
	{ "two.test", "", RESULT_OK,
	    "mx2.test[192.0.2.2]:25 mx2.test[2001:db8::2]:25 "
	    "mx1.test[192.0.2.1]:25" },
	{ "implicit.test", "", RESULT_OK, "implicit.test[192.0.2.9]:25" },
	{ "six.test", "", RESULT_OK, "six.test[2001:db8::6]:25" },
	{ "lab.test", "", RESULT_OK, "lab.test[127.0.0.1]:25" },
	{ "gone.test", "", RESULT_OK, "gone.test[10.0.0.7]:25" },
	{ "null.test", "", RESULT_NEVER, "5.1.10" },
	{ "never.test", "", RESULT_NEVER, "5.1.2" },
	{ "cut.test", "", RESULT_OK, "mx1.test[192.0.2.1]:25" },
	{ "self.test", "", RESULT_NEVER, "5.4.6" },
	{ "slow.test", "", RESULT_LATER, "4.4.3" },
	{ "slowmx.test", "", RESULT_LATER, "4.4.3" },
	{ "halfslow.test", "", RESULT_OK, "mx1.test[192.0.2.1]:25" },
	{ "broken.test", "", RESULT_NEVER, "5.4.4" },
	{ "empty.test", "", RESULT_NEVER, "5.4.4" },
	{ "deadmx.test", "", RESULT_OK, "gone.test[10.0.0.7]:25" },
	{ "many.test", "", RESULT_OK,
	    "many.test[192.0.2.1]:25 many.test[192.0.2.2]:25 "
	    "many.test[192.0.2.3]:25 many.test[192.0.2.4]:25 "
	    "many.test[192.0.2.5]:25" },
	{ "[192.0.2.7]", "", RESULT_OK, "[192.0.2.7][192.0.2.7]:25" },
	{ "[IPv6:2001:db8::7]", "", RESULT_OK,
	    "[IPv6:2001:db8::7][2001:db8::7]:25" },
	{ "[192.0.2]", "", RESULT_NEVER, "5.1.3" },
	{ "[0.0.0.0]", "", RESULT_NEVER, "5.1.2" },
	{ "one.test", "mx2.test:587", RESULT_OK,
	    "mx2.test[192.0.2.2]:587 mx2.test[2001:db8::2]:587" },
	{ "one.test", "[mx1.test]", RESULT_OK, "mx1.test[192.0.2.1]:25" },
	{ "one.test", "[192.0.2.8]:26", RESULT_OK, "192.0.2.8[192.0.2.8]:26" },
	{ "one.test", "[IPv6:2001:db8::8]:26", RESULT_OK,
	    "IPv6:2001:db8::8[2001:db8::8]:26" },
	{ "one.test", "six.lab", RESULT_OK, "six.lab[fd00::1]:25" },
	{ "one.test", "empty.test", RESULT_LATER, "4.4.4" },
	{ "one.test", "slow.test:25", RESULT_LATER, "4.4.3" },
	{ "one.test", "mx1.test:0", RESULT_LATER, "4.3.5" },
	{ "one.test", "mx1.test:x", RESULT_LATER, "4.3.5" },
	{ "one.test", "[mx1.test", RESULT_LATER, "4.3.5" },
	{ "one.test", "[0.0.0.0]:25", RESULT_LATER, "4.3.5" },
	{ "both.test", "", RESULT_OK,
	    "both.test[192.0.2.1]:25 both.test[2001:db8::1]:25 "
	    "both.test[192.0.2.2]:25 both.test[2001:db8::2]:25 "
	    "both.test[192.0.2.3]:25" },
	{ "prefers6.test", "", RESULT_OK,
	    "prefers6.test[2001:db8::1]:25 prefers6.test[192.0.2.1]:25" },
	{ "one.test", "mx:", RESULT_OK, "mx1.test[192.0.2.1]:25" },
	{ "never.test", "mx:", RESULT_NEVER, "5.1.2" },
	{ "[192.0.2.7]", "mx:", RESULT_OK, "[192.0.2.7][192.0.2.7]:25" },
	{ "one.test", "mx:six.test:26", RESULT_OK, "six.test[2001:db8::6]:26" },
	{ "one.test", "mx:null.test", RESULT_LATER, "4.4.4" },
	{ "one.test", "mx:slow.test", RESULT_LATER, "4.4.3" },
	{ "one.test", "srv:srv.test", RESULT_OK, "mx1.test[192.0.2.1]:465!" },
	{ "one.test", "srv:old.test", RESULT_OK,
	    "mx2.test[192.0.2.2]:587 mx2.test[2001:db8::2]:587 "
	    "mx1.test[192.0.2.1]:588" },
	{ "one.test", "srv:one.test", RESULT_LATER, "4.4.4" },
	{ "one.test", "srv:slowsrv.test", RESULT_LATER, "4.4.3" },
	{ "one.test", "lmtp:mx1.test", RESULT_OK, "mx1.test[192.0.2.1]:24" },
	{ "one.test", "lmtp:unix:/run/lmtp", RESULT_OK,
	    "/run/lmtp[unknown]:0" },
};

static uint8_t
zone_prefer(void *context, struct slice host)
{
	(void)context;
	return slice_eq(host, S("prefers6.test")) ? 6 : 0;
}

static void
format_route(const struct route_mx *route, struct buf *out)
{
	char ip[NETADDR_TEXT_SIZE];

	buf_clear(out);
	for (size_t i = 0; i < route->count; i++)
		buf_add_format(out, "%s%s[%s]:%u%s", i == 0 ? "" : " ",
		    route->targets[i].host,
		    netaddr_format(&route->targets[i].addr, ip),
		    (unsigned int)route->targets[i].addr.port,
		    route->targets[i].is_tls_first ? "!" : "");
}

static void
destinations_lead_to_the_right_addresses(void **state)
{
	static struct dns_answer answer;
	struct route_request request = { .hostname = "me.test",
		.port = 25,
		.has_ipv4 = true,
		.has_ipv6 = true,
		.find = zone_find,
		.prefer = zone_prefer,
		.context = &answer };
	struct route_mx route;
	struct why why;
	struct buf found;

	(void)state;
	buf_init(&found, 4096);
	request.hosts = slice_of(hosts);
	for (size_t i = 0; i < sizeof(samples) / sizeof(samples[0]); i++) {
		const struct sample *sample = &samples[i];

		print_message("%s %s\n", sample->domain, sample->nexthop);
		request.domain = slice_of(sample->domain);
		request.nexthop = slice_of(sample->nexthop);
		request.seed = (uint32_t)i;
		memset(&why, 0, sizeof(why));
		assert_int_equal(
		    route_mx_find(&request, &route, &why), sample->result);
		format_route(&route, &found);
		assert_string_equal(sample->result == RESULT_OK
					? buf_string(&found)
					: why.status,
		    sample->expected);
	}
	buf_free(&found);
}

static void
a_family_that_is_off_is_not_used(void **state)
{
	static struct dns_answer answer;
	struct route_request request = { .domain = SLICE("two.test"),
		.hostname = "me.test",
		.port = 25,
		.has_ipv6 = true,
		.find = zone_find,
		.context = &answer };
	struct route_mx route;

	(void)state;
	assert_int_equal(route_mx_find(&request, &route, NULL), RESULT_OK);
	assert_int_equal(route.count, 1);
	assert_int_equal(route.targets[0].addr.family, 6);
}

static void
equals_come_in_any_order_and_others_in_theirs(void **state)
{
	struct dns_record list[4];
	unsigned int first[4] = { 0 };

	(void)state;
	for (uint32_t seed = 1; seed <= 3000; seed++) {
		memset(list, 0, sizeof(list));
		for (size_t i = 0; i < 4; i++) {
			list[i].preference = i < 3 ? 10 : 5;
			list[i].name[0] = (char)('0' + i);
		}
		assert_int_equal(
		    route_mx_order(list, 4, seed * 2654435761U, "me"), 4);
		assert_int_equal(list[0].name[0], '3');
		first[list[1].name[0] - '0']++;
	}
	for (size_t i = 0; i < 3; i++)
		assert_in_range(first[i], 800, 1200);
}

/* RFC 2782: weights 1, 2 and 7 of one priority, behind a better one. */
static void
services_come_by_priority_and_weight(void **state)
{
	static const uint16_t weights[4] = { 1, 2, 7, 0 };
	struct dns_record list[4];
	unsigned int first[4] = { 0 };

	(void)state;
	for (uint32_t seed = 1; seed <= 10000; seed++) {
		memset(list, 0, sizeof(list));
		for (size_t i = 0; i < 4; i++) {
			list[i].preference = i < 3 ? 10 : 5;
			list[i].weight = weights[i];
			list[i].name[0] = (char)('0' + i);
		}
		route_srv_order(list, 4, seed * 2654435761U);
		assert_int_equal(list[0].name[0], '3');
		first[list[1].name[0] - '0']++;
	}
	assert_in_range(first[0], 700, 1300);
	assert_in_range(first[1], 1600, 2400);
	assert_in_range(first[2], 6500, 7500);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(destinations_lead_to_the_right_addresses),
		cmocka_unit_test(a_family_that_is_off_is_not_used),
		cmocka_unit_test(equals_come_in_any_order_and_others_in_theirs),
		cmocka_unit_test(services_come_by_priority_and_weight),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
