/* SPDX-License-Identifier: ISC */
#include "config.h"

#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/buf.h"
#include "common/io.h"

#include "common/dns/dns.h"

#include "tests/unit/common/dns/bind_both.h"
#include "tests/unit/unit.h"

/* Answers are built by hand: 12 bytes of header, the question for x.test,
 * then records. The name x.test of the question is at offset 12. */
#define ID                     "\x12\x34"
#define HEADER(flags, answers) ID flags "\0\1\0" answers "\0\0\0\0"
#define X_TEST                 "\1x\4test\0"
#define QUESTION_MX            X_TEST "\0\17\0\1"
#define QUESTION_A             X_TEST "\0\1\0\1"
#define TO_X_TEST              "\xc0\x0c"
#define TTL_60                 "\0\0\0\x3c"

struct sample {
	const char *name;
	struct slice packet;
	enum dns_type type;
	enum dns_parse parse;
	enum dns_status status;
	size_t count;
	const char *first; /* MX name of the first record */
};

static const struct sample samples[] = {
	{ "one MX, its name compressed",
	    SLICE(HEADER("\x81\x80", "\1") QUESTION_MX TO_X_TEST
		"\0\17\0\1" TTL_60 "\0\7\0\12\2mx" TO_X_TEST),
	    DNS_MX, DNS_PARSE_OK, DNS_OK, 1, "mx.x.test" },
	{ "null MX",
	    SLICE(HEADER("\x81\x80", "\1") QUESTION_MX TO_X_TEST
		"\0\17\0\1" TTL_60 "\0\3\0\0\0"),
	    DNS_MX, DNS_PARSE_OK, DNS_OK, 1, "" },
	{ "an address behind an alias, in the wrong order",
	    SLICE(HEADER("\x81\x80", "\2") QUESTION_A
		"\1y\xc0\x0e\0\1\0\1" TTL_60 "\0\4\x7f\0\0\1" TO_X_TEST
		"\0\5\0\1" TTL_60 "\0\4\1y\xc0\x0e"),
	    DNS_A, DNS_PARSE_OK, DNS_OK, 1, "" },
	{ "an address of somebody else is passed over",
	    SLICE(HEADER("\x81\x80", "\1") QUESTION_A
		"\1y\xc0\x0e\0\1\0\1" TTL_60 "\0\4\x7f\0\0\1"),
	    DNS_A, DNS_PARSE_OK, DNS_NO_DATA, 0, NULL },
	{ "an alias that goes round in a circle",
	    SLICE(HEADER("\x81\x80", "\1") QUESTION_A TO_X_TEST
		"\0\5\0\1" TTL_60 "\0\2" TO_X_TEST),
	    DNS_A, DNS_PARSE_OK, DNS_NO_DATA, 0, NULL },
	{ "a pointer to itself",
	    SLICE(HEADER("\x81\x80", "\1") QUESTION_MX
		"\xc0\x18\0\17\0\1" TTL_60 "\0\3\0\0\0"),
	    DNS_MX, DNS_PARSE_OK, DNS_NO_DATA, 0, NULL },
	{ "a pointer forward",
	    SLICE(HEADER("\x81\x80", "\1") QUESTION_MX
		"\xc0\x1a\0\17\0\1" TTL_60 "\0\3\0\0\0"),
	    DNS_MX, DNS_PARSE_OK, DNS_NO_DATA, 0, NULL },
	{ "a record longer than the packet",
	    SLICE(HEADER("\x81\x80", "\1") QUESTION_MX TO_X_TEST
		"\0\17\0\1" TTL_60 "\xff\xff\0\0\0"),
	    DNS_MX, DNS_PARSE_OK, DNS_NO_DATA, 0, NULL },
	{ "an address of the wrong size",
	    SLICE(HEADER("\x81\x80", "\1") QUESTION_A TO_X_TEST
		"\0\1\0\1" TTL_60 "\0\5\x7f\0\0\1\1"),
	    DNS_A, DNS_PARSE_OK, DNS_NO_DATA, 0, NULL },
	{ "a name with a line end in it",
	    SLICE(HEADER("\x81\x80", "\1") QUESTION_MX TO_X_TEST
		"\0\17\0\1" TTL_60 "\0\7\0\12\2\r\n" TO_X_TEST),
	    DNS_MX, DNS_PARSE_OK, DNS_NO_DATA, 0, NULL },
	{ "no such domain", SLICE(HEADER("\x81\x83", "\0") QUESTION_MX), DNS_MX,
	    DNS_PARSE_OK, DNS_NO_DOMAIN, 0, NULL },
	{ "server failure", SLICE(HEADER("\x81\x82", "\0") QUESTION_MX), DNS_MX,
	    DNS_PARSE_OK, DNS_TEMPORARY, 0, NULL },
	{ "nothing of this type", SLICE(HEADER("\x81\x80", "\0") QUESTION_MX),
	    DNS_MX, DNS_PARSE_OK, DNS_NO_DATA, 0, NULL },
	{ "truncated", SLICE(HEADER("\x83\x80", "\0") QUESTION_MX), DNS_MX,
	    DNS_PARSE_TRUNCATED, DNS_TEMPORARY, 0, NULL },
	{ "EDNS not understood", SLICE(HEADER("\x81\x81", "\0")), DNS_MX,
	    DNS_PARSE_NO_EDNS, DNS_TEMPORARY, 0, NULL },
	{ "another id", SLICE("\x12\x35\x81\x80\0\1\0\0\0\0\0\0" QUESTION_MX),
	    DNS_MX, DNS_PARSE_FOREIGN, DNS_TEMPORARY, 0, NULL },
	{ "another question", SLICE(HEADER("\x81\x80", "\0") QUESTION_A),
	    DNS_MX, DNS_PARSE_FOREIGN, DNS_TEMPORARY, 0, NULL },
	{ "a question, no answer", SLICE(HEADER("\x01\x00", "\0") QUESTION_MX),
	    DNS_MX, DNS_PARSE_FOREIGN, DNS_TEMPORARY, 0, NULL },
	{ "a header cut short", SLICE(ID "\x81\x80"), DNS_MX, DNS_PARSE_FOREIGN,
	    DNS_TEMPORARY, 0, NULL },
};

