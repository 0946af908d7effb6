/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "queue/relay_delivery.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "common/alloc.h"
#include "common/limits.h"
#include "common/log.h"

#include "queue/client_envelope.h"
#include "queue/dane.h"
#include "queue/relay_content.h"
#include "queue/relay_outside.h"

#define DESTINATION_SIZE 8192

/* One job under way. */
struct delivery {
	struct relay *relay;
	const struct job *job;
	struct relay_body body;
	struct relay_content content;
	struct client_message message;
	struct verdict *verdicts;
	struct client_verdict failure;  /* of what was tried last */
	char remote[RELAY_REMOTE_SIZE]; /* who spoke last, or "none" */
};

/* Elsewhere anybody on the way can set AD (RFC 6840 section 5.8). */
static bool
is_dns_trusted(const struct relay *relay)
{
	const struct dns_resolver *resolver = &relay->resolver;

	if (relay->settings->dns_trust != DNS_TRUST_LOOPBACK)
		return relay->settings->dns_trust == DNS_TRUST_YES;
	for (size_t i = 0; i < resolver->server_count; i++)
		if (!netaddr_is_loopback(&resolver->servers[i]))
			return false;
	return resolver->server_count > 0;
}

struct relay *
relay_new(
    const struct settings *settings, const char *resolv_conf, const char *hosts)
{
	struct relay *relay = alloc_zero(1, sizeof(*relay));

	relay->settings = settings;
	relay->tls_helper = relay->outside = -1;
	buf_init(&relay->token, LIMIT_TOKEN + 1);
	/* The settings were checked when they were read. */
	(void)next_hop_parse_bind(
	    slice_of(settings->smtp_bind_address), &relay->source);
	dns_open(&relay->resolver, resolv_conf, hosts);
	relay->resolver.wants_dnssec = is_dns_trusted(relay);
	relay_session_init(&relay->session);
	buf_init(&relay->destination, DESTINATION_SIZE);
	return relay;
}

void
relay_free(struct relay **relay)
{
	relay_session_free(&(*relay)->session);
	buf_free(&(*relay)->destination);
	buf_free(&(*relay)->token);
	dns_close(&(*relay)->resolver);
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
	buf_add_format(out, "%u %d", job->tls_level,
	    (job->options.flags & MAIL_REQUIRETLS) != 0);
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		buf_add_format(out, " %zu:", parts[i].len);
		buf_add(out, parts[i]);
	}
}

