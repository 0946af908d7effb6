/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "common/verify_syntax.h"

#include "tests/unit/unit.h"

#include <string.h>

static const struct {
	const char *text;
	const char *zone; /* NULL: an error */
	int weight;
	uint8_t yes[4], no[4];
} lists[] = {
	{ "bl.test", "bl.test", 1, { 127, 0, 0, 2 }, { 192, 0, 2, 1 } },
	{ "bl.test*3", "bl.test", 3, { 127, 255, 1, 2 }, { 0, 0, 0, 0 } },
	{ "wl.test*-1000", "wl.test", -1000, { 127, 0, 0, 1 }, { 1, 0, 0, 1 } },
	{ "bl.test=127.0.0.2", "bl.test", 1, { 127, 0, 0, 2 },
	    { 127, 0, 0, 3 } },
	{ "bl.test=127.0.0.[2..4]*2", "bl.test", 2, { 127, 0, 0, 4 },
	    { 127, 0, 0, 5 } },
	{ "bl.test=127.0.[0..1].[10;2..4]", "bl.test", 1, { 127, 0, 1, 10 },
	    { 127, 0, 2, 10 } },
	{ "", NULL, 0, { 0 }, { 0 } },
	{ "=127.0.0.2", NULL, 0, { 0 }, { 0 } },
	{ "[127.0.0.1]", NULL, 0, { 0 }, { 0 } },
	{ "bl..test", NULL, 0, { 0 }, { 0 } },
	{ "bl.test*0", NULL, 0, { 0 }, { 0 } },
	{ "bl.test*1001", NULL, 0, { 0 }, { 0 } },
	{ "bl.test*", NULL, 0, { 0 }, { 0 } },
	{ "bl.test*x", NULL, 0, { 0 }, { 0 } },
	{ "bl.test=127.0.0", NULL, 0, { 0 }, { 0 } },
	{ "bl.test=127.0.0.2.3", NULL, 0, { 0 }, { 0 } },
	{ "bl.test=127.0.0.256", NULL, 0, { 0 }, { 0 } },
	{ "bl.test=127.0.0.[4..2]", NULL, 0, { 0 }, { 0 } },
	{ "bl.test=127.0.0.[]", NULL, 0, { 0 }, { 0 } },
	{ "bl.test=127.0.0.[2", NULL, 0, { 0 }, { 0 } },
	{ "bl.test=127.0.[2]0.1", NULL, 0, { 0 }, { 0 } },
	{ "bl.test=127.0.0.[2].", NULL, 0, { 0 }, { 0 } },
};

static void
lists_have_a_zone_a_pattern_and_a_weight(void **state)
{
	struct dnsbl_entry entry;

	(void)state;
	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
		bool ok = dnsbl_parse(slice_of(lists[i].text), &entry, NULL);

		if (ok != (lists[i].zone != NULL))
			fail_msg("%s", lists[i].text);
		if (!ok)
			continue;
		assert_string_equal(entry.zone, lists[i].zone);
		assert_int_equal(entry.weight, lists[i].weight);
		assert_true(dnsbl_matches(&entry, lists[i].yes));
		assert_false(dnsbl_matches(&entry, lists[i].no));
	}
}

static const struct {
	const char *text;
	uint64_t limit, period; /* 0: an error */
} rates[] = {
	{ "300/h", 300, 3600 },
	{ "1/m", 1, 60 },
	{ "1000000000/D", 1000000000, 86400 },
	{ "1000000001/d", 0, 0 },
	{ "0/h", 0, 0 },
	{ "5", 0, 0 },
	{ "5/", 0, 0 },
	{ "/h", 0, 0 },
	{ "5/w", 0, 0 },
	{ "5/hh", 0, 0 },
	{ "-5/h", 0, 0 },
};

static void
rates_have_a_number_and_a_period(void **state)
{
	struct rate_rule rule;

	(void)state;
	for (size_t i = 0; i < sizeof(rates) / sizeof(rates[0]); i++) {
		bool ok = rate_parse(slice_of(rates[i].text), &rule, NULL);

		if (ok != (rates[i].period != 0))
			fail_msg("%s", rates[i].text);
		if (!ok)
			continue;
		assert_int_equal(rule.limit, rates[i].limit);
		assert_int_equal(rule.period, rates[i].period);
	}
}

static const struct {
	const char *text;
	const char *host; /* NULL: an error */
	uint16_t port;
} servers[] = {
	{ "inet:127.0.0.1:10023", "127.0.0.1", 10023 },
	{ "inet:[::1]:1", "::1", 1 },
	{ "inet:localhost:65535", "localhost", 65535 },
	{ "unix:/run/postgrey", "/run/postgrey", 0 },
	{ "inet:localhost:65536", NULL, 0 },
	{ "inet:localhost:0", NULL, 0 },
	{ "inet:localhost", NULL, 0 },
	{ "inet::5", NULL, 0 },
	{ "unix:relative", NULL, 0 },
	{ "unix:", NULL, 0 },
	{ "127.0.0.1:5", NULL, 0 },
	{ "", NULL, 0 },
};

static void
policy_servers_are_inet_or_unix(void **state)
{
	struct policy_server server;

	(void)state;
	for (size_t i = 0; i < sizeof(servers) / sizeof(servers[0]); i++) {
		bool ok = policy_server_parse(
		    slice_of(servers[i].text), &server, NULL);

		if (ok != (servers[i].host != NULL))
			fail_msg("%s", servers[i].text);
		if (!ok)
			continue;
		assert_slice_equal(server.host, slice_of(servers[i].host));
		assert_int_equal(server.port, servers[i].port);
		assert_int_equal(server.is_unix, servers[i].port == 0);
	}
}

static void
a_unix_path_fits_its_structure(void **state)
{
	char text[5 + 109] = "unix:/";
	struct policy_server server;

	(void)state;
	memset(text + 6, 'x', 106);
	assert_true(
	    policy_server_parse(slice_make(text, 5 + 107), &server, NULL));
	text[5 + 107] = 'x';
	assert_false(
	    policy_server_parse(slice_make(text, 5 + 108), &server, NULL));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lists_have_a_zone_a_pattern_and_a_weight),
		cmocka_unit_test(rates_have_a_number_and_a_period),
		cmocka_unit_test(policy_servers_are_inet_or_unix),
		cmocka_unit_test(a_unix_path_fits_its_structure),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
