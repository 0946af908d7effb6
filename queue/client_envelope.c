/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "queue/client_envelope.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "common/alloc.h"
#include "common/result.h"

#include "queue/client_data.h"
#include "queue/client_parameter.h"

enum command {
	COMMAND_RSET,
	COMMAND_MAIL,
	COMMAND_RCPT,
	COMMAND_DATA
};

void
client_verdict_set(struct client_verdict *verdict, char status,
    const char *code, const char *text)
{
	verdict->status = status;
	snprintf(verdict->code, sizeof(verdict->code), "%s", code);
	snprintf(verdict->text, sizeof(verdict->text), "%s", text);
}

/* A reply as a verdict; a 3xx where none belongs is a fault of the host. */
static void
verdict_from_reply(const struct client *client, struct client_verdict *verdict)
{
	const struct reply *reply = &client->reply;
	char text[LIMIT_REASON];

	if (reply->code / 100 == 2) {
		client_verdict_set(verdict, 'D', reply->enhanced, reply->text);
		return;
	}
	snprintf(text, sizeof(text), "%.950s (in reply to %s)", reply->text,
	    client_stage(client));
	if (reply->code / 100 == 3)
		client_verdict_set(verdict, 'T', "4.5.0", text);
	else
		client_verdict_set(verdict, reply->code / 100 == 5 ? 'F' : 'T',
		    reply->enhanced, text);
}

static size_t
command_count(const struct client *client)
{
	return (client->has_reset ? 1U : 0U) + 1 + client->pending_count +
	       (client->uses_chunks ? 0U : 1U);
}

static enum command
command_at(const struct client *client, size_t index)
{
	if (client->has_reset) {
		if (index == 0)
			return COMMAND_RSET;
		index--;
	}
	if (index == 0)
		return COMMAND_MAIL;
	return index <= client->pending_count ? COMMAND_RCPT : COMMAND_DATA;
}

static struct client_recipient *
recipient_at(const struct client *client, size_t index)
{
	size_t n = index - 1 - (client->has_reset ? 1U : 0U);

	return &client->message->recipients[client->pending[n]];
}

unsigned int
client_envelope_timeout(const struct client *client)
{
	static const unsigned int timeouts[] = { TIMEOUT_SMTP_RESET,
		TIMEOUT_SMTP_MAIL, TIMEOUT_SMTP_RCPT, TIMEOUT_SMTP_DATA };

	return timeouts[command_at(client, client->answered)];
}

const char *
client_envelope_stage(const struct client *client)
{
	static const char *const names[] = { "RSET", "MAIL FROM", "RCPT TO",
		"DATA" };

	return names[command_at(client, client->answered)];
}

/* One verdict for all that have none and (when asked) were accepted. */
static void
set_all(struct client *client, const struct client_verdict *verdict,
    bool is_for_accepted)
{
	struct client_message *message = client->message;

	for (size_t i = 0; i < message->recipient_count; i++)
		if (message->recipients[i].verdict.status == 0 &&
		    (!is_for_accepted || message->recipients[i].is_accepted))
			message->recipients[i].verdict = *verdict;
}

static void
set_all_text(
    struct client *client, char status, const char *code, const char *text)
{
	struct client_verdict verdict;

	client_verdict_set(&verdict, status, code, text);
	set_all(client, &verdict, false);
}

/* May this byte be in an address, where it stands? */
static bool
byte_is_sendable(unsigned char c, bool is_quoted)
{
	if (c < 0x20 || c == 0x7f)
		return false;
	return is_quoted || (c != '<' && c != '>' && c != ' ');
}

/* Only what cannot end the path or the command may be in an address: no
 * line end ever, and brackets and blanks within quotes alone. */
static bool
address_is_sendable(struct slice address, bool *is_ascii)
{
	bool is_quoted = false, is_escaped = false;

	*is_ascii = true;
	for (size_t i = 0; i < address.len; i++) {
		unsigned char c = (unsigned char)address.ptr[i];

		if (!byte_is_sendable(c, is_quoted))
			return false;
		*is_ascii = *is_ascii && c < 0x80;
		if (c == '"' && !is_escaped)
			is_quoted = !is_quoted;
		is_escaped = is_quoted && c == '\\' && !is_escaped;
	}
	return !is_quoted;
}

static void
check_recipient(const struct client *client, struct client_recipient *recipient)
{
	bool is_ascii;

	recipient->is_accepted = false;
	if (recipient->verdict.status != 0)
		return;
	if (!address_is_sendable(recipient->address, &is_ascii) ||
	    recipient->address.len == 0)
		client_verdict_set(&recipient->verdict, 'F', "5.1.3",
		    "recipient address cannot be sent");
	else if (!is_ascii && !client->uses_utf8)
		client_verdict_set(&recipient->verdict, 'F', "5.6.7",
		    "recipient address is not ASCII, and the host does not "
		    "offer SMTPUTF8");
}