static void
answers_are_read_within_bounds(void **state)
{
	struct dns_question question = { .id = 0x1234, .name = "x.test" };
	static struct dns_answer answer;

	(void)state;
	for (size_t i = 0; i < sizeof(samples) / sizeof(samples[0]); i++) {
		const struct sample *sample = &samples[i];

		print_message("%s\n", sample->name);
		question.type = sample->type;
		assert_int_equal(
		    dns_answer_parse(sample->packet, &question, &answer),
		    sample->parse);
		assert_int_equal(answer.status, sample->status);
		assert_int_equal(answer.count, sample->count);
		if (sample->first != NULL)
			assert_string_equal(
			    answer.records[0].name, sample->first);
		if (answer.count > 0)
			assert_int_equal(answer.ttl, 60);
		/* Cut anywhere, it is another answer or none. */
		for (size_t n = 0; n < sample->packet.len; n++)
			dns_answer_parse(
			    slice_first(sample->packet, n), &question, &answer);
	}
}

static void
queries_are_for_names_only(void **state)
{
	static const struct {
		const char *name;
		bool is_good;
	} names[] = { { "x.test", true }, { "", false }, { ".", false },
		{ "x..test", false }, { "x.test.", false }, { "a b", false },
		{ "0123456789012345678901234567890123456789012345678901234567"
		  "89012.test",
		    true },
		{ "0123456789012345678901234567890123456789012345678901234567"
		  "890123.test",
		    false } };
	struct dns_question question = { .id = 0x1234, .type = DNS_MX };
	struct buf out;

	(void)state;
	buf_init(&out, 512);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		snprintf(
		    question.name, sizeof(question.name), "%s", names[i].name);
		buf_clear(&out);
		assert_int_equal(
		    dns_query_format(&question, false, &out), names[i].is_good);
	}
	snprintf(question.name, sizeof(question.name), "x.test");
	buf_clear(&out);
	dns_query_format(&question, false, &out);
	assert_slice_equal(
	    buf_slice(&out), S(ID "\1\0\0\1\0\0\0\0\0\0" QUESTION_MX));
	buf_free(&out);
}

