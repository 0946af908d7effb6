/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "smtpd/filter_line.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define PROTOCOL "0.7"

static const char *const phase_names[PHASES] = {
	[PHASE_CONNECT] = "connect",
	[PHASE_HELO] = "helo",
	[PHASE_EHLO] = "ehlo",
	[PHASE_MAIL_FROM] = "mail-from",
	[PHASE_RCPT_TO] = "rcpt-to",
	[PHASE_DATA] = "data",
	[PHASE_DATA_LINE] = "data-line",
	[PHASE_COMMIT] = "commit",
};

static const char *const event_names[EVENTS] = {
	[EVENT_LINK_CONNECT] = "link-connect",
	[EVENT_LINK_GREETING] = "link-greeting",
	[EVENT_LINK_IDENTIFY] = "link-identify",
	[EVENT_LINK_TLS] = "link-tls",
	[EVENT_LINK_AUTH] = "link-auth",
	[EVENT_LINK_DISCONNECT] = "link-disconnect",
	[EVENT_TX_RESET] = "tx-reset",
	[EVENT_TX_BEGIN] = "tx-begin",
	[EVENT_TX_MAIL] = "tx-mail",
	[EVENT_TX_RCPT] = "tx-rcpt",
	[EVENT_TX_DATA] = "tx-data",
	[EVENT_TX_COMMIT] = "tx-commit",
	[EVENT_TX_ROLLBACK] = "tx-rollback",
};

static bool
find_name(const char *const *names, unsigned int count, struct slice name,
    unsigned int *number)
{
	for (unsigned int i = 0; i < count; i++)
		if (slice_eq(slice_of(names[i]), name)) {
			*number = i;
			return true;
		}
	return false;
}

/* An event or a phase that we never send is not an error to register. */
static void
read_register(struct slice rest, struct filter_line *out)
{
	struct slice kind, system;

	if (slice_eq(rest, S("ready"))) {
		out->kind = FILTER_LINE_READY;
		return;
	}
	if (!slice_cut(rest, '|', &kind, &rest) ||
	    !slice_cut(rest, '|', &system, &rest) || rest.len == 0)
		return;
	out->kind = FILTER_LINE_IGNORED;
	if (!slice_eq(system, S("smtp-in")))
		return;
	if (slice_eq(kind, S("report"))) {
		if (find_name(event_names, EVENTS, rest, &out->number))
			out->kind = FILTER_LINE_REPORT;
	} else if (slice_eq(kind, S("filter"))) {
		if (find_name(phase_names, PHASES, rest, &out->number))
			out->kind = FILTER_LINE_FILTER;
	} else {
		out->kind = FILTER_LINE_BAD;
	}
}

/* 16 hexadecimal digits. */
static bool
read_number(struct slice text, uint64_t *number)
{
	static const char digits[] = "0123456789abcdef";
	const char *found;

	*number = 0;
	for (size_t i = 0; i < text.len; i++) {
		found = memchr(digits, ascii_lower(text.ptr[i]), 16);
		if (found == NULL)
			return false;
		*number = *number << 4 | (uint64_t)(found - digits);
	}
	return text.len > 0 && text.len <= 16;
}

/* "5.7.1", of the class of the code (RFC 3463 section 2). */
static bool
is_status(struct slice word, uint64_t code)
{
	struct slice class, subject, detail;
	uint64_t number;

	return slice_cut(word, '.', &class, &subject) &&
	       slice_cut(subject, '.', &subject, &detail) &&
	       slice_u64(class, 5, &number) && number == code / 100 &&
	       slice_u64(subject, 999, &number) &&
	       slice_u64(detail, 999, &number);
}

/* "550 5.7.1 text": the code has to be there. */
static bool
read_refusal(struct slice text, struct filter_line *out)
{
	struct slice word, rest;
	uint64_t code;

	slice_cut(text, ' ', &word, &out->value);
	if (word.len != 3 || !slice_u64(word, 599, &code) || code < 400)
		return false;
	out->code = (uint32_t)code;
	snprintf(out->status, sizeof(out->status), "%c.7.1", word.ptr[0]);
	slice_cut(out->value, ' ', &word, &rest);
	if (word.len < sizeof(out->status) && is_status(word, code)) {
		(void)slice_to_array(word, out->status, sizeof(out->status));
		out->value = rest;
	}
	return true;
}