bool
client_offers_utf8(const struct client *client)
{
	/* RFC 6531 section 3.1: the one without the other is no offer. */
	return (client->extensions & CLIENT_SMTPUTF8) &&
	       (client->extensions & CLIENT_8BITMIME);
}

/* Said at MAIL when anything needs it, or the sender asked for it. */
static bool
needs_utf8(const struct client_message *message)
{
	bool is_ascii;

	if (message->needs_utf8 || (message->options.flags & MAIL_UTF8) != 0)
		return true;
	if (!address_is_sendable(message->sender, &is_ascii) || !is_ascii)
		return true;
	for (size_t i = 0; i < message->recipient_count; i++)
		if (message->recipients[i].verdict.status == 0 &&
		    (!address_is_sendable(
			 message->recipients[i].address, &is_ascii) ||
			!is_ascii))
			return true;
	return false;
}

static void
check_content(struct client *client)
{
	const struct client_message *message = client->message;
	unsigned int wanted = CLIENT_BINARYMIME | CLIENT_CHUNKING;

	if (message->needs_utf8 && !client->uses_utf8)
		set_all_text(client, 'F', "5.6.9",
		    "message has a header that is not ASCII, and the host "
		    "does not offer SMTPUTF8");
	if (message->is_8bit && !(client->extensions & CLIENT_8BITMIME))
		set_all_text(client, 'F', "5.6.3",
		    "message has 8-bit bytes, the host does not offer "
		    "8BITMIME");
	if (message->is_binary && (client->extensions & wanted) != wanted)
		set_all_text(client, 'F', "5.6.3",
		    "message is binary, the host does not offer BINARYMIME");
}

/* RFC 2852 section 4.1: what must be returned in time is given to nobody who
 * does not know of time. */
static void
check_time(struct client *client)
{
	const struct client_message *message = client->message;

	if (message->options.deliver_by == 0 ||
	    !(message->options.flags & MAIL_BY_RETURN))
		return;
	if (message->by_seconds <= 0)
		set_all_text(client, 'F', "5.4.7",
		    "the time given for delivery is over");
	else if (!(client->extensions & CLIENT_DELIVERBY))
		set_all_text(client, 'F', "5.3.3",
		    "message must be delivered in time or returned, the host "
		    "does not offer DELIVERBY");
}

/* What can be known to fail before anything is sent. */
static void
check_message(struct client *client)
{
	const struct client_message *message = client->message;
	bool is_ascii;
	char text[128];

	if (!address_is_sendable(message->sender, &is_ascii))
		set_all_text(
		    client, 'F', "5.1.7", "sender address cannot be sent");
	else if (!is_ascii && !client->uses_utf8)
		set_all_text(client, 'F', "5.6.7",
		    "sender address is not ASCII, and the host does not "
		    "offer SMTPUTF8");
	check_content(client);
	check_time(client);
	/* RFC 1870 section 6.1; 0 is no fixed limit. */
	if (client->size_limit > 0 && message->size > client->size_limit) {
		snprintf(text, sizeof(text),
		    "message size %" PRIu64 " exceeds the size limit %" PRIu64
		    " of the host",
		    message->size, client->size_limit);
		set_all_text(client, 'F', "5.3.4", text);
	}
}

static struct slice
domain_of(struct slice address)
{
	return slice_from(address, slice_last_index(address, '@'));
}

/* Is this the first recipient of its domain to be sent? */
static bool
is_new_domain(const struct client *client, struct slice domain)
{
	const struct client_recipient *recipients = client->message->recipients;

	for (size_t i = 0; i < client->pending_count; i++)
		if (slice_eq_nocase(
			domain_of(recipients[client->pending[i]].address),
			domain))
			return false;
	return true;
}

/* As many as one transaction may have: ours, and RFC 9422 section 4. */
static void
choose_recipients(struct client *client)
{
	const struct client_message *message = client->message;
	const struct client_limits *limits = &client->limits;
	size_t most = LIMIT_RELAY_RECIPIENTS, domains = 0;
	bool is_new;

	if (limits->recipients != 0 && limits->recipients < most)
		most = (size_t)limits->recipients;
	client->pending_count = 0;
	for (size_t i = 0;
	     i < message->recipient_count && client->pending_count < most;
	     i++) {
		if (message->recipients[i].verdict.status != 0)
			continue;
		is_new = limits->domains != 0 &&
			 is_new_domain(
			     client, domain_of(message->recipients[i].address));
		if (is_new && domains == limits->domains)
			continue;
		domains += is_new;
		client->pending[client->pending_count++] = i;
	}
}

void
client_begin(struct client *client, struct client_message *message)
{
	BUG_UNLESS(client->state == CLIENT_STATE_READY);
	client->message = message;
	client->uses_utf8 = client_offers_utf8(client) && needs_utf8(message);
	client->uses_chunks = (client->extensions & CLIENT_CHUNKING) != 0;
	for (size_t i = 0; i < message->recipient_count; i++)
		check_recipient(client, &message->recipients[i]);
	check_message(client);
	alloc_release(client->pending);
	client->pending =
	    alloc_zero(message->recipient_count, sizeof(*client->pending));
	choose_recipients(client);
	client->has_reset = client->is_used;
	client->is_mail_refused = client->is_data_accepted = false;
	client->has_answer = false;
	client->accepted_count = client->sent = client->answered = 0;
	client->ends = 0;
	client_data_begin(client);
	client->state = CLIENT_STATE_ENVELOPE;
}

