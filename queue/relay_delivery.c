/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "queue/relay_delivery.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/alloc.h"
#include "common/limits.h"
#include "common/log.h"

#include "queue/client_envelope.h"

#define DESTINATION_SIZE 8192

/* One job under way. */
struct delivery {
	struct relay *relay;
	const struct job *job;
	struct relay_body body;
	struct client_message message;
	struct verdict *verdicts;
	struct client_verdict failure;  /* of what was tried last */
	char remote[RELAY_REMOTE_SIZE]; /* who spoke last, or "none" */
};

struct relay *
relay_new(
    const struct settings *settings, const char *resolv_conf, const char *hosts)
{
	struct relay *relay = alloc_zero(1, sizeof(*relay));

	relay->settings = settings;
	relay->tls_helper = -1;
	resolver_open(&relay->resolver, resolv_conf, hosts);
	relay_session_init(&relay->session);
	buf_init(&relay->destination, DESTINATION_SIZE);
	return relay;
}

void
relay_free(struct relay **relay)
{
	relay_session_free(&(*relay)->session);
	buf_free(&(*relay)->destination);
	resolver_close(&(*relay)->resolver);
	alloc_release(*relay);
	*relay = NULL;
}

/* All that must be the same for a session to be used again. */
static void
destination_format(const struct job *job, struct buf *out)
{
	const struct slice parts[] = { job->domain, job->nexthop, job->login,
		job->password };

	buf_clear(out);
	buf_add_format(out, "%u", job->tls_level);
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		buf_add_format(out, " %zu:", parts[i].len);
		buf_add(out, parts[i]);
	}
}

/* Keep what this host said; those it put off may be asked about again. */
static void
delivery_keep(struct delivery *d, const char *remote, bool is_last)
{
	for (size_t i = 0; i < d->job->recipient_count; i++) {
		struct client_verdict *said = &d->message.recipients[i].verdict;
		struct verdict *kept = &d->verdicts[i];

		if (said->status == 0 || kept->status == 'D' ||
		    kept->status == 'F')
			continue;
		kept->status = said->status;
		snprintf(kept->code, sizeof(kept->code), "%s", said->code);
		snprintf(kept->remote, sizeof(kept->remote), "%.255s", remote);
		snprintf(kept->text, sizeof(kept->text), "%s", said->text);
		if (said->status == 'T' && !is_last)
			said->status = 0;
	}
}

static void
delivery_fail(struct delivery *d, const struct client_verdict *failure)
{
	for (size_t i = 0; i < d->job->recipient_count; i++)
		if (d->message.recipients[i].verdict.status == 0)
			d->message.recipients[i].verdict = *failure;
	delivery_keep(d, d->remote, true);
}

static bool
delivery_is_done(const struct delivery *d)
{
	for (size_t i = 0; i < d->job->recipient_count; i++)
		if (d->verdicts[i].status == 0 || d->verdicts[i].status == 'T')
			return false;
	return true;
}

/* Are there bytes over 0x7f? Asked only when the host cannot take them:
 * what the sender declared may be more than what he sent. */
static bool
body_is_8bit(const struct relay_body *body)
{
	unsigned char block[8192];
	uint64_t done = 0, left;
	ssize_t n;

	while (done < body->length) {
		left = body->length - done;
		n = pread(body->fd, block,
		    left < sizeof(block) ? (size_t)left : sizeof(block),
		    (off_t)(body->offset + done));
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		for (ssize_t i = 0; i < n; i++)
			if (block[i] >= 0x80)
				return true;
		done += (uint64_t)n;
	}
	return false;
}

/* One transaction over the open session. */
static bool
delivery_send(struct delivery *d)
{
	struct relay_session *session = &d->relay->session;
	bool is_8bit = (d->job->flags & JOB_8BIT) != 0;

	if (!(session->client.extensions & CLIENT_8BITMIME))
		is_8bit = body_is_8bit(&d->body);
	d->message.is_8bit = is_8bit;
	return relay_session_send(session, &d->message, &d->body);
}

/*
 * Over the session of the job before. A session that ended before any answer
 * to this message has told nothing: hosts may close an idle connection. True:
 * the job is done with.
 */
static bool
delivery_reuse(struct delivery *d)
{
	struct relay_session *session = &d->relay->session;
	char remote[RELAY_REMOTE_SIZE];

	memcpy(remote, session->remote, sizeof(remote));
	if (!delivery_send(d) && !session->client.has_answer) {
		for (size_t i = 0; i < d->job->recipient_count; i++)
			d->message.recipients[i].verdict.status = 0;
		return false;
	}
	delivery_keep(d, remote, true);
	return true;
}

static const struct dns_answer *
delivery_find(void *context, struct slice name, enum dns_type type)
{
	return resolver_find(context, name, type);
}

static enum result
delivery_route(struct delivery *d, struct route_mx *route)
{
	const struct settings *settings = d->relay->settings;
	const struct route_request request = {
		.domain = d->job->domain,
		.nexthop = d->job->nexthop,
		.hostname = settings->hostname,
		.port = (uint16_t)settings->smtp_port,
		.has_ipv4 = settings->smtp_ipv4,
		.has_ipv6 = settings->smtp_ipv6,
		.hosts = buf_slice(&d->relay->resolver.hosts),
		.find = delivery_find,
		.context = &d->relay->resolver,
		.seed = resolver_random(),
	};
	struct why why = { 0 };
	enum result result = route_mx_find(&request, route, &why);

	if (result != RESULT_OK)
		client_verdict_set(&d->failure,
		    result == RESULT_NEVER ? 'F' : 'T', why.status, why.text);
	return result;
}