/* What qmgr needs to know of the host that took a recipient. */
static uint8_t
delivery_flags(const struct delivery *d)
{
	unsigned int extensions = d->relay->session.client.extensions;
	unsigned int flags = 0;

	if (extensions & CLIENT_DSN)
		flags |= VERDICT_TAKEN_ON;
	if (d->job->options.deliver_by != 0 && !(extensions & CLIENT_DELIVERBY))
		flags |= VERDICT_UNTIMED;
	return (uint8_t)flags;
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
		kept->flags = said->status == 'D' ? delivery_flags(d) : 0;
		snprintf(kept->code, sizeof(kept->code), "%s", said->code);
		snprintf(kept->remote, sizeof(kept->remote), "%.255s", remote);
		snprintf(kept->text, sizeof(kept->text), "%s", said->text);
		relay_session_tls_text(
		    &d->relay->session, kept->tls, sizeof(kept->tls));
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

/* One transaction over the open session; false: the session is closed. */
static bool
delivery_send(struct delivery *d)
{
	struct relay_session *session = &d->relay->session;
	struct client_verdict verdict;

	d->message.by_seconds =
	    (int64_t)d->job->options.deliver_by - (int64_t)time(NULL);
	if (relay_content_choose(
		&d->content, &session->client, &d->message, &d->body, &verdict))
		return relay_session_send(session, &d->message, &d->body);
	for (size_t i = 0; i < d->job->recipient_count; i++)
		if (d->message.recipients[i].verdict.status == 0)
			d->message.recipients[i].verdict = verdict;
	session->client.has_answer = true;
	return true;
}

/* Some are past the limits of one transaction, and another one may follow. */
static bool
delivery_has_more(const struct delivery *d)
{
	if (!relay_session_may_send(&d->relay->session))
		return false;
	for (size_t i = 0; i < d->job->recipient_count; i++)
		if (d->message.recipients[i].verdict.status == 0)
			return true;
	return false;
}

/* A host with LIMITS MAILMAX wants them over another connection. */
static void
delivery_put_off(struct delivery *d)
{
	for (size_t i = 0; i < d->job->recipient_count; i++)
		if (d->message.recipients[i].verdict.status == 0)
			client_verdict_set(&d->message.recipients[i].verdict,
			    'T', "4.5.3",
			    "the host takes no more over one connection");
}

/* The next transactions until all recipients were sent; those put off in one
 * are kept out of the others. */
static bool
delivery_send_rest(struct delivery *d, const char *remote, bool is_open)
{
	while (is_open && delivery_has_more(d)) {
		delivery_keep(d, remote, true);
		is_open = delivery_send(d);
	}
	if (is_open)
		delivery_put_off(d);
	return is_open;
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
	bool is_open;

	memcpy(remote, session->remote, sizeof(remote));
	is_open = delivery_send(d);
	if (!is_open && !session->client.has_answer) {
		for (size_t i = 0; i < d->job->recipient_count; i++)
			d->message.recipients[i].verdict.status = 0;
		return false;
	}
	(void)delivery_send_rest(d, remote, is_open);
	delivery_keep(d, remote, true);
	return true;
}

static const struct dns_answer *
delivery_find(void *context, struct slice name, enum dns_type type)
{
	struct relay *relay = context;

	return dns_find(&relay->resolver, name, type);
}

static uint8_t
delivery_prefer(void *context, struct slice host)
{
	struct relay *relay = context;

	return relay_families_find(&relay->families, host);
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
		.prefer = delivery_prefer,
		.context = d->relay,
		.seed = dns_random(),
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
		is_open =
		    delivery_send_rest(d, d->relay->session.remote, is_open);
		delivery_keep(d, d->relay->session.remote, false);
	} while (is_open && delivery_count_done(d) > before &&
		 delivery_has_surplus(d) &&
		 relay_session_may_send(&d->relay->session));
}

/* The next hop's own addresses, else those of the settings. */
static void
way_bind(struct relay_way *way, const struct next_hop *hop,
    const struct next_hop *source)
{
	if (hop->bind4.family == 0 && hop->bind6.family == 0)
		hop = source;
	way->bind4 = hop->bind4;
	way->bind6 = hop->bind6;
}

/* Nobody listens between two processes of one machine. */
static enum tls_level
delivery_level(const struct delivery *d, const struct route_target *target)
{
	return target->addr.family == 0 ? TLS_LEVEL_NONE
					: (enum tls_level)d->job->tls_level;
}

/* What dane and dane-only mean at this host. False: it gets nothing now. */
static bool
delivery_find_dane(struct delivery *d, const struct route_mx *route,
    struct relay_dial *dial, struct dane *dane)
{
	const struct dane_request request = { .level = dial->policy,
		.is_trusted = d->relay->resolver.wants_dnssec,
		.find = delivery_find,
		.context = d->relay };
	struct why why = { 0 };

	if (dial->policy < TLS_LEVEL_DANE)
		return true;
	if (dane_find(&request, route, dial->way.first, dane, &why) !=
	    RESULT_OK) {
		relay_session_fail(&d->relay->session, dial, "4.7.5", why.text);
		return false;
	}
	dial->tls_level = dane->level;
	dial->tlsa = dane->records;
	if (d->job->nexthop.len == 0 || route->hop.kind == NEXT_HOP_MX)
		(void)slice_to_array(route->hop.name[0] != '\0'
					 ? slice_of(route->hop.name)
					 : d->job->domain,
		    dial->domain, sizeof(dial->domain));
	return true;
}

