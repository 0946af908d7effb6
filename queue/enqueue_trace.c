/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "queue/enqueue_trace.h"

#include "common/date.h"
#include "common/front.h"

bool
trace_is_submission(const struct inject_facts *facts)
{
	return facts->login[0] != '\0' || facts->listener == INJECT_LOCAL ||
	       facts->listener == LISTENER_SUBMISSION ||
	       facts->listener == LISTENER_SUBMISSIONS;
}

const char *
trace_protocol(const struct trace *trace)
{
	/* RFC 3848; with SMTPUTF8 RFC 6531 section 4.3. */
	static const char *const names[4][4] = {
		{ "ESMTP", "ESMTPS", "ESMTPA", "ESMTPSA" },
		{ "UTF8SMTP", "UTF8SMTPS", "UTF8SMTPA", "UTF8SMTPSA" },
		{ "LMTP", "LMTPS", "LMTPA", "LMTPSA" },
		{ "UTF8LMTP", "UTF8LMTPS", "UTF8LMTPA", "UTF8LMTPSA" },
	};
	unsigned int index = (trace->facts->is_tls != 0 ? 1U : 0U) +
			     (trace->facts->login[0] != '\0' ? 2U : 0U);

	if (trace->facts->listener == INJECT_LOCAL)
		return "local";
	if (trace->facts->listener == LISTENER_LMTP)
		return names[trace->is_utf8 ? 3 : 2][index];
	if (trace->is_utf8)
		return names[1][index];
	return trace->is_esmtp || index > 0 ? names[0][index] : "SMTP";
}

/* The name a client gave itself: what a domain or a literal may hold. */
static void
add_helo(struct buf *out, struct slice helo)
{
	static const struct slice extra = SLICE(".-_:[]");

	helo = slice_first(helo, LIMIT_SMTP_DOMAIN);
	if (helo.len == 0)
		buf_add_string(out, "unknown");
	for (size_t i = 0; i < helo.len; i++) {
		char c = helo.ptr[i];

		buf_add_char(out, ascii_is_alpha(c) || ascii_is_digit(c) ||
					  slice_index(extra, c) < extra.len
				      ? c
				      : '?');
	}
}

static void
add_token(struct buf *out, const char *text)
{
	for (; *text != '\0'; text++)
		if (ascii_is_print(*text) && *text != '(' && *text != ')' &&
		    *text != '\\')
			buf_add_char(out, *text);
}

/* Whom a user writes to learns not where the user was (RFC 6409 section 8
 * leaves it open): the FROM clause of who logged in is this host. */
static void
add_client(const struct trace *trace, struct buf *out)
{
	const struct inject_facts *facts = trace->facts;
	char text[NETADDR_TEXT_SIZE];

	if (facts->login[0] != '\0' && trace->settings->hide_client) {
		buf_add_format(out, "Received: from %s (submission)\r\n",
		    trace->settings->hostname);
		return;
	}
	buf_add_string(out, "Received: from ");
	add_helo(out, trace->helo);
	buf_add_string(out, " (");
	if (trace->client.len > 0) {
		add_helo(out, trace->client);
		buf_add_char(out, ' ');
	}
	buf_add_format(
	    out, "%s)\r\n", netaddr_format_literal(&facts->peer, text));
}

static void
add_received(const struct trace *trace, struct buf *out)
{
	const struct inject_facts *facts = trace->facts;
	char date[DATE_TEXT_SIZE];

	if (facts->listener == INJECT_LOCAL) {
		buf_add_format(out,
		    "Received: by %s (Merpati, from userid "
		    "%lu)\r\n\tid %s",
		    trace->settings->hostname, (unsigned long)facts->uid,
		    trace->id);
	} else {
		add_client(trace, out);
		if (facts->is_tls != 0) {
			buf_add_string(out, "\t(using ");
			add_token(out, facts->tls_version);
			buf_add_string(out, " with cipher ");
			add_token(out, facts->tls_cipher);
			buf_add_string(out, ")\r\n");
		}
		buf_add_format(out, "\tby %s (Merpati) with %s id %s",
		    trace->settings->hostname, trace_protocol(trace),
		    trace->id);
	}
	if (trace->recipient.len > 0)
		buf_add_format(
		    out, "\r\n\tfor <%.*s>", SLICE_FMT(trace->recipient));
	buf_add_format(
	    out, ";\r\n\t%s\r\n", date_format_rfc5322(trace->now, date));
}

void
trace_format_missing(const struct trace *trace,
    const struct header_facts *header, struct buf *out)
{
	char date[DATE_TEXT_SIZE];
	bool is_local = trace->facts->listener == INJECT_LOCAL;

	if (!trace_is_submission(trace->facts))
		return;
	if (!header->has_date)
		buf_add_format(
		    out, "Date: %s\r\n", date_format_rfc5322(trace->now, date));
	if (is_local && !header->has_from && trace->sender.len > 0)
		buf_add_format(
		    out, "From: <%.*s>\r\n", SLICE_FMT(trace->sender));
	if (is_local && !header->has_from && trace->sender.len == 0)
		buf_add_format(out, "From: <MAILER-DAEMON@%s>\r\n",
		    trace->settings->hostname);
	if (!header->has_message_id)
		buf_add_format(out, "Message-ID: <%s@%s>\r\n", trace->id,
		    trace->settings->hostname);
}

bool
trace_format(const struct trace *trace, const struct header_facts *header,
    struct buf *out)
{
	add_received(trace, out);
	trace_format_missing(trace, header, out);
	return !out->failed;
}
