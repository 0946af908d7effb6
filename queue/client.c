/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "queue/client.h"

#include <stdio.h>
#include <string.h>

#include "common/alloc.h"
#include "common/limits.h"
#include "common/result.h"

#include "queue/client_auth.h"
#include "queue/client_envelope.h"

/* A chunk and the bytes that were fed last. */
#define CHUNK_ROOM (2 * LIMIT_RELAY_CHUNK)

typedef enum client_effect
client_handler(struct client *client, struct slice *input, struct buf *out);

void
client_init(struct client *client, const struct client_options *options)
{
	memset(client, 0, sizeof(*client));
	client->options = *options;
	if (options->is_tls_first)
		client->state = CLIENT_STATE_TLS;
	reply_init(&client->reply);
	buf_init(&client->chunk, CHUNK_ROOM);
}

void
client_clear(struct client *client)
{
	alloc_release(client->pending);
	scram_client_end(&client->scram);
	buf_free(&client->chunk);
	memset(client, 0, sizeof(*client));
	client->state = CLIENT_STATE_CLOSED;
}

static enum client_effect
client_fail(
    struct client *client, char status, const char *code, const char *text)
{
	struct client_message *message = client->message;

	client_verdict_set(&client->failure, status, code, text);
	client->state = CLIENT_STATE_CLOSED;
	for (size_t i = 0; message != NULL && i < message->recipient_count; i++)
		if (message->recipients[i].verdict.status == 0)
			message->recipients[i].verdict = client->failure;
	return CLIENT_CLOSED;
}

void
client_lose(struct client *client, const char *code, const char *reason)
{
	char text[LIMIT_REASON];

	if (client->state == CLIENT_STATE_CLOSED)
		return;
	if (client->state == CLIENT_STATE_END)
		snprintf(text, sizeof(text),
		    "%.800s (while waiting for the reply to the end of data: "
		    "the message may be sent twice)",
		    reason);
	else if (client->state == CLIENT_STATE_TLS)
		snprintf(text, sizeof(text), "%.900s", reason);
	else
		snprintf(text, sizeof(text), "%.900s (while waiting for %s)",
		    reason, client_stage(client));
	client_fail(client, 'T', code, text);
}

/* The session cannot go on after the reply at hand. 521 (RFC 7504) is the
 * only greeting that means never; other 5xx may mean this host, now. */
static enum client_effect
client_refused(struct client *client, const char *code)
{
	const struct reply *reply = &client->reply;
	bool is_final =
	    reply->code == 521 && client->state == CLIENT_STATE_GREETING;
	char text[LIMIT_REASON];

	snprintf(text, sizeof(text), "%.950s (in reply to %s)", reply->text,
	    client_stage(client));
	return client_fail(client, is_final ? 'F' : 'T', code, text);
}

static enum client_effect
client_hello(struct client *client, struct buf *out)
{
	client->state = CLIENT_STATE_EHLO;
	client->extensions = 0;
	client->size_limit = 0;
	memset(&client->limits, 0, sizeof(client->limits));
	buf_add_format(out, "%s %s\r\n",
	    client->options.is_lmtp ? "LHLO" : "EHLO",
	    client->options.hostname);
	return CLIENT_READ;
}

static enum client_effect
on_greeting(struct client *client, struct slice *input, struct buf *out)
{
	struct slice name, rest = slice_of(client->reply.text);

	(void)input;
	if (client->reply.code / 100 != 2) {
		char code[12];

		snprintf(code, sizeof(code), "%c%s",
		    client->reply.code == 521 ? '5' : '4',
		    client->reply.enhanced + 1);
		return client_refused(client, code);
	}
	/* Both, as another host may sit behind an address of ours. */
	slice_cut(rest, ' ', &name, &rest);
	slice_cut(rest, ' ', &name, &rest);
	if (client->options.is_own_address &&
	    slice_eq_nocase(name, slice_of(client->options.hostname)))
		return client_fail(
		    client, 'F', "5.4.6", "mail loops back to myself");
	return client_hello(client, out);
}

/* RFC 8689 section 4.2.1: all of it, or another host, or a report. */
static enum client_effect
client_refuse_tls(struct client *client)
{
	const char *lacks = "offer REQUIRETLS";
	char text[LIMIT_REASON];

	if (!client->is_tls)
		lacks = "offer STARTTLS";
	else if (!client->is_verified)
		lacks = "show a certificate that can be verified";
	snprintf(text, sizeof(text),
	    "REQUIRETLS was asked for, but the host does not %s", lacks);
	return client_fail(client, 'F', "5.7.30", text);
}

