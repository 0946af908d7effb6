/* SPDX-License-Identifier: ISC */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/io.h"

#include "queue/relay_connect.h"

#include "tests/unit/unit.h"

/* The loopback of either family; a full one takes no connection and does not
 * refuse one either. */
struct listener {
	int fd;
	int inside[8];
	size_t count;
	struct route_target target;
};

static void
listener_open(struct listener *l, const char *address)
{
	struct sockaddr_storage own;
	socklen_t length = sizeof(own);

	memset(l, 0, sizeof(*l));
	snprintf(l->target.host, sizeof(l->target.host), "mx.test");
	assert_true(netaddr_parse(slice_of(address), &l->target.addr));
	length = netaddr_to_sockaddr(&l->target.addr, &own);
	l->fd = socket(own.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_return_code(
	    bind(l->fd, (const struct sockaddr *)&own, length), errno);
	netaddr_of_socket(&l->target.addr, l->fd);
}

static void
listener_fill(struct listener *l)
{
	struct sockaddr_storage to;
	socklen_t length = netaddr_to_sockaddr(&l->target.addr, &to);

	listen(l->fd, 0);
	for (; l->count < 8; l->count++) {
		l->inside[l->count] = socket(to.ss_family,
		    SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
		connect(
		    l->inside[l->count], (const struct sockaddr *)&to, length);
	}
}

static void
listener_close(struct listener *l)
{
	for (size_t i = 0; i < l->count; i++)
		close(l->inside[i]);
	close(l->fd);
}

/* Which family wins; 0 none. */
static uint8_t
race(const struct listener *first, const struct listener *second, int64_t wait)
{
	struct relay_way way = { .first = &first->target,
		.second = second == NULL ? NULL : &second->target };
	const struct route_target *winner;
	int fd = relay_connect(&way, io_now() + wait, &winner);

	if (fd < 0) {
		assert_ptr_equal(winner, way.first);
		return 0;
	}
	close(fd);
	return winner->addr.family;
}

static void
the_family_that_answers_is_used(void **state)
{
	struct listener four, six, closed;

	(void)state;
	listener_open(&four, "127.0.0.1");
	listener_open(&six, "::1");
	listener_open(&closed, "127.0.0.1");
	/* Nobody listens yet: refused at once, each of them. */
	assert_int_equal(race(&four, &six, 5000), 0);
	assert_int_equal(race(&closed, NULL, 5000), 0);
	listen(six.fd, 5);
	assert_int_equal(race(&four, &six, 5000), 6);
	assert_int_equal(race(&six, &four, 5000), 6);
	listener_fill(&four);
	/* It is silent: the other one after its head start. */
	assert_int_equal(race(&four, &six, 20000), 6);
	assert_int_equal(race(&four, NULL, 300), 0);
	assert_int_equal(race(&four, &closed, 300), 0);
	listener_close(&closed);
	listener_close(&four);
	listener_open(&four, "127.0.0.1");
	listen(four.fd, 5);
	assert_int_equal(race(&four, &six, 5000), 4);
	listener_close(&four);
	listener_close(&six);
}

static void
connections_come_from_the_address_that_is_set(void **state)
{
	const struct route_target *winner;
	struct listener four;
	struct relay_way way = { .first = &four.target };
	struct netaddr own;
	char text[NETADDR_TEXT_SIZE];
	int fd;

	(void)state;
	listener_open(&four, "127.0.0.1");
	listen(four.fd, 5);
	assert_true(netaddr_parse(S("127.0.0.9"), &way.bind4));
	fd = relay_connect(&way, io_deadline(5), &winner);
	assert_return_code(fd, errno);
	netaddr_of_socket(&own, fd);
	assert_string_equal(netaddr_format(&own, text), "127.0.0.9");
	close(fd);
	/* An address that is not ours is an error, not another address. */
	assert_true(netaddr_parse(S("192.0.2.1"), &way.bind4));
	assert_int_equal(relay_connect(&way, io_deadline(5), &winner), -1);
	assert_int_equal(errno, EADDRNOTAVAIL);
	listener_close(&four);
}

/* RELAY_FAMILIES hosts are remembered, one more drives out the oldest. */
static void
the_family_of_a_host_is_remembered(void **state)
{
	static struct relay_families families;
	struct route_target target = { .addr = { .family = 6 } };
	char name[16];

	(void)state;
	for (size_t i = 0; i < RELAY_FAMILIES; i++) {
		snprintf(target.host, sizeof(target.host), "mx%zu.test", i);
		relay_families_learn(&families, &target);
	}
	for (size_t i = 0; i < RELAY_FAMILIES; i++) {
		snprintf(name, sizeof(name), "MX%zu.test", i);
		assert_int_equal(
		    relay_families_find(&families, slice_of(name)), 6);
	}
	target.addr.family = 4;
	relay_families_learn(&families, &target);
	assert_int_equal(relay_families_find(&families, S("mx0.test")), 6);
	assert_int_equal(
	    relay_families_find(&families, slice_of(target.host)), 4);
	snprintf(target.host, sizeof(target.host), "new.test");
	relay_families_learn(&families, &target);
	assert_int_equal(relay_families_find(&families, S("mx0.test")), 0);
	assert_int_equal(relay_families_find(&families, S("mx1.test")), 6);
	assert_int_equal(relay_families_find(&families, S("new.test")), 4);
}

static void
the_other_family_of_a_host_is_the_second(void **state)
{
	static struct route_mx route = { .count = 3,
		.targets = { { .host = "a.test", .addr = { .family = 4 } },
		    { .host = "a.test", .addr = { .family = 6 } },
		    { .host = "b.test", .addr = { .family = 4 } } } };

	(void)state;
	assert_ptr_equal(relay_connect_second(&route, 0), &route.targets[1]);
	assert_null(relay_connect_second(&route, 1));
	assert_null(relay_connect_second(&route, 2));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_family_that_answers_is_used),
		cmocka_unit_test(connections_come_from_the_address_that_is_set),
		cmocka_unit_test(the_family_of_a_host_is_remembered),
		cmocka_unit_test(the_other_family_of_a_host_is_the_second),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