static void
hosts_are_found_by_any_of_their_names(void **state)
{
	const struct slice hosts = S("127.0.0.1\tlocalhost\n"
				     "# 10.9.9.9 mx.lab\n"
				     "10.0.0.1 mail.lab MX.lab # mx2.lab\n"
				     "\n10.0.0.2 mx.lab\nfd00::1 mx.lab\n"
				     "bad mx.lab\n10.0.0.3\tlast");
	struct netaddr found[4];
	char text[NETADDR_TEXT_SIZE];

	(void)state;
	assert_int_equal(hosts_find(hosts, S("mx.lab"), DNS_A, found, 4), 2);
	assert_string_equal(netaddr_format(&found[0], text), "10.0.0.1");
	assert_int_equal(hosts_find(hosts, S("mx.lab"), DNS_A, found, 1), 1);
	assert_int_equal(
	    hosts_find(hosts, S("mx.lab."), DNS_AAAA, found, 4), 1);
	assert_int_equal(hosts_find(hosts, S("mx2.lab"), DNS_A, found, 4), 0);
	assert_int_equal(hosts_find(hosts, S("last"), DNS_A, found, 4), 1);
}

static void
resolv_conf_names_servers_and_patience(void **state)
{
	struct dns_resolver resolver;
	char text[NETADDR_TEXT_SIZE];

	(void)state;
	memset(&resolver, 0, sizeof(resolver));
	dns_configure(&resolver,
	    S("; comment\nsearch lab\nnameserver 10.0.0.1\n"
	      "nameserver fe80::1%eth0\nnameserver [127.0.0.1]:5353\n"
	      "options timeout:1 attempts:3 rotate timeout:x\n"));
	assert_int_equal(resolver.server_count, 2);
	assert_string_equal(
	    netaddr_format(&resolver.servers[0], text), "10.0.0.1");
	assert_int_equal(resolver.servers[0].port, 53);
	assert_int_equal(resolver.servers[1].port, 5353);
	assert_int_equal(resolver.timeout, 1);
	assert_int_equal(resolver.attempts, 3);
	memset(&resolver, 0, sizeof(resolver));
	dns_configure(&resolver, S(""));
	assert_int_equal(resolver.server_count, 1);
}

/* A name server: what it answers to the n-th datagram. */
enum deed {
	DEED_TRUNCATE,
	DEED_LIE,
	DEED_ANSWER,
	DEED_REFUSE_EDNS
};

static size_t
server_answer(char *bytes, size_t size, enum deed deed)
{
	static const char record[] =
	    TO_X_TEST "\0\17\0\1" TTL_60 "\0\7\0\12\2mx" TO_X_TEST;
	size_t question = 12 + sizeof(QUESTION_MX) - 1;

	assert_true(size >= question);
	bytes[2] = (char)(deed == DEED_TRUNCATE ? 0x83 : 0x81);
	bytes[3] = (char)(deed == DEED_REFUSE_EDNS ? 0x81 : 0x80);
	if (deed == DEED_LIE)
		bytes[0] = (char)(bytes[0] + 1);
	memcpy(bytes + 4, "\0\1\0\0\0\0\0\0", 8);
	if (deed != DEED_ANSWER)
		return question;
	bytes[7] = 1;
	memcpy(bytes + question, record, sizeof(record) - 1);
	return question + sizeof(record) - 1;
}

