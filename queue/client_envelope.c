/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "queue/client_envelope.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "common/alloc.h"
#include "common/result.h"

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
	return (client->has_reset ? 1U : 0U) + 1 + client->pending_count + 1;
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
check_recipient(struct client_recipient *recipient)
{
	bool is_ascii;

	recipient->is_accepted = false;
	if (recipient->verdict.status != 0)
		return;
	if (!address_is_sendable(recipient->address, &is_ascii) ||
	    recipient->address.len == 0)
		client_verdict_set(&recipient->verdict, 'F', "5.1.3",
		    "recipient address cannot be sent");
	else if (!is_ascii)
		client_verdict_set(&recipient->verdict, 'F', "5.6.7",
		    "recipient address is not ASCII");
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
	else if (!is_ascii)
		set_all_text(
		    client, 'F', "5.6.7", "sender address is not ASCII");
	if (message->is_8bit && !(client->extensions & CLIENT_8BITMIME))
		set_all_text(client, 'F', "5.6.3",
		    "message has 8-bit bytes, the host does not offer "
		    "8BITMIME");
	/* RFC 1870 section 6.1; 0 is no fixed limit. */
	if (client->size_limit > 0 && message->size > client->size_limit) {
		snprintf(text, sizeof(text),
		    "message size %" PRIu64 " exceeds the size limit %" PRIu64
		    " of the host",
		    message->size, client->size_limit);
		set_all_text(client, 'F', "5.3.4", text);
	}
}

void
client_begin(struct client *client, struct client_message *message)
{
	BUG_UNLESS(client->state == CLIENT_STATE_READY);
	client->message = message;
	for (size_t i = 0; i < message->recipient_count; i++)
		check_recipient(&message->recipients[i]);
	check_message(client);
	alloc_release(client->pending);
	client->pending =
	    alloc_zero(message->recipient_count, sizeof(*client->pending));
	client->pending_count = 0;
	for (size_t i = 0; i < message->recipient_count; i++)
		if (message->recipients[i].verdict.status == 0)
			client->pending[client->pending_count++] = i;
	client->has_reset = client->is_used;
	client->is_mail_refused = client->is_data_accepted = false;
	client->has_answer = false;
	client->accepted_count = client->sent = client->answered = 0;
	dot_encode_init(&client->encoder);
	client->state = CLIENT_STATE_ENVELOPE;
}

static void
send_mail(struct client *client, struct buf *out)
{
	const struct client_message *message = client->message;

	client->is_used = true;
	buf_add_format(out, "MAIL FROM:<%.*s>", SLICE_FMT(message->sender));
	if (client->extensions & CLIENT_SIZE)
		buf_add_format(out, " SIZE=%" PRIu64, message->size);
	if (client->extensions & CLIENT_8BITMIME)
		buf_add_string(
		    out, message->is_8bit ? " BODY=8BITMIME" : " BODY=7BIT");
	buf_add(out, S("\r\n"));
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
		send_mail(client, out);
		break;
	case COMMAND_RCPT:
		buf_add_format(out, "RCPT TO:<%.*s>\r\n",
		    SLICE_FMT(recipient_at(client, index)->address));
		break;
	case COMMAND_DATA:
		buf_add(out, S("DATA\r\n"));
		break;
	}
}

static enum client_effect
envelope_finish(struct client *client, struct buf *out)
{
	if (!client->is_data_accepted) {
		client->state = CLIENT_STATE_READY;
		return CLIENT_FINISHED;
	}
	if (client->accepted_count > 0) {
		client->state = CLIENT_STATE_BODY;
		return CLIENT_BODY;
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
	if (client->sent + 1 == count && client->accepted_count == 0)
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

bool
client_body(struct client *client, struct slice bytes, struct buf *out)
{
	return dot_encode(&client->encoder, bytes, out);
}

bool
client_body_end(struct client *client, struct buf *out)
{
	client->state = CLIENT_STATE_END;
	return dot_encode_end(&client->encoder, out);
}
