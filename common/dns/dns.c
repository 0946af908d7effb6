/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "common/dns/dns.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/alloc.h"
#include "common/io.h"
#include "common/net_connect.h"
#include "common/result.h"

#define DNS_PORT       53
#define UDP_ANSWER_MAX 4096
#define QUERY_MAX      512
#define BLANKS         S(" \t\r")

/* One question on its way. */
struct exchange {
	struct dns_question question;
	struct dns_answer *answer;
	bool has_edns;
	struct buf query;
	struct buf packet;
};

static void
file_read(const char *path, struct buf *out)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n;
	char *room;

	if (fd < 0)
		return;
	while ((room = buf_reserve(out, 4096)) != NULL &&
	       (n = read(fd, room, 4096)) > 0)
		buf_commit(out, (size_t)n);
	close(fd);
}

static void
configure_server(struct dns_resolver *resolver, struct slice text)
{
	struct netaddr *server = &resolver->servers[resolver->server_count];
	struct slice host = text, port;
	uint64_t number = DNS_PORT;

	if (resolver->server_count == DNS_SERVERS)
		return;
	if (slice_starts(text, S("["))) {
		if (!slice_cut(slice_from(text, 1), ']', &host, &port))
			return;
		(void)slice_u64(slice_from(port, 1), UINT16_MAX, &number);
	}
	/* A scope ("fe80::1%eth0") is not understood: passed over. */
	if (!netaddr_parse(host, server))
		return;
	server->port = (uint16_t)number;
	resolver->server_count++;
}

static void
configure_option(struct dns_resolver *resolver, struct slice option)
{
	struct slice name, value;
	uint64_t number;

	if (!slice_cut(option, ':', &name, &value) ||
	    !slice_u64(value, 30, &number) || number == 0)
		return;
	if (slice_eq(name, S("timeout")))
		resolver->timeout = (unsigned int)number;
	else if (slice_eq(name, S("attempts")) && number <= 5)
		resolver->attempts = (unsigned int)number;
}

void
dns_configure(struct dns_resolver *resolver, struct slice text)
{
	struct slice line, word;

	resolver->timeout = 5;
	resolver->attempts = 2;
	while (text.len > 0) {
		slice_cut(text, '\n', &line, &text);
		if (!slice_token(&line, BLANKS, &word))
			continue;
		if (slice_eq(word, S("nameserver")) &&
		    slice_token(&line, BLANKS, &word))
			configure_server(resolver, word);
		else if (slice_eq(word, S("options")))
			while (slice_token(&line, BLANKS, &word))
				configure_option(resolver, word);
	}
	if (resolver->server_count == 0)
		configure_server(resolver, S("127.0.0.1"));
}

void
dns_open(
    struct dns_resolver *resolver, const char *resolv_conf, const char *hosts)
{
	struct buf text;

	memset(resolver, 0, sizeof(*resolver));
	buf_init(&text, LIMIT_HOSTS_FILE);
	file_read(resolv_conf, &text);
	dns_configure(resolver, buf_slice(&text));
	buf_free(&text);
	buf_init(&resolver->hosts, LIMIT_HOSTS_FILE);
	file_read(hosts, &resolver->hosts);
}

void
dns_close(struct dns_resolver *resolver)
{
	for (size_t i = 0; i < DNS_CACHE; i++)
		alloc_release(resolver->cache[i].answer);
	buf_free(&resolver->hosts);
	memset(resolver, 0, sizeof(*resolver));
}

uint32_t
dns_random(void)
{
	uint32_t value;

	if (getrandom(&value, sizeof(value), 0) != sizeof(value))
		alloc_exhausted("random numbers");
	return value;
}

/* Through UDP: answers that are not ours are read and thrown away until the
 * deadline, so a forged one costs the forger's time only. */