static void
serve_udp(int fd, const enum deed *deeds, size_t count)
{
	struct sockaddr_in peer;
	socklen_t size = sizeof(peer);
	char bytes[512];
	ssize_t n = -1;

	for (size_t i = 0; i < count; i++) {
		/* A lie is told before the truth, to the same question. */
		if (i == 0 || deeds[i - 1] != DEED_LIE)
			n = recvfrom(fd, bytes, sizeof(bytes), 0,
			    (struct sockaddr *)&peer, &size);
		else
			bytes[0] = (char)(bytes[0] - 1);
		if (n < 0)
			_exit(1);
		sendto(fd, bytes, server_answer(bytes, (size_t)n, deeds[i]), 0,
		    (struct sockaddr *)&peer, size);
	}
}

static void
serve_tcp(int fd)
{
	int client = accept(fd, NULL, NULL);
	char bytes[514];
	size_t n;

	if (client < 0 ||
	    io_read_all(client, bytes, 2, io_deadline(5)) != IO_OK)
		_exit(1);
	n = (size_t)(unsigned char)bytes[1];
	if (io_read_all(client, bytes + 2, n, io_deadline(5)) != IO_OK)
		_exit(1);
	n = server_answer(bytes + 2, n, DEED_ANSWER);
	bytes[0] = 0;
	bytes[1] = (char)n;
	io_write_all(client, slice_make(bytes, n + 2), io_deadline(5));
	close(client);
}

static void
ask_server(const enum deed *deeds, size_t count, bool has_tcp)
{
	int udp, tcp;
	uint16_t port = bind_both(&udp, &tcp);
	const struct dns_answer *answer;
	struct dns_resolver resolver;
	int status;
	pid_t pid;

	listen(tcp, 5);
	pid = fork();
	if (pid == 0) {
		serve_udp(udp, deeds, count);
		if (has_tcp)
			serve_tcp(tcp);
		_exit(0);
	}
	memset(&resolver, 0, sizeof(resolver));
	resolver.timeout = 5;
	resolver.attempts = 1;
	resolver.server_count = 1;
	netaddr_parse(S("127.0.0.1"), &resolver.servers[0]);
	resolver.servers[0].port = port;
	answer = dns_find(&resolver, S("X.Test."), DNS_MX);
	assert_int_equal(answer->status, DNS_OK);
	assert_string_equal(answer->records[0].name, "mx.x.test");
	/* The second time from memory: the server has gone. */
	waitpid(pid, &status, 0);
	assert_int_equal(status, 0);
	assert_int_equal(
	    dns_find(&resolver, S("x.test"), DNS_MX)->status, DNS_OK);
	close(udp);
	close(tcp);
	dns_close(&resolver);
}

static void
a_lookup_survives_lies_truncation_and_old_servers(void **state)
{
	static const enum deed lie[] = { DEED_LIE, DEED_ANSWER };
	static const enum deed truncate[] = { DEED_TRUNCATE };
	static const enum deed refuse[] = { DEED_REFUSE_EDNS, DEED_ANSWER };

	(void)state;
	ask_server(lie, 2, false);
	ask_server(truncate, 1, true);
	ask_server(refuse, 2, false);
}

static void
a_name_that_is_none_is_not_asked_for(void **state)
{
	struct dns_resolver resolver;

	(void)state;
	memset(&resolver, 0, sizeof(resolver));
	assert_int_equal(
	    dns_find(&resolver, S("a..b"), DNS_MX)->status, DNS_NO_DOMAIN);
	/* And without any server there is no answer. */
	assert_int_equal(
	    dns_find(&resolver, S("a.b"), DNS_MX)->status, DNS_TEMPORARY);
	dns_close(&resolver);
}

