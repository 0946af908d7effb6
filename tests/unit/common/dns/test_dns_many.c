/* SPDX-License-Identifier: ISC */
#include "config.h"

#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/io.h"

#include "common/dns/dns_many.h"

#include "tests/unit/common/dns/bind_both.h"
#include "tests/unit/unit.h"

enum {
	NAMES_MAX = 40
};

/* The first letter of a name says what the server does about it. */
static const enum dns_status wanted_status[128] = {
	['a'] = DNS_OK,        /* answers */
	['n'] = DNS_NO_DOMAIN, /* says that there is none */
	['f'] = DNS_TEMPORARY, /* fails, each time */
	['s'] = DNS_TEMPORARY, /* is silent */
	['l'] = DNS_OK,        /* lies first */
	['e'] = DNS_OK,        /* knows no EDNS */
	['t'] = DNS_OK,        /* answers through TCP only */
	['.'] = DNS_NO_DOMAIN, /* is not asked */
};

struct hearing {
	size_t told[NAMES_MAX], order[NAMES_MAX];
	enum dns_status status[NAMES_MAX];
	size_t count, enough;
};

static bool
hear(void *context, size_t index, const struct dns_answer *answer)
{
	struct hearing *h = context;

	h->told[index]++;
	h->order[h->count++] = index;
	h->status[index] = answer->status;
	if (answer->status == DNS_OK)
		assert_int_equal(answer->records[0].addr.bytes[3], 2);
	return h->count != h->enough;
}

static size_t
make_answer(char *bytes, size_t size, char deed)
{
	static const char record[] = "\xc0\x0c\0\1\0\1\0\0\0\x3c\0\4\x7f\0\0\2";
	/* Header, name, type and class; no EDNS record. */
	size_t end = 12 + strnlen(bytes + 12, size - 12) + 5;

	bytes[2] = (char)(deed == 't' ? 0x83 : 0x81);
	bytes[3] = (char)(deed == 'n'                 ? 0x83
			  : deed == 'f'               ? 0x82
			  : deed == 'e' && end < size ? 0x81
						      : 0x80);
	memcpy(bytes + 4, "\0\1\0\0\0\0\0\0", 8);
	if (bytes[3] != (char)0x80 || deed == 't')
		return end;
	bytes[7] = 1;
	memcpy(bytes + end, record, sizeof(record) - 1);
	return end + sizeof(record) - 1;
}

struct datagram {
	char bytes[600];
	size_t size;
	struct sockaddr_in peer;
};

static void
send_back(int fd, const struct datagram *query)
{
	struct datagram answer = *query;
	char deed = query->bytes[13];
	size_t size;

	if (deed == 's')
		return;
	size = make_answer(answer.bytes, query->size, deed);
	if (deed == 'l') {
		answer.bytes[0] ^= 1;
		sendto(fd, answer.bytes, size, 0,
		    (struct sockaddr *)&answer.peer, sizeof(answer.peer));
		answer.bytes[0] ^= 1;
	}
	sendto(fd, answer.bytes, size, 0, (struct sockaddr *)&answer.peer,
	    sizeof(answer.peer));
}

static void
take_datagram(int fd, struct datagram *query)
{
	socklen_t size = sizeof(query->peer);
	ssize_t n = recvfrom(
	    fd, query->bytes, 512, 0, (struct sockaddr *)&query->peer, &size);

	if (n < 13)
		_exit(1);
	query->size = (size_t)n;
}

static void
serve_tcp(int fd)
{
	int client = accept(fd, NULL, NULL);
	char bytes[600];
	size_t n;

	if (io_read_all(client, bytes, 2, io_deadline(5)) != IO_OK)
		_exit(1);
	n = (size_t)(unsigned char)bytes[1];
	if (io_read_all(client, bytes + 2, n, io_deadline(5)) != IO_OK)
		_exit(1);
	n = make_answer(bytes + 2, n, 'a');
	bytes[0] = 0;
	bytes[1] = (char)n;
	io_write_all(client, slice_make(bytes, n + 2), io_deadline(5));
	close(client);
}

/* Nothing is answered before together questions have come: who asks one
 * after the other waits for ever. */