static enum client_effect
client_log_in(struct client *client, struct buf *out)
{
	struct why why = { 0 };

	if (!client->is_tls && !client->options.may_auth_in_clear)
		return client_fail(client, 'T', "4.7.0",
		    "the password is not sent without TLS");
	client->state = CLIENT_STATE_AUTH;
	if (client_auth_start(client, out, &why) == CLIENT_AUTH_FAILED)
		return client_fail(client, 'T', "4.7.0", why.text);
	return CLIENT_READ;
}

static bool
may_start_tls(const struct client *client)
{
	return !client->is_tls && client->options.tls_level != TLS_LEVEL_NONE &&
	       !client->options.is_tls_avoided &&
	       (client->extensions & CLIENT_STARTTLS);
}

static bool
lacks_required_tls(const struct client *client)
{
	return client->options.requires_tls &&
	       !client->options.is_tls_avoided &&
	       (!client->is_tls || !client->is_verified ||
		   !(client->extensions & CLIENT_REQUIRETLS));
}

/* After EHLO or HELO: what is left before a message may begin. */
static enum client_effect
client_introduced(struct client *client, struct buf *out)
{
	const struct client_options *options = &client->options;

	if (may_start_tls(client)) {
		client->state = CLIENT_STATE_STARTTLS;
		buf_add(out, S("STARTTLS\r\n"));
		return CLIENT_READ;
	}
	if (lacks_required_tls(client))
		return client_refuse_tls(client);
	if (!client->is_tls && options->tls_level >= TLS_LEVEL_ENCRYPT)
		return client_fail(client, 'T', "4.7.5",
		    "TLS is required, but the host does not offer it");
	if (!client->is_verified && options->tls_level == TLS_LEVEL_VERIFY)
		return client_fail(client, 'T', "4.7.5",
		    "the host's certificate cannot be verified, as is "
		    "required");
	if (options->login.len > 0)
		return client_log_in(client, out);
	client->state = CLIENT_STATE_READY;
	return CLIENT_READY;
}

/* RFC 9422 section 3: one to six digits, not 0; what is unknown or wrong is
 * passed over. */
static void
extension_limits(struct client *client, struct slice rest)
{
	const struct {
		struct slice name;
		uint64_t *limit;
	} known[] = {
		{ S("RCPTMAX"), &client->limits.recipients },
		{ S("MAILMAX"), &client->limits.messages },
		{ S("RCPTDOMAINMAX"), &client->limits.domains },
	};
	struct slice word, name, value;
	uint64_t number;

	while (slice_token(&rest, S(" \t"), &word)) {
		slice_cut(word, '=', &name, &value);
		if (!slice_u64(value, 999999, &number) || number == 0)
			continue;
		for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
			if (slice_eq_nocase(name, known[i].name))
				*known[i].limit = number;
	}
}

/* One line of the EHLO reply; unknown keywords are nobody's business. */
static void
extension_line(struct client *client, struct slice line)
{
	static const struct {
		struct slice keyword;
		enum client_extension extension;
	} known[] = {
		{ SLICE("PIPELINING"), CLIENT_PIPELINING },
		{ SLICE("8BITMIME"), CLIENT_8BITMIME },
		{ SLICE("SIZE"), CLIENT_SIZE },
		{ SLICE("STARTTLS"), CLIENT_STARTTLS },
		{ SLICE("CHUNKING"), CLIENT_CHUNKING },
		{ SLICE("BINARYMIME"), CLIENT_BINARYMIME },
		{ SLICE("SMTPUTF8"), CLIENT_SMTPUTF8 },
		{ SLICE("DSN"), CLIENT_DSN },
		{ SLICE("REQUIRETLS"), CLIENT_REQUIRETLS },
		{ SLICE("DELIVERBY"), CLIENT_DELIVERBY },
		{ SLICE("MT-PRIORITY"), CLIENT_PRIORITY },
	};
	struct slice word;

	/* "AUTH=PLAIN" is how it was before RFC 2554. */
	if (slice_starts_nocase(line, S("AUTH ")) ||
	    slice_starts_nocase(line, S("AUTH="))) {
		client_auth_offer(client, slice_from(line, 5));
		return;
	}
	if (!slice_token(&line, S(" \t"), &word))
		return;
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (slice_eq_nocase(word, known[i].keyword))
			client->extensions |= known[i].extension;
	if (slice_eq_nocase(word, S("LIMITS")))
		extension_limits(client, line);
	if (slice_eq_nocase(word, S("SIZE")) &&
	    !slice_u64(slice_trim(line), UINT64_MAX, &client->size_limit))
		client->size_limit = 0;
}