/* RFC 2308 section 5; each limit at, below and above. */
#define HEADER_NO(code) ID "\x81" code "\0\1\0\0\0\1\0\0"
#define SOA(ttl, minimum)                                                      \
	TO_X_TEST "\0\6\0\1" ttl "\0\x18" TO_X_TEST TO_X_TEST                  \
		  "\0\0\0\1\0\0\0\1\0\0\0\1\0\0\0\1" minimum

static void
no_is_believed_as_long_as_the_zone_says(void **state)
{
	static const struct {
		struct slice packet;
		enum dns_status status;
		uint32_t ttl;
	} cases[] = {
		{ SLICE(
		      HEADER_NO("\x83") QUESTION_MX SOA(TTL_60, "\0\0\0\x3d")),
		    DNS_NO_DOMAIN, 60 },
		{ SLICE(
		      HEADER_NO("\x80") QUESTION_MX SOA(TTL_60, "\0\0\0\x3b")),
		    DNS_NO_DATA, 59 },
		{ SLICE(HEADER_NO("\x83")
			  QUESTION_MX SOA("\0\0\3\x84", "\0\0\3\x85")),
		    DNS_NO_DOMAIN, 900 },
		{ SLICE(HEADER_NO("\x83")
			  QUESTION_MX SOA("\0\0\3\x83", "\0\0\3\x85")),
		    DNS_NO_DOMAIN, 899 },
		{ SLICE(HEADER_NO("\x83")
			  QUESTION_MX SOA("\0\0\3\x85", "\0\0\3\x85")),
		    DNS_NO_DOMAIN, 900 },
		/* RFC 2181 section 8. */
		{ SLICE(HEADER_NO("\x83")
			  QUESTION_MX SOA("\x80\0\0\1", "\0\0\3\x85")),
		    DNS_NO_DOMAIN, 0 },
		/* Without an SOA nobody says how long. */
		{ SLICE(HEADER("\x81\x83", "\0") QUESTION_MX), DNS_NO_DOMAIN,
		    0 },
	};
	struct dns_question question = {
		.id = 0x1234, .type = DNS_MX, .name = "x.test"
	};
	static struct dns_answer answer;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(
		    dns_answer_parse(cases[i].packet, &question, &answer),
		    DNS_PARSE_OK);
		assert_int_equal(answer.status, cases[i].status);
		assert_int_equal(answer.ttl, cases[i].ttl);
	}
}

static void
a_service_has_hosts_with_ports(void **state)
{
	static const struct slice packet = SLICE(HEADER("\x81\x80", "\1") X_TEST
	    "\0\x21\0\1" TO_X_TEST "\0\x21\0\1" TTL_60
	    "\0\x0b\0\12\0\5\2\x4b\2mx" TO_X_TEST);
	struct dns_question question = {
		.id = 0x1234, .type = DNS_SRV, .name = "x.test"
	};
	static struct dns_answer answer;

	(void)state;
	dns_answer_parse(packet, &question, &answer);
	assert_int_equal(answer.count, 1);
	assert_int_equal(answer.records[0].preference, 10);
	assert_int_equal(answer.records[0].weight, 5);
	assert_int_equal(answer.records[0].port, 587);
	assert_string_equal(answer.records[0].name, "mx.x.test");
}

/* RFC 6698 section 2.1; what is no digest is shown without it. */
static void
a_certificate_has_digests(void **state)
{
	static const struct slice packet = SLICE(HEADER("\x81\x80", "\3") X_TEST
	    "\0\x34\0\1" TO_X_TEST "\0\x34\0\1" TTL_60
	    "\0\5\3\1\1\xab\xcd" TO_X_TEST "\0\x34\0\1" TTL_60
	    "\0\2\3\1" TO_X_TEST "\0\x34\0\1" TTL_60 "\0\x44\2\0\0"
	    "0123456789abcdef"
	    "0123456789abcdef0123456789abcdef0123456789abcdef!");
	struct dns_question question = {
		.id = 0x1234, .type = DNS_TLSA, .name = "x.test"
	};
	static struct dns_answer answer;

	(void)state;
	dns_answer_parse(packet, &question, &answer);
	assert_int_equal(answer.count, 2);
	assert_string_equal(answer.records[0].name, "3 1 1 abcd");
	assert_string_equal(answer.records[1].name, "2 0 0 ");
}