static void
serve(int udp, int tcp, size_t together)
{
	static struct datagram first[NAMES_MAX];
	struct datagram query;

	for (size_t i = 0; i < together; i++)
		take_datagram(udp, &first[i]);
	for (size_t i = 0; i < together; i++)
		send_back(udp, &first[i]);
	for (;;) {
		if (io_wait_readable(udp, io_now() + 10) == IO_OK) {
			take_datagram(udp, &query);
			send_back(udp, &query);
		}
		if (io_wait_readable(tcp, io_now()) == IO_OK)
			serve_tcp(tcp);
	}
}

static void
find(const char *const *texts, size_t together, struct hearing *h,
    unsigned int attempts)
{
	struct dns_resolver resolver = {
		.timeout = 3, .attempts = attempts, .server_count = 1
	};
	struct slice names[NAMES_MAX];
	const struct dns_many wanted = { names, h->count, DNS_A, hear, h };
	int udp, tcp;
	uint16_t port = bind_both(&udp, &tcp);
	pid_t pid;

	assert_true(listen(tcp, 5) == 0);
	for (size_t i = 0; i < h->count; i++)
		names[i] = slice_of(texts[i]);
	h->count = 0;
	netaddr_parse(S("127.0.0.1"), &resolver.servers[0]);
	resolver.servers[0].port = port;
	pid = fork();
	if (pid == 0)
		serve(udp, tcp, together);
	dns_find_many(&resolver, &wanted);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	close(udp);
	close(tcp);
	dns_close(&resolver);
}

static void
all_are_asked_at_once_and_each_is_told_once(void **state)
{
	static const char *const names[] = { "s1.test", "a1.test", "n1.test",
		"f1.test", "s2.test", "l1.test", "t1.test", "e1.test",
		".no.name", "a2.test" };
	size_t count = sizeof(names) / sizeof(names[0]);
	struct hearing h = { .count = count };

	(void)state;
	find(names, count - 1, &h, 1);
	assert_int_equal(h.count, count);
	for (size_t i = 0; i < count; i++) {
		assert_int_equal(h.told[i], 1);
		if (h.status[i] != wanted_status[(int)names[i][0]])
			fail_msg("%s: %d", names[i], h.status[i]);
	}
	/* What does not fit, and who is silent, come last. */
	assert_int_equal(h.order[count - 1], 6);
	assert_true(h.order[count - 2] == 0 || h.order[count - 2] == 4);
}

static void
more_than_there_are_sockets_go_in_turn(void **state)
{
	static char texts[NAMES_MAX][16];
	const char *names[NAMES_MAX];
	struct hearing h = { .count = NAMES_MAX };

	(void)state;
	for (size_t i = 0; i < NAMES_MAX; i++) {
		snprintf(texts[i], sizeof(texts[i]), "a%zu.test", i);
		names[i] = texts[i];
	}
	find(names, DNS_MANY_SOCKETS, &h, 1);
	assert_int_equal(h.count, NAMES_MAX);
	for (size_t i = 0; i < NAMES_MAX; i++)
		assert_int_equal(h.status[i], DNS_OK);
}

static void
who_has_heard_enough_waits_for_nobody(void **state)
{
	static const char *const names[] = { "s1.test", "a1.test", "s2.test" };
	struct hearing h = { .count = 3, .enough = 1 };

	(void)state;
	find(names, 3, &h, 2);
	assert_int_equal(h.count, 1);
	assert_int_equal(h.order[0], 1);
}

static void
a_passed_deadline_asks_nobody(void **state)
{
	const struct slice names[] = { SLICE("a1.test"), SLICE("a2.test") };
	struct dns_resolver resolver = {
		.timeout = 5, .attempts = 2, .server_count = 1
	};
	struct hearing h = { .count = 0 };
	const struct dns_many wanted = { names, 2, DNS_A, hear, &h };

	(void)state;
	resolver.deadline = io_now();
	dns_find_many(&resolver, &wanted);
	assert_int_equal(h.count, 2);
	assert_int_equal(h.status[0], DNS_TEMPORARY);
	assert_int_equal(h.status[1], DNS_TEMPORARY);
	dns_close(&resolver);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_are_asked_at_once_and_each_is_told_once),
		cmocka_unit_test(more_than_there_are_sockets_go_in_turn),
		cmocka_unit_test(who_has_heard_enough_waits_for_nobody),
		cmocka_unit_test(a_passed_deadline_asks_nobody),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