static enum filter_line_kind
read_result(struct slice rest, struct filter_line *out)
{
	struct slice word;
	bool has_value = slice_cut(rest, '|', &word, &rest);

	out->value = rest;
	if (slice_eq(word, S("proceed")))
		return has_value ? FILTER_LINE_BAD : FILTER_LINE_PROCEED;
	if (slice_eq(word, S("junk")))
		return has_value ? FILTER_LINE_BAD : FILTER_LINE_JUNK;
	if (!has_value)
		return FILTER_LINE_BAD;
	if (slice_eq(word, S("rewrite")))
		return FILTER_LINE_REWRITE;
	if (slice_eq(word, S("report")))
		return FILTER_LINE_PROCEED;
	if (slice_eq(word, S("reject")))
		return read_refusal(rest, out) ? FILTER_LINE_REJECT
					       : FILTER_LINE_BAD;
	if (slice_eq(word, S("disconnect")))
		return read_refusal(rest, out) ? FILTER_LINE_DISCONNECT
					       : FILTER_LINE_BAD;
	return FILTER_LINE_BAD;
}

void
filter_line_read(struct slice line, struct filter_line *out)
{
	struct slice word, session, token, rest;

	memset(out, 0, sizeof(*out));
	out->value = S("");
	slice_cut(line, '|', &word, &rest);
	if (slice_eq(word, S("register"))) {
		read_register(rest, out);
		return;
	}
	if (slice_eq(word, S("report"))) {
		out->kind = FILTER_LINE_IGNORED;
		return;
	}
	if (!slice_cut(rest, '|', &session, &rest) ||
	    !slice_cut(rest, '|', &token, &rest) ||
	    !read_number(session, &out->session) ||
	    !read_number(token, &out->token))
		return;
	if (slice_eq(word, S("filter-result")))
		out->kind = read_result(rest, out);
	else if (slice_eq(word, S("filter-dataline"))) {
		out->kind = FILTER_LINE_DATA;
		out->value = rest;
	}
}

static void
put_field(struct buf *out, struct slice value, bool is_last)
{
	for (size_t i = 0; i < value.len; i++) {
		char c = value.ptr[i];

		if ((unsigned char)c < 0x20 || c == 0x7f ||
		    (c == '|' && !is_last))
			c = c == '\t' && is_last ? c : ' ';
		buf_add_char(out, c);
	}
}

static void
put_fields(struct buf *out, const struct slice *fields)
{
	for (; fields != NULL && fields->ptr != NULL; fields++) {
		buf_add_char(out, '|');
		put_field(out, *fields, fields[1].ptr == NULL);
	}
	buf_add_char(out, '\n');
}

void
filter_line_report(struct buf *out, const struct filter_stamp *stamp,
    enum filter_event event, const struct slice *fields)
{
	buf_add_format(out,
	    "report|" PROTOCOL "|%" PRIu64 ".%06" PRIu32
	    "|smtp-in|%s|%016" PRIx64,
	    stamp->seconds, stamp->microseconds, event_names[event],
	    stamp->session);
	put_fields(out, fields);
}

void
filter_line_request(struct buf *out, const struct filter_stamp *stamp,
    enum filter_phase phase, uint64_t token, const struct slice *fields)
{
	buf_add_format(out,
	    "filter|" PROTOCOL "|%" PRIu64 ".%06" PRIu32
	    "|smtp-in|%s|%016" PRIx64 "|%016" PRIx64,
	    stamp->seconds, stamp->microseconds, phase_names[phase],
	    stamp->session, token);
	/* A line of the message is as it is. */
	if (phase == PHASE_DATA_LINE) {
		buf_add_char(out, '|');
		buf_add(out, fields[0]);
		buf_add_char(out, '\n');
	} else {
		put_fields(out, fields);
	}
}

void
filter_line_config(struct buf *out, struct slice hostname, unsigned int timeout)
{
	buf_add_string(out, "config|smtpd-version|7.4.0\n"
			    "config|protocol|" PROTOCOL "\n");
	buf_add_format(out, "config|smtp-session-timeout|%u\n", timeout);
	buf_add_string(out, "config|subsystem|smtp-in\nconfig|admd|");
	put_field(out, hostname, true);
	buf_add_string(out, "\nconfig|ready\n");
}