static enum client_effect
on_ehlo(struct client *client, struct slice *input, struct buf *out)
{
	(void)input;
	switch (client->reply.code / 100) {
	case 2:
		client->is_extended = true;
		/* RFC 3030 leaves open what LMTP replies to the last chunk. */
		if (client->options.is_lmtp)
			client->extensions &= ~(
			    unsigned int)(CLIENT_CHUNKING | CLIENT_BINARYMIME);
		return client_introduced(client, out);
	case 5:
		if (client->options.is_lmtp)
			break;
		client->state = CLIENT_STATE_HELO;
		client->extensions = 0;
		buf_add_format(out, "HELO %s\r\n", client->options.hostname);
		return CLIENT_READ;
	}
	return client_refused(client,
	    client->reply.code / 100 == 5 ? "4.5.0" : client->reply.enhanced);
}

static enum client_effect
on_helo(struct client *client, struct slice *input, struct buf *out)
{
	(void)input;
	client->is_extended = false;
	if (client->reply.code / 100 != 2)
		return client_refused(client, "4.5.0");
	return client_introduced(client, out);
}

static enum client_effect
on_starttls(struct client *client, struct slice *input, struct buf *out)
{
	if (client->reply.code != 220) {
		if (client->reply.code == 421)
			return client_refused(client, client->reply.enhanced);
		client->options.is_tls_avoided = true;
		return client_introduced(client, out);
	}
	/* Nobody may put words into the mouth of the host behind TLS. */
	if (input->len > 0)
		return client_fail(client, 'T', "4.5.0",
		    "the host sent more than a reply to STARTTLS");
	client->state = CLIENT_STATE_TLS;
	return CLIENT_HANDSHAKE;
}

void
client_set_tls(struct client *client, bool is_verified)
{
	BUG_UNLESS(client->state == CLIENT_STATE_TLS);
	client->is_tls = true;
	client->is_verified = is_verified;
	if (client->options.is_tls_first)
		client->state = CLIENT_STATE_GREETING;
	reply_init(&client->reply);
}

static enum client_effect
on_auth(struct client *client, struct slice *input, struct buf *out)
{
	struct why why = { 0 };

	(void)input;
	switch (client_auth_reply(client, out, &why)) {
	case CLIENT_AUTH_WAIT:
		return CLIENT_READ;
	case CLIENT_AUTH_DONE:
		client->state = CLIENT_STATE_READY;
		return CLIENT_READY;
	case CLIENT_AUTH_FAILED:
		return client_fail(client, 'T', "4.7.0", why.text);
	case CLIENT_AUTH_REFUSED:
		break;
	}
	/* A wrong password is corrected here; mail waits for that. */
	return client_refused(client, "4.7.8");
}

static enum client_effect
on_envelope(struct client *client, struct slice *input, struct buf *out)
{
	(void)input;
	client_envelope_reply(client);
	if (client->state == CLIENT_STATE_CLOSED)
		return CLIENT_CLOSED;
	return client_envelope_send(client, out);
}

/* After a chunk was refused no more is sent; RSET follows (RFC 3030 section
 * 2), and the replies to those in flight say nothing new. */
static enum client_effect
on_chunk(struct client *client)
{
	client->chunks_answered++;
	if (client->reply.code == 421) {
		client_envelope_end(client);
		return client_refused(client, client->reply.enhanced);
	}
	if (client->state == CLIENT_STATE_BODY && client->reply.code / 100 == 2)
		return CLIENT_READ;
	if (client->reply.code / 100 != 2 ||
	    client->chunks_answered == client->chunks_sent)
		client_envelope_end(client);
	client->state = CLIENT_STATE_END;
	if (client->chunks_answered < client->chunks_sent)
		return CLIENT_READ;
	client->state = CLIENT_STATE_READY;
	return CLIENT_FINISHED;
}

/* A reply before the data has ended: an end of the session, too. */
static enum client_effect
on_body(struct client *client, struct slice *input, struct buf *out)
{
	(void)input;
	(void)out;
	if (client->uses_chunks &&
	    client->chunks_answered < client->chunks_sent)
		return on_chunk(client);
	if (client->reply.code / 100 >= 4)
		client_envelope_end(client);
	client_lose(client, "4.5.0", "the host replied before the end of data");
	return CLIENT_CLOSED;
}