static enum dns_parse
exchange_udp(struct exchange *x, const struct netaddr *server, int64_t deadline)
{
	enum dns_parse parse = DNS_PARSE_FOREIGN;
	int fd = net_connect(server, SOCK_DGRAM, deadline);
	char bytes[UDP_ANSWER_MAX];
	size_t got;

	if (fd < 0)
		return DNS_PARSE_FOREIGN;
	if (io_write_all(fd, buf_slice(&x->query), deadline) == IO_OK)
		while (parse == DNS_PARSE_FOREIGN &&
		       io_read_some(fd, bytes, sizeof(bytes), &got, deadline) ==
			   IO_OK)
			parse = dns_answer_parse(
			    slice_make(bytes, got), &x->question, x->answer);
	close(fd);
	return parse;
}

static enum dns_parse
exchange_tcp(struct exchange *x, const struct netaddr *server, int64_t deadline)
{
	enum dns_parse parse = DNS_PARSE_FOREIGN;
	int fd = net_connect(server, SOCK_STREAM, deadline);
	unsigned char length[2] = { (unsigned char)(x->query.len >> 8),
		(unsigned char)x->query.len };
	size_t size = 0;
	char *room;

	if (fd < 0)
		return DNS_PARSE_FOREIGN;
	buf_clear(&x->packet);
	buf_add(&x->packet, slice_make(length, sizeof(length)));
	buf_add(&x->packet, buf_slice(&x->query));
	if (io_write_all(fd, buf_slice(&x->packet), deadline) == IO_OK &&
	    io_read_all(fd, length, sizeof(length), deadline) == IO_OK)
		size = (size_t)length[0] << 8 | length[1];
	buf_clear(&x->packet);
	room = buf_reserve(&x->packet, size);
	if (size > 0 && room != NULL &&
	    io_read_all(fd, room, size, deadline) == IO_OK)
		parse = dns_answer_parse(
		    slice_make(room, size), &x->question, x->answer);
	close(fd);
	return parse;
}

static bool
exchange_prepare(struct exchange *x)
{
	x->question.id = (uint16_t)dns_random();
	buf_clear(&x->query);
	return dns_query_format(&x->question, x->has_edns, &x->query);
}

/* True when this server gave a usable answer. */
static bool
exchange_try(
    struct exchange *x, const struct netaddr *server, unsigned int timeout)
{
	enum dns_parse parse;

	if (!exchange_prepare(x))
		return false;
	parse = exchange_udp(x, server, io_deadline(timeout));
	if (parse == DNS_PARSE_NO_EDNS && x->has_edns) {
		x->has_edns = false;
		if (!exchange_prepare(x))
			return false;
		parse = exchange_udp(x, server, io_deadline(timeout));
	}
	if (parse == DNS_PARSE_TRUNCATED)
		parse = exchange_tcp(x, server, io_deadline(timeout));
	return parse == DNS_PARSE_OK && x->answer->status != DNS_TEMPORARY;
}

/* Else the try may take what is left, a second at least. */
static bool
is_too_late(const struct dns_resolver *resolver, unsigned int *timeout)
{
	int64_t left = resolver->deadline - io_now();

	if (resolver->deadline == 0)
		return false;
	if (left < (int64_t)*timeout * 1000)
		*timeout = left < 1000 ? 1 : (unsigned int)(left / 1000);
	return left <= 0;
}

static void
dns_ask(const struct dns_resolver *resolver,
    const struct dns_question *question, struct dns_answer *answer)
{
	struct exchange x = {
		.question = *question, .answer = answer, .has_edns = true
	};
	bool is_found = false;
	unsigned int timeout = resolver->timeout;

	buf_init(&x.query, QUERY_MAX);
	buf_init(&x.packet, LIMIT_DNS_ANSWER + 1);
	for (unsigned int i = 0; i < resolver->attempts && !is_found; i++)
		for (size_t s = 0; s < resolver->server_count && !is_found &&
				   !is_too_late(resolver, &timeout);
		     s++)
			is_found =
			    exchange_try(&x, &resolver->servers[s], timeout);
	if (!is_found) {
		memset(answer, 0, sizeof(*answer));
		answer->status = DNS_TEMPORARY;
	}
	buf_free(&x.query);
	buf_free(&x.packet);
}