static struct relay_dial
delivery_dial(const struct delivery *d, const struct route_mx *route, size_t at)
{
	const struct route_target *target = &route->targets[at];
	struct relay_dial dial = {
		.settings = d->relay->settings,
		.way = { .first = target,
		    .second = relay_connect_second(route, at) },
		.tls_helper = d->relay->tls_helper,
		.policy = delivery_level(d, target),
		.tlsa = "",
		.is_tls_first =
		    target->is_tls_first ||
		    (d->job->nexthop.len > 0 && target->addr.port == 465),
		.is_filter = d->job->nexthop.len > 0 &&
			     target->addr.port != d->relay->settings->smtp_port,
		.is_lmtp = route->hop.is_lmtp,
		.requires_tls = (d->job->options.flags & MAIL_REQUIRETLS) != 0,
		.outside = d->relay->outside,
		.is_token = d->job->login.len > 0 && d->job->password.len == 0,
		.login = d->job->login,
		.password = d->job->password,
		.id = d->job->id,
	};

	dial.tls_level = dial.policy;
	way_bind(&dial.way, &route->hop, &d->relay->source);
	return dial;
}

/* With the token of the login, when it needs one; a refused one is replaced
 * once. False: as relay_session_open. */
static bool
delivery_open(struct delivery *d, struct relay_dial *dial)
{
	struct relay_session *session = &d->relay->session;
	struct slice who[] = { dial->login, slice_of(dial->way.first->host) };
	struct why why = { 0 };

	if (!dial->is_token)
		return relay_session_open(session, dial);
	for (int refused = 0; refused < 2; refused++) {
		if (!relay_outside_token(d->relay->outside, who, refused != 0,
			&d->relay->token, &why)) {
			relay_session_fail(session, dial, "4.7.0", why.text);
			return false;
		}
		dial->password = buf_slice(&d->relay->token);
		if (relay_session_open(session, dial))
			return true;
		if (strcmp(session->client.failure.code, "4.7.8") != 0)
			return false;
	}
	return false;
}

/* RFC 5321 section 5.1: who finds himself among the hosts leaves himself and
 * all worse ones out. That better ones were down first is their trouble. */
static bool
delivery_is_loop(
    struct delivery *d, const struct client_verdict *failure, bool has_failed)
{
	if (strcmp(failure->code, "5.4.6") != 0)
		return false;
	if (!has_failed)
		d->failure = *failure;
	return true;
}

/* Try targets[*at] (with the other family of the same host) and go past what
 * was tried. True: no further host is to be tried. */
static bool
delivery_try(struct delivery *d, const struct route_mx *route, size_t *at,
    unsigned int *sessions)
{
	struct relay_session *session = &d->relay->session;
	struct relay_dial dial = delivery_dial(d, route, *at);
	struct dane dane;
	bool has_failed = *at > 0,
	     is_open = delivery_find_dane(d, route, &dial, &dane) &&
		       delivery_open(d, &dial);

	*at += dial.way.second != NULL && (dial.target == dial.way.second ||
					      !session->is_connected)
		   ? 2
		   : 1;
	if (session->is_greeted)
		relay_families_learn(&d->relay->families, dial.target);
	if (!is_open) {
		log_info("%s: %s", d->job->id, session->client.failure.text);
		if (delivery_is_loop(d, &session->client.failure, has_failed))
			return true;
		d->failure = session->client.failure;
		snprintf(d->remote, sizeof(d->remote), "%s",
		    session->is_greeted ? session->remote : "none");
		*sessions += session->is_greeted;
		return false;
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
	for (size_t i = 0;
	     i < route.count && sessions < LIMIT_RELAY_SESSIONS;) {
		relay_session_close(&relay->session);
		if (delivery_try(d, &route, &i, &sessions))
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
		.body = { .fd = spool,
		    .offset = job->body_offset,
		    .length = job->body_length },
		.verdicts = verdicts,
		.remote = "none" };
	struct buf destination;

	relay_content_init(&d.content, job);
	d.message.sender = job->sender;
	d.message.options = job->options;
	d.message.recipient_count = job->recipient_count;
	d.message.recipients =
	    alloc_zero(job->recipient_count, sizeof(*d.message.recipients));
	memset(verdicts, 0, job->recipient_count * sizeof(*verdicts));
	for (size_t i = 0; i < job->recipient_count; i++) {
		verdicts[i].index = job->recipients[i].index;
		d.message.recipients[i].address = job->recipients[i].address;
		d.message.recipients[i].original = job->recipients[i].original;
		d.message.recipients[i].options = job->recipients[i].options;
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
	relay_content_clear(&d.content);
	alloc_release(d.message.recipients);
}
