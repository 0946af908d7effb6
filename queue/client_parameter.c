/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "queue/client_parameter.h"

#include <inttypes.h>

#include "common/utf8.h"

/* RFC 3461 section 4. */
static void
add_xtext(struct buf *out, struct slice text)
{
	for (size_t i = 0; i < text.len; i++) {
		char c = text.ptr[i];

		if (c > ' ' && c <= '~' && c != '+' && c != '=')
			buf_add_char(out, c);
		else
			buf_add_format(out, "+%02X", (unsigned char)c);
	}
}

/* RFC 6533 section 3: 7 bits, wherever it goes. */
static void
add_utf8_xtext(struct buf *out, struct slice text)
{
	uint32_t code;

	while (utf8_next(&text, &code)) {
		if (code <= ' ' || code > '~' || code == '+' || code == '=' ||
		    code == '\\')
			buf_add_format(out, "\\x{%02" PRIX32 "}", code);
		else
			buf_add_char(out, (char)code);
	}
}

static void
add_dsn(const struct mail_options *options, struct buf *out)
{
	if (options->flags & MAIL_RET_FULL)
		buf_add(out, S(" RET=FULL"));
	else if (options->flags & MAIL_RET_HEADERS)
		buf_add(out, S(" RET=HDRS"));
	if (options->envelope_id.len > 0) {
		buf_add(out, S(" ENVID="));
		add_xtext(out, options->envelope_id);
	}
}

static void
add_body(const struct client *client, struct buf *out)
{
	const struct client_message *message = client->message;

	if (message->is_binary)
		buf_add(out, S(" BODY=BINARYMIME"));
	else if (client->extensions & CLIENT_8BITMIME)
		buf_add_string(
		    out, message->is_8bit ? " BODY=8BITMIME" : " BODY=7BIT");
	if (client->uses_utf8)
		buf_add(out, S(" SMTPUTF8"));
}

static void
add_time(const struct client_message *message, struct buf *out)
{
	/* RFC 2852 section 4: nine digits. */
	int64_t limit = 999999999, seconds = message->by_seconds;

	if (seconds > limit)
		seconds = limit;
	if (seconds < -limit)
		seconds = -limit;
	buf_add_format(out, " BY=%" PRId64 ";%s%s", seconds,
	    message->options.flags & MAIL_BY_RETURN ? "R" : "N",
	    message->options.flags & MAIL_BY_TRACE ? "T" : "");
}

void
client_parameter_mail(const struct client *client, struct buf *out)
{
	const struct client_message *message = client->message;
	const struct mail_options *options = &message->options;

	buf_add_format(out, "MAIL FROM:<%.*s>", SLICE_FMT(message->sender));
	if (client->extensions & CLIENT_SIZE)
		buf_add_format(out, " SIZE=%" PRIu64, message->size);
	add_body(client, out);
	if (client->extensions & CLIENT_DSN)
		add_dsn(options, out);
	if ((options->flags & MAIL_REQUIRETLS) &&
	    (client->extensions & CLIENT_REQUIRETLS))
		buf_add(out, S(" REQUIRETLS"));
	if (options->deliver_by != 0 && (client->extensions & CLIENT_DELIVERBY))
		add_time(message, out);
	if (options->priority != 0 && (client->extensions & CLIENT_PRIORITY))
		buf_add_format(out, " MT-PRIORITY=%d", (int)options->priority);
	buf_add(out, S("\r\n"));
}

static void
add_notify(uint8_t notify, struct buf *out)
{
	static const struct {
		enum rcpt_notify bit;
		const char *word;
	} words[] = {
		{ NOTIFY_NEVER, "NEVER" },
		{ NOTIFY_SUCCESS, "SUCCESS" },
		{ NOTIFY_FAILURE, "FAILURE" },
		{ NOTIFY_DELAY, "DELAY" },
	};
	const char *before = " NOTIFY=";

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if ((notify & words[i].bit) == 0)
			continue;
		buf_add_string(out, before);
		buf_add_string(out, words[i].word);
		before = ",";
	}
}

/* As it came; else what our own sender wrote (RFC 3461 section 5.2.1). */
static void
add_original(const struct client_recipient *recipient, struct buf *out)
{
	struct slice type = S("rfc822"), address = recipient->original;

	if (recipient->options.original.len > 0)
		slice_cut(recipient->options.original, ';', &type, &address);
	else if (!slice_is_ascii(address))
		type = S("utf-8");
	if (address.len == 0)
		return;
	buf_add(out, S(" ORCPT="));
	add_xtext(out, type);
	buf_add_char(out, ';');
	if (slice_eq_nocase(type, S("utf-8")))
		add_utf8_xtext(out, address);
	else
		add_xtext(out, address);
}

void
client_parameter_rcpt(const struct client *client,
    const struct client_recipient *recipient, struct buf *out)
{
	buf_add_format(out, "RCPT TO:<%.*s>", SLICE_FMT(recipient->address));
	if (client->extensions & CLIENT_DSN) {
		add_notify(recipient->options.notify, out);
		add_original(recipient, out);
	}
	buf_add(out, S("\r\n"));
}