bool
dns_question_set(
    struct dns_question *question, struct slice name, enum dns_type type)
{
	struct buf query;
	bool is_name;

	memset(question, 0, sizeof(*question));
	question->type = type;
	if (slice_ends(name, S(".")))
		name.len--;
	if (!slice_to_array(name, question->name, sizeof(question->name)))
		return false;
	for (char *c = question->name; *c != '\0'; c++)
		*c = ascii_lower(*c);
	buf_init(&query, QUERY_MAX);
	is_name = dns_query_format(question, true, &query);
	buf_free(&query);
	return is_name;
}

const struct dns_answer *
dns_cached(
    const struct dns_resolver *resolver, const struct dns_question *question)
{
	int64_t now = io_now();

	for (size_t i = 0; i < DNS_CACHE; i++) {
		const struct dns_entry *entry = &resolver->cache[i];

		if (entry->answer != NULL && entry->expires > now &&
		    entry->question.type == question->type &&
		    strcmp(entry->question.name, question->name) == 0)
			return entry->answer;
	}
	return NULL;
}

static struct dns_entry *
entry_take(struct dns_resolver *resolver, const struct dns_question *question)
{
	struct dns_entry *entry = &resolver->cache[resolver->next];

	resolver->next = (resolver->next + 1) % DNS_CACHE;
	if (entry->answer == NULL)
		entry->answer = alloc_zero(1, sizeof(*entry->answer));
	entry->question = *question;
	entry->expires = 0;
	return entry;
}

static void
entry_keep(struct dns_entry *entry)
{
	if (entry->answer->status != DNS_TEMPORARY)
		entry->expires = io_deadline(entry->answer->ttl);
}

void
dns_keep(struct dns_resolver *resolver, const struct dns_question *question,
    const struct dns_answer *answer)
{
	struct dns_entry *entry = entry_take(resolver, question);

	*entry->answer = *answer;
	entry_keep(entry);
}

const struct dns_answer *
dns_find(struct dns_resolver *resolver, struct slice name, enum dns_type type)
{
	struct dns_question question;
	bool is_name = dns_question_set(&question, name, type);
	const struct dns_answer *cached = dns_cached(resolver, &question);
	struct dns_entry *entry;

	question.wants_dnssec = resolver->wants_dnssec;
	if (cached != NULL)
		return cached;
	entry = entry_take(resolver, &question);
	if (!is_name) {
		entry->answer->count = 0;
		entry->answer->status = DNS_NO_DOMAIN;
		return entry->answer;
	}
	dns_ask(resolver, &question, entry->answer);
	entry_keep(entry);
	return entry->answer;
}

/* "ADDRESS NAME NAME... # comment" */
static bool
hosts_line_has(struct slice line, struct slice name)
{
	struct slice word;

	while (slice_token(&line, BLANKS, &word))
		if (slice_eq_nocase(word, name))
			return true;
	return false;
}

size_t
hosts_find(struct slice hosts, struct slice name, enum dns_type type,
    struct netaddr *out, size_t max)
{
	struct slice line, comment, word;
	struct netaddr addr;
	size_t count = 0;

	if (slice_ends(name, S(".")))
		name.len--;
	while (hosts.len > 0 && count < max) {
		slice_cut(hosts, '\n', &line, &hosts);
		slice_cut(line, '#', &line, &comment);
		if (!slice_token(&line, BLANKS, &word) ||
		    !hosts_line_has(line, name) ||
		    !netaddr_parse(word, &addr) ||
		    addr.family != (type == DNS_A ? 4 : 6))
			continue;
		out[count++] = addr;
	}
	return count;
}
