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
	static const char *const names[] = { "ESMTP", "ESMTPS", "ESMTPA",
		"ESMTPSA" };
	unsigned int index = (trace->facts->is_tls != 0 ? 1U : 0U) +
			     (trace->facts->login[0] != '\0' ? 2U : 0U);

	if (trace->facts->listener == INJECT_LOCAL)
		return "local";
	return trace->is_esmtp || index > 0 ? names[index] : "SMTP";
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

static void
add_received(const struct trace *trace, struct buf *out)
{
	const struct inject_facts *facts = trace->facts;
	char text[NETADDR_TEXT_SIZE], date[DATE_TEXT_SIZE];

	if (facts->listener == INJECT_LOCAL) {
		buf_add_format(out,
		    "Received: by %s (Merpati, from userid "
		    "%lu)\r\n\tid %s",
		    trace->settings->hostname, (unsigned long)facts->uid,
		    trace->id);
	} else {
		buf_add_string(out, "Received: from ");
		add_helo(out, trace->helo);
		buf_add_format(out, " (%s)\r\n",
		    netaddr_format_literal(&facts->peer, text));
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

bool
trace_format(const struct trace *trace, const struct header_facts *header,
    struct buf *out)
{
	char date[DATE_TEXT_SIZE];
	bool is_local = trace->facts->listener == INJECT_LOCAL;

	add_received(trace, out);
	if (!trace_is_submission(trace->facts))
		return !out->failed;
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
	return !out->failed;
}
