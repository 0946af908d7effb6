/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "common/server_listen.h"

#include <string.h>

#include "common/program.h"
#include "common/server_children.h"

#include "tests/unit/unit.h"

static const struct listen_case {
	const char *entry;
	const char *listener; /* NULL: refused */
	const char *address;  /* "unknown": all addresses */
	uint16_t port;
} listen_cases[] = {
	{ "smtp", "smtp", "unknown", 25 },
	{ "smtp:2525", "smtp", "unknown", 2525 },
	{ "submission:127.0.0.1:2587", "submission", "127.0.0.1", 2587 },
	{ "pop3s:[::1]:995", "pop3s", "::1", 995 },
	{ "imap:::1:143", "imap", "::1", 143 },
	{ "telnet:23", NULL, "", 0 },
	{ "smtp:", "smtp", "unknown", 25 },
	{ "smtp:x", NULL, "", 0 },
	{ "smtp:0", NULL, "", 0 },
	{ "smtp:65536", NULL, "", 0 },
	{ "smtp:localhost:25", NULL, "", 0 },
	{ "smtp:127.0.0.1:", NULL, "", 0 },
	{ "", NULL, "", 0 },
};

static void
entries_name_service_address_and_port(void **state)
{
	const struct listener *listener;
	char text[NETADDR_TEXT_SIZE];
	struct netaddr address;
	struct why why;

	(void)state;
	for (size_t i = 0; i < sizeof(listen_cases) / sizeof(listen_cases[0]);
	     i++) {
		const struct listen_case *c = &listen_cases[i];
		bool ok = server_listen_parse(
		    slice_of(c->entry), &listener, &address, &why);

		if (ok != (c->listener != NULL))
			fail_msg("\"%s\"", c->entry);
		if (!ok)
			continue;
		assert_string_equal(listener->name, c->listener);
		assert_string_equal(netaddr_format(&address, text), c->address);
		assert_int_equal(address.port, c->port);
	}
}

static void
sockets_that_stay_are_moved(void **state)
{
	char first[] = "smtp:127.0.0.1:39025",
	     second[] = "imap:127.0.0.1:39143";
	char *both[] = { first, second };
	struct settings settings = { 0 };
	struct server_sockets old, fresh;

	(void)state;
	settings.listen.items = both;
	settings.listen.count = 1;
	assert_true(server_listen_open(&settings, NULL, &old));
	assert_int_equal(old.count, 1);
	settings.listen.count = 2;
	assert_true(server_listen_open(&settings, &old, &fresh));
	assert_int_equal(fresh.count, 2);
	assert_int_equal(old.items[0].fd, -1);
	server_listen_close(&old);
	server_listen_close(&fresh);
}

static struct netaddr
address_of(const char *text)
{
	struct netaddr address;

	assert_true(netaddr_parse(slice_of(text), &address));
	return address;
}

static void
children_are_counted_by_client(void **state)
{
	struct server_children children = { 0 };
	struct netaddr a = address_of("192.0.2.1"), b = address_of("192.0.2.2");
	struct netaddr v6 = address_of("2001:db8::1");
	struct netaddr neighbour = address_of("2001:db8::2:1");
	struct netaddr stranger = address_of("2001:db8:0:1::1");

	(void)state;
	for (pid_t pid = 1; pid <= 200; pid++)
		server_children_add(&children, pid, pid % 2 == 0 ? &a : &b);
	server_children_add(&children, 1000, &v6);
	assert_int_equal(server_children_count(&children, &a), 100);
	assert_int_equal(server_children_count(&children, &neighbour), 1);
	assert_int_equal(server_children_count(&children, &stranger), 0);
	assert_true(server_children_remove(&children, 2));
	assert_false(server_children_remove(&children, 2));
	assert_int_equal(server_children_count(&children, &a), 99);
	assert_int_equal(children.count, 200);
	server_children_free(&children);
}

/* The module that starts fronts is linked, and starts none here. */
const struct program program_table[] = { { NULL, NULL } };

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(entries_name_service_address_and_port),
		cmocka_unit_test(sockets_that_stay_are_moved),
		cmocka_unit_test(children_are_counted_by_client),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
