/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "tests/unit/unit.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

#include "common/netaddr.h"

static void
networks_match_by_prefix(void **state)
{
	static const struct {
		const char *network, *address;
		bool inside;
	} cases[] = {
		{ "10.0.0.0/8", "10.255.0.1", true },
		{ "10.0.0.0/8", "11.0.0.1", false },
		{ "192.0.2.128/25", "192.0.2.128", true },
		{ "192.0.2.128/25", "192.0.2.127", false },
		{ "192.0.2.1", "192.0.2.1", true },
		{ "192.0.2.1", "192.0.2.2", false },
		{ "0.0.0.0/0", "8.8.8.8", true },
		{ "0.0.0.0/0", "::1", false },
		{ "2001:db8::/33", "2001:db8:7fff::1", true },
		{ "2001:db8::/33", "2001:db8:8000::1", false },
		{ "10.0.0.0/8", "::ffff:10.1.1.1", true },
	};
	struct network network;
	struct netaddr address;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_true(
		    network_parse(slice_of(cases[i].network), &network));
		assert_true(
		    netaddr_parse(slice_of(cases[i].address), &address));
		assert_int_equal(
		    network_contains(&network, &address), cases[i].inside);
	}
}

static void
malformed_networks_are_refused(void **state)
{
	static const char *const cases[] = { "", "/8", "10.0.0.0/33",
		"10.0.0.1/8", "10.0.0/8", "::/129", "::1/64", "a", "10.0.0.0/",
		"10.0.0.0/8x", "[::1]" };
	struct network network;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_false(network_parse(slice_of(cases[i]), &network));
}

static void
mapped_addresses_become_ipv4(void **state)
{
	struct sockaddr_in6 mapped = { .sin6_family = AF_INET6,
		.sin6_port = htons(25) };
	char text[NETADDR_TEXT_SIZE];
	struct netaddr address;

	(void)state;
	inet_pton(AF_INET6, "::ffff:127.0.0.1", &mapped.sin6_addr);
	netaddr_from_sockaddr(
	    &address, (const struct sockaddr *)&mapped, sizeof(mapped));
	assert_int_equal(address.family, 4);
	assert_int_equal(address.port, 25);
	assert_true(netaddr_is_loopback(&address));
	assert_string_equal(netaddr_format(&address, text), "127.0.0.1");
	assert_string_equal(
	    netaddr_format_literal(&address, text), "[127.0.0.1]");
}

static void
addresses_survive_a_round_trip(void **state)
{
	static const char *const cases[] = { "192.0.2.1", "2001:db8::1",
		"::1" };
	struct sockaddr_storage storage;
	char text[NETADDR_TEXT_SIZE];
	struct netaddr address, again;
	socklen_t len;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_true(netaddr_parse(slice_of(cases[i]), &address));
		address.port = 2525;
		len = netaddr_to_sockaddr(&address, &storage);
		netaddr_from_sockaddr(
		    &again, (const struct sockaddr *)&storage, len);
		assert_memory_equal(&address, &again, sizeof(address));
		assert_string_equal(netaddr_format(&again, text), cases[i]);
	}
	assert_true(netaddr_parse(S("2001:db8::1"), &address));
	assert_string_equal(
	    netaddr_format_literal(&address, text), "[IPv6:2001:db8::1]");
	memset(&address, 0, sizeof(address));
	assert_string_equal(netaddr_format(&address, text), "unknown");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(networks_match_by_prefix),
		cmocka_unit_test(malformed_networks_are_refused),
		cmocka_unit_test(mapped_addresses_become_ipv4),
		cmocka_unit_test(addresses_survive_a_round_trip),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
