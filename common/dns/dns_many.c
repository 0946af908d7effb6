/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "common/dns/dns_many.h"

#include <limits.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/alloc.h"
#include "common/io.h"
#include "common/net_connect.h"

#define UDP_ANSWER_MAX 4096
#define QUERY_MAX      512

/* One question on its way. */
struct slot {
	int fd;       /* -1: free */
	size_t index; /* of the name */
	struct dns_question question;
	unsigned int tries; /* begun, over all servers */
	bool has_edns;
	int64_t deadline; /* of this try */
};

struct many {
	struct dns_resolver *resolver;
	const struct dns_many *wanted;
	struct slot slots[DNS_MANY_SOCKETS];
	struct dns_answer *answer;
	size_t next;        /* name to be asked next */
	bool *is_postponed; /* by name: needs TCP */
	bool is_enough;     /* no more answers are wanted */
};

static void
tell(struct many *many, size_t index, const struct dns_answer *answer)
{
	const struct dns_many *wanted = many->wanted;

	if (!many->is_enough)
		many->is_enough = !wanted->tell(wanted->context, index, answer);
}

static void
tell_status(struct many *many, size_t index, enum dns_status status)
{
	memset(many->answer, 0, sizeof(*many->answer));
	many->answer->status = status;
	tell(many, index, many->answer);
}

static void
slot_close(struct slot *slot)
{
	if (slot->fd >= 0)
		close(slot->fd);
	slot->fd = -1;
}

static bool
slot_send(struct slot *slot, const struct netaddr *server)
{
	struct buf query;
	bool ok;

	slot->question.id = (uint16_t)dns_random();
	slot->fd = net_connect(server, SOCK_DGRAM, slot->deadline);
	if (slot->fd < 0)
		return false;
	buf_init(&query, QUERY_MAX);
	ok = dns_query_format(&slot->question, slot->has_edns, &query) &&
	     io_write_all(slot->fd, buf_slice(&query), slot->deadline) == IO_OK;
	buf_free(&query);
	if (!ok)
		slot_close(slot);
	return ok;
}

static int64_t
earlier(int64_t deadline, int64_t limit)
{
	return limit != 0 && limit < deadline ? limit : deadline;
}

/* The next server; when all were tried the name has no answer. */
static void
slot_try(struct many *many, struct slot *slot)
{
	const struct dns_resolver *resolver = many->resolver;
	size_t servers = resolver->server_count;

	slot_close(slot);
	while (slot->tries < resolver->attempts * servers &&
	       earlier(INT64_MAX, resolver->deadline) > io_now()) {
		slot->deadline =
		    earlier(io_deadline(resolver->timeout), resolver->deadline);
		if (slot_send(
			slot, &resolver->servers[slot->tries++ % servers]))
			return;
	}
	tell_status(many, slot->index, DNS_TEMPORARY);
}

/* The slot stays free when nothing has to be asked for this name. */
static void
slot_begin(struct many *many, struct slot *slot)
{
	const struct dns_many *wanted = many->wanted;
	const struct dns_answer *cached;

	slot->index = many->next++;
	slot->tries = 0;
	slot->has_edns = true;
	if (!dns_question_set(
		&slot->question, wanted->names[slot->index], wanted->type)) {
		tell_status(many, slot->index, DNS_NO_DOMAIN);
		return;
	}
	cached = dns_cached(many->resolver, &slot->question);
	if (cached != NULL)
		tell(many, slot->index, cached);
	else
		slot_try(many, slot);
}

static size_t
fill_slots(struct many *many)
{
	size_t busy = 0;

	for (size_t i = 0; i < DNS_MANY_SOCKETS; i++) {
		struct slot *slot = &many->slots[i];

		while (slot->fd < 0 && !many->is_enough &&
		       many->next < many->wanted->count)
			slot_begin(many, slot);
		busy += slot->fd >= 0;
	}
	return busy;
}

static void
take_answer(struct many *many, struct slot *slot)
{
	if (many->answer->status == DNS_TEMPORARY) {
		slot_try(many, slot);
		return;
	}
	slot_close(slot);
	dns_keep(many->resolver, &slot->question, many->answer);
	tell(many, slot->index, many->answer);
}

/* Answers that are not ours are thrown away, as in dns_find. */
static void
slot_read(struct many *many, struct slot *slot)
{
	char bytes[UDP_ANSWER_MAX];
	ssize_t n = recv(slot->fd, bytes, sizeof(bytes), MSG_DONTWAIT);

	if (n < 0) {
		slot_try(many, slot);
		return;
	}
	switch (dns_answer_parse(
	    slice_make(bytes, (size_t)n), &slot->question, many->answer)) {
	case DNS_PARSE_OK:
		take_answer(many, slot);
		break;
	case DNS_PARSE_FOREIGN:
		break;
	case DNS_PARSE_TRUNCATED:
		many->is_postponed[slot->index] = true;
		slot_close(slot);
		break;
	case DNS_PARSE_NO_EDNS:
		slot->tries -= slot->has_edns;
		slot->has_edns = false;
		slot_try(many, slot);
		break;
	}
}

static void
wait_for_answers(struct many *many)
{
	struct pollfd polled[DNS_MANY_SOCKETS];
	int64_t now = io_now(), first = now + INT_MAX;

	for (size_t i = 0; i < DNS_MANY_SOCKETS; i++) {
		const struct slot *slot = &many->slots[i];

		polled[i] = (struct pollfd){ slot->fd, POLLIN, 0 };
		if (slot->fd >= 0)
			first = earlier(first, slot->deadline);
	}
	(void)poll(
	    polled, DNS_MANY_SOCKETS, first > now ? (int)(first - now) : 0);
	now = io_now();
	for (size_t i = 0; i < DNS_MANY_SOCKETS; i++) {
		struct slot *slot = &many->slots[i];

		if (slot->fd < 0 || many->is_enough)
			continue;
		if (polled[i].revents != 0)
			slot_read(many, slot);
		/* Also when it is kept busy with answers of others. */
		if (slot->fd >= 0 && slot->deadline <= now)
			slot_try(many, slot);
	}
}

void
dns_find_many(struct dns_resolver *resolver, const struct dns_many *wanted)
{
	struct many many = { .resolver = resolver, .wanted = wanted };

	many.answer = alloc_zero(1, sizeof(*many.answer));
	many.is_postponed = alloc_zero(wanted->count + 1, sizeof(bool));
	for (size_t i = 0; i < DNS_MANY_SOCKETS; i++)
		many.slots[i].fd = -1;
	while (fill_slots(&many) > 0 && !many.is_enough)
		wait_for_answers(&many);
	for (size_t i = 0; i < DNS_MANY_SOCKETS; i++)
		slot_close(&many.slots[i]);
	for (size_t i = 0; i < wanted->count && !many.is_enough; i++)
		if (many.is_postponed[i])
			tell(&many, i,
			    dns_find(resolver, wanted->names[i], wanted->type));
	alloc_release(many.is_postponed);
	alloc_release(many.answer);
}
