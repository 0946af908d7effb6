/* SPDX-License-Identifier: ISC */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "common/inject.h"
#include "common/limits.h"

#include "smtpd/filter_smtpd.h"

#define NO_MORE                                                                \
	{                                                                      \
		NULL, 0                                                        \
	}

void
smtpd_say_report(struct smtpd_link *link, enum filter_event event,
    const struct slice *fields)
{
	const struct filter_stamp now = smtpd_link_stamp(link);

	if (link->stream >= 0 && (link->events & 1U << event) != 0)
		filter_line_report(&link->output, &now, event, fields);
}

/* "192.0.2.1:25", "[2001:db8::1]:25"; without the port for requests. */
static struct slice
peer_text(const struct filters *f, char *text, size_t size, bool has_port)
{
	const struct netaddr *peer = &f->verify->facts.peer;
	char address[NETADDR_TEXT_SIZE], port[8] = "";

	netaddr_format(peer, address);
	if (has_port)
		snprintf(port, sizeof(port), ":%u", (unsigned int)peer->port);
	if (f->verify->facts.listener == INJECT_LOCAL)
		snprintf(text, size, "127.0.0.1%s", has_port ? ":0" : "");
	else if (peer->family == 0)
		snprintf(text, size, "%s", "unix:");
	else
		snprintf(text, size, peer->family == 6 ? "[%s]%s" : "%s%s",
		    address, port);
	return slice_of(text);
}

static void
report_link(struct filter *filter, struct slice name)
{
	struct smtpd_link *link = filter->state;
	const struct filters *f = filter->filters;
	char text[NETADDR_TEXT_SIZE + 16];
	bool is_known = !slice_eq(name, S("unknown"));
	const struct slice connect[] = { name, is_known ? S("pass") : S("fail"),
		peer_text(f, text, sizeof(text), true), S("127.0.0.1:25"),
		NO_MORE };
	const struct slice greeting[] = { slice_of(f->settings->hostname),
		NO_MORE };

	smtpd_say_report(link, EVENT_LINK_CONNECT, connect);
	smtpd_say_report(link, EVENT_LINK_GREETING, greeting);
}

static void
report_identity(struct filter *filter, struct slice helo)
{
	struct smtpd_link *link = filter->state;
	const struct verify *v = filter->filters->verify;
	char tls[96];
	const struct slice identify[] = { v->is_esmtp ? S("EHLO") : S("HELO"),
		helo, NO_MORE };
	const struct slice auth[] = { S("pass"), v->login, NO_MORE };

	smtpd_say_report(link, EVENT_LINK_IDENTIFY, identify);
	if (v->facts.is_tls != 0) {
		snprintf(tls, sizeof(tls), "%s:%s", v->facts.tls_version,
		    v->facts.tls_cipher);
		smtpd_say_report(link, EVENT_LINK_TLS,
		    (const struct slice[]){ slice_of(tls), NO_MORE });
	}
	if (v->login.len > 0)
		smtpd_say_report(link, EVENT_LINK_AUTH, auth);
}

/* The connection, told when its first message begins. */
static bool
say_hello(struct filter *filter, struct why *why)
{
	struct smtpd_link *link = filter->state;
	const struct filters *f = filter->filters;
	bool is_local = f->verify->facts.listener == INJECT_LOCAL;
	struct slice helo = f->verify->helo, name;
	char text[NETADDR_TEXT_SIZE + 16];
	struct slice fields[3] = { NO_MORE, NO_MORE, NO_MORE };
	struct smtpd_request request = { PHASE_CONNECT, fields, S("") };

	if (link->has_said_hello)
		return true;
	memset(&link->greeting, 0, sizeof(link->greeting));
	name = is_local                       ? S("localhost")
	       : f->verify->client[0] == '\0' ? S("unknown")
					      : slice_of(f->verify->client);
	if (is_local)
		helo = slice_of(f->settings->hostname);
	report_link(filter, name);
	fields[0] = name;
	fields[1] = peer_text(f, text, sizeof(text), false);
	if (!smtpd_link_request(filter, &request, &link->greeting, why))
		return false;
	fields[0] = helo;
	fields[1] = (struct slice)NO_MORE;
	request.phase = f->verify->is_esmtp ? PHASE_EHLO : PHASE_HELO;
	if (link->greeting.action == VERIFY_PASS &&
	    !smtpd_link_request(filter, &request, &link->greeting, why))
		return false;
	report_identity(filter, helo);
	link->has_said_hello = true;
	return true;
}