/* RFC 3225 section 3, RFC 6840 section 5.8, RFC 6891 section 6.1.3. */
static void
edns_asks_for_and_hears_of_dnssec(void **state)
{
	static const struct slice opt = SLICE("\0\0\x29\4\xd0\0\0\x80\0\0\0"),
				  authentic = SLICE(HEADER("\x81\xa0", "\1")
					  QUESTION_MX TO_X_TEST
				      "\0\17\0\1" TTL_60 "\0\3\0\0\0"),
				  bad_version = SLICE(
				      ID "\x81\x80\0\1\0\0\0\0\0\1" QUESTION_MX
					 "\0\0\x29\4\xd0\1\0\0\0\0\0");
	struct dns_question question = { .id = 0x1234,
		.type = DNS_MX,
		.wants_dnssec = true,
		.name = "x.test" };
	static struct dns_answer answer;
	struct buf out;

	(void)state;
	buf_init(&out, 512);
	assert_true(dns_query_format(&question, true, &out));
	assert_slice_equal(slice_from(buf_slice(&out), out.len - opt.len), opt);
	buf_free(&out);
	dns_answer_parse(authentic, &question, &answer);
	assert_true(answer.is_authentic);
	question.wants_dnssec = false;
	dns_answer_parse(authentic, &question, &answer);
	assert_false(answer.is_authentic);
	assert_int_equal(dns_answer_parse(bad_version, &question, &answer),
	    DNS_PARSE_NO_EDNS);
}

/* DNS_CACHE of them at once; one more drives out the oldest. */
static void
the_cache_holds_so_many_answers(void **state)
{
	struct dns_resolver resolver;
	char name[16];

	(void)state;
	memset(&resolver, 0, sizeof(resolver));
	for (size_t i = 0; i < DNS_CACHE; i++) {
		snprintf(name, sizeof(name), "n%zu.test", i);
		assert_int_equal(
		    dns_find(&resolver, slice_of(name), DNS_MX)->status,
		    DNS_TEMPORARY);
		/* What a server would have said. */
		resolver.cache[i].answer->status = DNS_NO_DATA;
		resolver.cache[i].expires = io_deadline(60);
	}
	for (size_t i = 0; i < DNS_CACHE; i++) {
		snprintf(name, sizeof(name), "n%zu.test", i);
		assert_int_equal(
		    dns_find(&resolver, slice_of(name), DNS_MX)->status,
		    DNS_NO_DATA);
	}
	dns_find(&resolver, S("new.test"), DNS_MX);
	assert_int_equal(
	    dns_find(&resolver, S("n1.test"), DNS_MX)->status, DNS_NO_DATA);
	assert_int_equal(
	    dns_find(&resolver, S("n0.test"), DNS_MX)->status, DNS_TEMPORARY);
	dns_close(&resolver);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(answers_are_read_within_bounds),
		cmocka_unit_test(queries_are_for_names_only),
		cmocka_unit_test(hosts_are_found_by_any_of_their_names),
		cmocka_unit_test(resolv_conf_names_servers_and_patience),
		cmocka_unit_test(
		    a_lookup_survives_lies_truncation_and_old_servers),
		cmocka_unit_test(a_name_that_is_none_is_not_asked_for),
		cmocka_unit_test(no_is_believed_as_long_as_the_zone_says),
		cmocka_unit_test(a_service_has_hosts_with_ports),
		cmocka_unit_test(a_certificate_has_digests),
		cmocka_unit_test(edns_asks_for_and_hears_of_dnssec),
		cmocka_unit_test(the_cache_holds_so_many_answers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
