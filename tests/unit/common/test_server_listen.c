/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "common/server_listen.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/io.h"
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

/* On an address that no other test has at this time. */
static void
make_entry(char entry[40], const char *service, int port)
{
	snprintf(entry, 40, "%s:127.83.%d.%d:%d", service,
	    (int)getpid() / 250 % 250, 1 + (int)getpid() % 250, port);
}

static void
sockets_that_stay_are_moved(void **state)
{
	char first[40], second[40];
	char *both[] = { first, second };
	struct settings settings = { 0 };
	struct server_sockets old, fresh;

	(void)state;
	make_entry(first, "smtp", 20025);
	make_entry(second, "imap", 20143);
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

static int
open_null(void)
{
	int fd = open("/dev/null", O_RDWR | O_CLOEXEC);

	assert_true(fd >= 0);
	return fd;
}

static struct netaddr
address_of(const char *text)
{
	struct netaddr address;

	assert_true(netaddr_parse(slice_of(text), &address));
	return address;
}

/* A front that serves a connection of this peer; no process. */
static struct server_child *
add_busy(
    struct server_children *children, pid_t pid, const struct netaddr *peer)
{
	struct server_child *child =
	    server_children_add(children, pid, "smtpd", open_null());

	server_children_begin(children, child, peer);
	return child;
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
		add_busy(&children, pid, pid % 2 == 0 ? &a : &b);
	add_busy(&children, 1000, &v6);
	assert_int_equal(server_children_count(&children, &a), 100);
	assert_int_equal(server_children_count(&children, &neighbour), 1);
	assert_int_equal(server_children_count(&children, &stranger), 0);
	assert_true(server_children_remove(&children, 2));
	assert_false(server_children_remove(&children, 2));
	assert_int_equal(server_children_count(&children, &a), 99);
	assert_int_equal(children.count, 200);
	assert_int_equal(children.busy, 200);
	server_children_free(&children);
}

static void
a_front_that_waits_takes_the_next_connection(void **state)
{
	struct server_children children = { 0 };
	struct netaddr a = address_of("192.0.2.1");

	(void)state;
	add_busy(&children, 7, &a);
	assert_null(server_children_waiting(&children, "smtpd"));
	server_children_notice(&children, 7);
	assert_int_equal(children.busy, 0);
	assert_int_equal(server_children_count(&children, &a), 0);
	assert_null(server_children_waiting(&children, "pop3d"));
	assert_int_equal(server_children_waiting(&children, "smtpd")->pid, 7);
	/* Twice, or of nobody: no harm. */
	server_children_notice(&children, 7);
	server_children_notice(&children, 8);
	assert_int_equal(children.busy, 0);
	server_children_free(&children);
}

static void
fronts_do_not_wait_for_ever_nor_in_crowds(void **state)
{
	struct server_children children = { 0 };
	struct netaddr a = address_of("192.0.2.1");
	struct server_child *child;

	(void)state;
	for (pid_t pid = 1; pid <= SERVER_IDLE_MAX + 1; pid++)
		add_busy(&children, pid, &a);
	for (pid_t pid = 1; pid <= SERVER_IDLE_MAX + 1; pid++)
		server_children_notice(&children, pid);
	assert_int_equal(children.items[SERVER_IDLE_MAX].offers, -1);
	assert_true(children.items[SERVER_IDLE_MAX - 1].offers >= 0);
	child = add_busy(&children, 1000, &a);
	server_children_retire(&children, IO_FOREVER, false);
	assert_null(server_children_waiting(&children, "smtpd"));
	assert_true(child->offers >= 0);
	server_children_retire(&children, IO_FOREVER, true);
	assert_int_equal(child->offers, -1);
	assert_true(child->is_busy);
	server_children_free(&children);
}

static void
a_front_ends_after_its_uses(void **state)
{
	struct server_children children = { 0 };
	struct netaddr a = address_of("192.0.2.1");
	struct server_child *child = add_busy(&children, 7, &a);

	(void)state;
	for (int i = 1; i < SERVER_FRONT_USES; i++) {
		server_children_notice(&children, 7);
		assert_true(child->offers >= 0);
		server_children_begin(&children, child, &a);
	}
	server_children_notice(&children, 7);
	assert_int_equal(child->offers, -1);
	server_children_free(&children);
}

static void
a_refusal_is_one_line_of_the_protocol(void **state)
{
	static const char *const starts[] = { "421 4.", NULL, NULL, "-ERR [",
		NULL, "* BYE [", NULL };
	char text[256];
	ssize_t n;
	int ends[2];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
	for (int r = REFUSAL_SETTINGS; r <= REFUSAL_FAILED; r++) {
		for (size_t i = 0; i < 7; i++) {
			if (starts[i] == NULL)
				continue;
			front_refuse(
			    &listener_table[i], ends[0], (enum refusal)r);
			n = read(ends[1], text, sizeof(text));
			assert_true(n > 20);
			assert_memory_equal(text, starts[i], strlen(starts[i]));
			assert_memory_equal(text + n - 2, "\r\n", 2);
		}
	}
	close(ends[0]);
	close(ends[1]);
}

static void
every_listener_is_found_by_its_name(void **state)
{
	(void)state;
	for (const struct listener *l = listener_table; l->name != NULL; l++)
		assert_ptr_equal(listener_find(slice_of(l->name)), l);
	assert_null(listener_find(S("telnet")));
	assert_null(listener_find(S("")));
}

/* The module that starts fronts is linked, and starts none here. */
const struct program program_table[] = { { NULL, NULL } };

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(entries_name_service_address_and_port),
		cmocka_unit_test(a_refusal_is_one_line_of_the_protocol),
		cmocka_unit_test(every_listener_is_found_by_its_name),
		cmocka_unit_test(sockets_that_stay_are_moved),
		cmocka_unit_test(children_are_counted_by_client),
		cmocka_unit_test(a_front_that_waits_takes_the_next_connection),
		cmocka_unit_test(fronts_do_not_wait_for_ever_nor_in_crowds),
		cmocka_unit_test(a_front_ends_after_its_uses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