static struct slice
bracketed(struct smtpd_link *link, struct slice address)
{
	char text[LIMIT_SMTP_PATH + LIMIT_SMTP_DOMAIN + 4];

	snprintf(text, sizeof(text), "<%.*s>",
	    SLICE_FMT(slice_first(address, sizeof(text) - 3)));
	return arena_slice(link->arena, slice_of(text));
}

static bool
say_address(struct filter *filter, bool is_sender, struct verify_reply *reply,
    struct why *why)
{
	struct smtpd_link *link = filter->state;
	const struct filters *f = filter->filters;
	struct slice address =
	    is_sender ? f->verify->sender : f->question->recipient;
	const struct slice asked[] = { bracketed(link, address), NO_MORE };
	struct slice told[] = { slice_of(link->message), S("ok"), address,
		NO_MORE };
	const struct smtpd_request request = { is_sender ? PHASE_MAIL_FROM
							 : PHASE_RCPT_TO,
		asked, is_sender ? S("") : address };

	if (!smtpd_link_request(filter, &request, reply, why))
		return false;
	if (reply->action != VERIFY_PASS)
		told[1] = reply->code >= 500 ? S("permfail") : S("tempfail");
	smtpd_say_report(link, is_sender ? EVENT_TX_MAIL : EVENT_TX_RCPT, told);
	return true;
}

static bool
begin(struct filter *filter, struct verify_reply *reply, struct why *why)
{
	struct smtpd_link *link = filter->state;

	if (!say_hello(filter, why))
		return false;
	if (link->greeting.action != VERIFY_PASS) {
		*reply = link->greeting;
		return true;
	}
	arena_reset(link->arena);
	link->rewrite_count = 0;
	link->is_junk = false;
	snprintf(link->message, sizeof(link->message), "%08x",
	    (unsigned int)(link->session ^ ++link->token));
	link->has_begun = true;
	smtpd_say_report(link, EVENT_TX_BEGIN,
	    (const struct slice[]){ slice_of(link->message), NO_MORE });
	return say_address(filter, true, reply, why);
}

static bool
say_data(struct filter *filter, struct verify_reply *reply, struct why *why)
{
	struct smtpd_link *link = filter->state;
	const struct slice nothing[] = { S(""), NO_MORE };
	const struct smtpd_request request = { PHASE_DATA, nothing, S("") };
	const struct slice told[] = { slice_of(link->message), S("ok"),
		NO_MORE };

	if (!smtpd_link_request(filter, &request, reply, why))
		return false;
	if (reply->action == VERIFY_PASS)
		smtpd_say_report(link, EVENT_TX_DATA, told);
	return true;
}

void
smtpd_say_rollback(struct smtpd_link *link)
{
	const struct slice told[] = { slice_of(link->message), NO_MORE };

	if (link->has_begun) {
		smtpd_say_report(link, EVENT_TX_ROLLBACK, told);
		smtpd_say_report(link, EVENT_TX_RESET, told);
	}
	link->has_begun = false;
}

bool
smtpd_say(struct filter *filter, enum filter_stage stage,
    struct verify_reply *reply, struct why *why)
{
	if (stage == FILTER_AT_MAIL)
		return begin(filter, reply, why);
	if (stage == FILTER_AT_RCPT)
		return say_address(filter, false, reply, why);
	return say_data(filter, reply, why);
}