static size_t
delivery_count_done(const struct delivery *d)
{
	size_t count = 0;

	for (size_t i = 0; i < d->job->recipient_count; i++)
		count += d->verdicts[i].status == 'D';
	return count;
}

/* Was a recipient put off only because there were too many? */
static bool
delivery_has_surplus(const struct delivery *d)
{
	const struct verdict *v = d->verdicts;

	for (size_t i = 0; i < d->job->recipient_count; i++, v++)
		if (v->status == 'T' &&
		    (strcmp(v->code, "4.5.3") == 0 ||
			(strcmp(v->code, "4.0.0") == 0 &&
			    strncmp(v->text, "452", 3) == 0)))
			return true;
	return false;
}

/* As many transactions as the host wants the recipients in (RFC 5321 section
 * 4.5.3.1.10), as long as each takes some. */
static void
delivery_send_all(struct delivery *d)
{
	size_t before;
	bool is_open;

	do {
		before = delivery_count_done(d);
		is_open = delivery_send(d);
		delivery_keep(d, d->relay->session.remote, false);
	} while (is_open && delivery_count_done(d) > before &&
		 delivery_has_surplus(d));
}

/* True: no further host is to be tried. */
static bool
delivery_try(struct delivery *d, const struct route_target *target,
    unsigned int *sessions)
{
	struct relay_session *session = &d->relay->session;
	const struct relay_dial dial = {
		.settings = d->relay->settings,
		.target = target,
		.tls_helper = d->relay->tls_helper,
		.tls_level = (enum tls_level)d->job->tls_level,
		.is_tls_first =
		    d->job->nexthop.len > 0 && target->addr.port == 465,
		.is_filter = d->job->nexthop.len > 0 &&
			     target->addr.port != d->relay->settings->smtp_port,
		.login = d->job->login,
		.password = d->job->password,
		.id = d->job->id,
	};

	if (!relay_session_open(session, &dial)) {
		d->failure = session->client.failure;
		snprintf(d->remote, sizeof(d->remote), "%s",
		    session->is_greeted ? session->remote : "none");
		*sessions += session->is_greeted;
		log_info("%s: %s", d->job->id, d->failure.text);
		return strcmp(d->failure.code, "5.4.6") == 0;
	}
	(*sessions)++;
	delivery_send_all(d);
	return delivery_is_done(d);
}

static void
delivery_run(struct delivery *d)
{
	struct relay *relay = d->relay;
	struct route_mx route;
	unsigned int sessions = 0;

	if (relay_session_is_usable(&relay->session) && delivery_reuse(d))
		return;
	relay_session_close(&relay->session);
	if (delivery_route(d, &route) != RESULT_OK) {
		delivery_fail(d, &d->failure);
		return;
	}
	for (size_t i = 0; i < route.count && sessions < LIMIT_RELAY_SESSIONS;
	     i++) {
		relay_session_close(&relay->session);
		if (delivery_try(d, &route.targets[i], &sessions))
			break;
	}
	/* Those put off by one host and then not reached at another keep the
	 * reply of the host that spoke. */
	for (size_t i = 0; i < d->job->recipient_count; i++)
		if (d->verdicts[i].status == 'T')
			d->message.recipients[i].verdict.status = 'T';
	for (size_t i = 0; i < d->job->recipient_count; i++)
		if (d->verdicts[i].status == 0) {
			delivery_fail(d, &d->failure);
			break;
		}
}

/* The session's login and password live in the job that opened it. */
static void
forget_credentials(struct relay *relay)
{
	relay->session.client.options.login = S("");
	relay->session.client.options.password = S("");
}

void
relay_deliver(struct relay *relay, const struct job *job, int spool,
    struct verdict *verdicts)
{
	struct delivery d = { .relay = relay,
		.job = job,
		.body = { spool, job->body_offset, job->body_length },
		.verdicts = verdicts,
		.remote = "none" };
	struct buf destination;

	d.message.sender = job->sender;
	d.message.size = job->body_length;
	d.message.recipient_count = job->recipient_count;
	d.message.recipients =
	    alloc_zero(job->recipient_count, sizeof(*d.message.recipients));
	memset(verdicts, 0, job->recipient_count * sizeof(*verdicts));
	for (size_t i = 0; i < job->recipient_count; i++) {
		verdicts[i].index = job->recipients[i].index;
		d.message.recipients[i].address = job->recipients[i].address;
	}
	buf_init(&destination, DESTINATION_SIZE);
	destination_format(job, &destination);
	if (destination.failed ||
	    !slice_eq(buf_slice(&destination), buf_slice(&relay->destination)))
		relay_session_close(&relay->session);
	buf_clear(&relay->destination);
	buf_add(&relay->destination, buf_slice(&destination));
	buf_free(&destination);
	delivery_run(&d);
	forget_credentials(relay);
	alloc_release(d.message.recipients);
}