static void
send_command(struct client *client, struct buf *out)
{
	size_t index = client->sent++;

	switch (command_at(client, index)) {
	case COMMAND_RSET:
		buf_add(out, S("RSET\r\n"));
		break;
	case COMMAND_MAIL:
		client->is_used = true;
		client_parameter_mail(client, out);
		break;
	case COMMAND_RCPT:
		client_parameter_rcpt(client, recipient_at(client, index), out);
		break;
	case COMMAND_DATA:
		buf_add(out, S("DATA\r\n"));
		break;
	}
}

static enum client_effect
envelope_finish(struct client *client, struct buf *out)
{
	if (client->uses_chunks && client->accepted_count > 0 &&
	    client->state == CLIENT_STATE_ENVELOPE) {
		client->state = CLIENT_STATE_BODY;
		return CLIENT_BODY;
	}
	if (!client->is_data_accepted) {
		client->state = CLIENT_STATE_READY;
		return CLIENT_FINISHED;
	}
	if (client->accepted_count > 0) {
		client->state = CLIENT_STATE_BODY;
		return CLIENT_BODY;
	}
	if (client->options.is_lmtp) {
		/* No recipient, no reply (RFC 2033 section 4.2). */
		client_lose(client, "4.5.0", "DATA taken without a recipient");
		return CLIENT_CLOSED;
	}
	/* RFC 2920 section 3.1: the host waits for data nobody gets. */
	buf_add(out, S(".\r\n"));
	client->state = CLIENT_STATE_ABORT;
	return CLIENT_READ;
}

enum client_effect
client_envelope_send(struct client *client, struct buf *out)
{
	size_t count = command_count(client);

	if (client->answered < client->sent)
		return CLIENT_READ;
	if (client->pending_count == 0 || client->is_mail_refused ||
	    client->sent == count)
		return envelope_finish(client, out);
	if (client->sent + 1 == count && client->accepted_count == 0 &&
	    !client->uses_chunks)
		return envelope_finish(client, out);
	do
		send_command(client, out);
	while ((client->extensions & CLIENT_PIPELINING) &&
	       client->sent < count &&
	       client->sent - client->answered < LIMIT_RELAY_PIPELINE);
	return CLIENT_READ;
}

static void
reply_to_recipient(struct client *client, struct client_recipient *recipient)
{
	if (client->is_mail_refused || recipient->verdict.status != 0)
		return;
	if (client->reply.code / 100 == 2) {
		recipient->is_accepted = true;
		client->accepted_count++;
		return;
	}
	verdict_from_reply(client, &recipient->verdict);
	/* RFC 5321 section 4.5.3.1.10: 552 may mean too many recipients. */
	if (client->reply.code == 552 && client->accepted_count > 0) {
		recipient->verdict.status = 'T';
		snprintf(recipient->verdict.code,
		    sizeof(recipient->verdict.code), "4.5.3");
	}
}

static void
reply_to_all(struct client *client, bool is_for_accepted)
{
	struct client_verdict verdict;

	verdict_from_reply(client, &verdict);
	set_all(client, &verdict, is_for_accepted);
}

void
client_envelope_reply(struct client *client)
{
	enum command command = command_at(client, client->answered);
	int class = client->reply.code / 100;

	client->has_answer |= command != COMMAND_RSET;
	switch (command) {
	case COMMAND_RSET:
		if (class != 2)
			client_lose(client, "4.5.0", client->reply.text);
		break;
	case COMMAND_MAIL:
		client->is_mail_refused = class != 2;
		if (class == 3)
			client_lose(client, "4.5.0", client->reply.text);
		else if (class != 2)
			reply_to_all(client, false);
		break;
	case COMMAND_RCPT:
		reply_to_recipient(
		    client, recipient_at(client, client->answered));
		break;
	case COMMAND_DATA:
		client->is_data_accepted = client->reply.code == 354;
		if (class == 2)
			client_lose(client, "4.5.0", client->reply.text);
		else if (!client->is_data_accepted)
			reply_to_all(client, true);
		break;
	}
	if (client->reply.code == 421)
		client_lose(client, client->reply.enhanced, client->reply.text);
	client->answered++;
}

void
client_envelope_end(struct client *client)
{
	reply_to_all(client, true);
}

void
client_envelope_end_one(struct client *client)
{
	struct client_message *message = client->message;

	client->ends++;
	for (size_t i = 0; i < client->pending_count; i++) {
		struct client_recipient *recipient =
		    &message->recipients[client->pending[i]];

		if (!recipient->is_accepted || recipient->verdict.status != 0)
			continue;
		verdict_from_reply(client, &recipient->verdict);
		return;
	}
}