static enum client_effect
on_end(struct client *client, struct slice *input, struct buf *out)
{
	(void)input;
	(void)out;
	if (client->uses_chunks)
		return on_chunk(client);
	if (client->options.is_lmtp && client->reply.code != 421) {
		client_envelope_end_one(client);
		if (client->ends < client->accepted_count)
			return CLIENT_READ;
	} else {
		client_envelope_end(client);
	}
	if (client->reply.code == 421)
		return client_refused(client, client->reply.enhanced);
	client->state = CLIENT_STATE_READY;
	return CLIENT_FINISHED;
}

static enum client_effect
on_abort(struct client *client, struct slice *input, struct buf *out)
{
	(void)input;
	(void)out;
	client->state = CLIENT_STATE_READY;
	return CLIENT_FINISHED;
}

/* By state: who takes a reply, how long to wait, what it is called. */
static const struct {
	client_handler *on_reply;
	unsigned int timeout;
	const char *stage;
} states[] = {
	[CLIENT_STATE_GREETING] = { on_greeting, TIMEOUT_SMTP_GREETING,
	    "the initial greeting" },
	[CLIENT_STATE_EHLO] = { on_ehlo, TIMEOUT_SMTP_COMMAND, "EHLO" },
	[CLIENT_STATE_HELO] = { on_helo, TIMEOUT_SMTP_COMMAND, "HELO" },
	[CLIENT_STATE_STARTTLS] = { on_starttls, TIMEOUT_SMTP_COMMAND,
	    "STARTTLS" },
	[CLIENT_STATE_TLS] = { NULL, TIMEOUT_TLS_HANDSHAKE, "TLS" },
	[CLIENT_STATE_AUTH] = { on_auth, TIMEOUT_SMTP_COMMAND, "AUTH" },
	[CLIENT_STATE_READY] = { NULL, TIMEOUT_SMTP_COMMAND, "a message" },
	[CLIENT_STATE_ENVELOPE] = { on_envelope, TIMEOUT_SMTP_COMMAND,
	    "a command" },
	[CLIENT_STATE_BODY] = { on_body, TIMEOUT_SMTP_DATA_BLOCK,
	    "the message data" },
	[CLIENT_STATE_END] = { on_end, TIMEOUT_SMTP_END, "the end of data" },
	[CLIENT_STATE_ABORT] = { on_abort, TIMEOUT_SMTP_COMMAND,
	    "the end of data" },
	[CLIENT_STATE_CLOSED] = { NULL, 0, "nothing" },
};

const char *
client_stage(const struct client *client)
{
	if (client->state == CLIENT_STATE_ENVELOPE)
		return client_envelope_stage(client);
	return states[client->state].stage;
}

unsigned int
client_timeout(const struct client *client)
{
	if (client->state == CLIENT_STATE_ENVELOPE)
		return client_envelope_timeout(client);
	return states[client->state].timeout;
}

/* What can go on without a reply. CLIENT_READ: nothing. */
static enum client_effect
client_proceed(struct client *client, struct buf *out)
{
	switch (client->state) {
	case CLIENT_STATE_READY:
		return CLIENT_READY;
	case CLIENT_STATE_CLOSED:
		return CLIENT_CLOSED;
	case CLIENT_STATE_TLS:
		/* RFC 3207 section 4.2: all that was learned is forgotten. */
		return client->is_tls ? client_hello(client, out)
				      : CLIENT_HANDSHAKE;
	case CLIENT_STATE_ENVELOPE:
		return client_envelope_send(client, out);
	case CLIENT_STATE_GREETING:
	case CLIENT_STATE_EHLO:
	case CLIENT_STATE_HELO:
	case CLIENT_STATE_STARTTLS:
	case CLIENT_STATE_AUTH:
	case CLIENT_STATE_BODY:
	case CLIENT_STATE_END:
	case CLIENT_STATE_ABORT:
		break;
	}
	return CLIENT_READ;
}

enum client_effect
client_step(struct client *client, struct slice *input, struct buf *out)
{
	enum client_effect effect = client_proceed(client, out);

	while (effect == CLIENT_READ) {
		switch (reply_next(&client->reply, input)) {
		case REPLY_MORE:
			return CLIENT_READ;
		case REPLY_BAD:
			client_lose(
			    client, "4.5.0", "the host does not speak SMTP");
			return CLIENT_CLOSED;
		case REPLY_LINE:
		case REPLY_DONE:
			break;
		}
		if (client->state == CLIENT_STATE_EHLO &&
		    client->reply.line_count > 1)
			extension_line(client, slice_of(client->reply.line));
		if (!client->reply.is_complete)
			continue;
		client->reply_count++;
		effect = states[client->state].on_reply(client, input, out);
	}
	return effect;
}
