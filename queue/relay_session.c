/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "queue/relay_session.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/dns/dns.h"
#include "common/io.h"
#include "common/limits.h"
#include "common/log.h"

#include "queue/client_envelope.h"
#include "queue/relay_outside.h"
#include "queue/relay_tls.h"

#define INPUT_SIZE 16384
#define BODY_BLOCK 32768
#define READ_BLOCK 8192
/* A block of nothing but line ends doubles; a dot may be added to each. Or
 * chunks, of which a block ends at most two. */
#define OUTPUT_SIZE (4 * BODY_BLOCK + 2 * LIMIT_RELAY_CHUNK)

void
relay_session_init(struct relay_session *session)
{
	memset(session, 0, sizeof(*session));
	session->fd = -1;
	session->client.state = CLIENT_STATE_CLOSED;
	buf_init(&session->input, INPUT_SIZE);
	buf_init(&session->output, OUTPUT_SIZE);
	buf_init(&session->converted, CONVERT_ROOM(READ_BLOCK));
}

/* A write that fails is no end: the host may have said why before. */
static bool
session_flush(struct relay_session *session)
{
	enum io_status status;

	if (session->output.len == 0)
		return true;
	status = io_write_all(session->fd, buf_slice(&session->output),
	    io_deadline(TIMEOUT_SMTP_DATA_BLOCK));
	buf_clear(&session->output);
	return status == IO_OK;
}

static void
session_lose(struct relay_session *session, enum io_status status)
{
	char text[LIMIT_REASON];

	if (status == IO_TIMEOUT)
		snprintf(text, sizeof(text), "conversation with %s timed out",
		    session->remote);
	else if (status == IO_ERROR)
		snprintf(text, sizeof(text), "lost connection with %s: %s",
		    session->remote, strerror(errno));
	else
		snprintf(text, sizeof(text), "lost connection with %s",
		    session->remote);
	client_lose(&session->client, "4.4.2", text);
}

static enum client_effect
session_step(struct relay_session *session)
{
	struct slice input = buf_slice(&session->input);
	enum client_effect effect;

	effect = client_step(&session->client, &input, &session->output);
	buf_consume(&session->input, session->input.len - input.len);
	if (!session_flush(session) && effect != CLIENT_CLOSED)
		return CLIENT_READ;
	return effect;
}

/* What is there, or comes in time, is given to the client. */
static enum client_effect
session_read(struct relay_session *session, int64_t deadline)
{
	enum io_status status;
	char *room;
	size_t got;

	room = buf_reserve(&session->input, 4096);
	BUG_UNLESS(room != NULL);
	status = io_read_some(session->fd, room, 4096, &got, deadline);
	if (status != IO_OK) {
		session_lose(session, status);
		return CLIENT_CLOSED;
	}
	buf_commit(&session->input, got);
	session->is_greeted = true;
	return session_step(session);
}

/* Until something other than reading is to be done. */
static enum client_effect
session_run(struct relay_session *session)
{
	struct client *client = &session->client;
	enum client_effect effect = session_step(session);
	uint64_t replies = client->reply_count;
	int64_t deadline = io_deadline(client_timeout(client));

	while (effect == CLIENT_READ) {
		effect = session_read(session, deadline);
		if (client->reply_count == replies)
			continue;
		replies = client->reply_count;
		deadline = io_deadline(client_timeout(client));
	}
	return effect;
}

void
relay_session_fail(struct relay_session *session, struct relay_dial *dial,
    const char *code, const char *reason)
{
	dial->target = dial->way.first;
	session->is_greeted = session->is_connected = false;
	client_clear(&session->client);
	client_verdict_set(&session->client.failure, 'T', code, reason);
}

/* A socket of this machine is opened outside the jail. */
static int
session_reach(
    struct relay_session *session, struct relay_dial *dial, struct why *why)
{
	int64_t deadline = io_deadline(TIMEOUT_SMTP_CONNECT);
	int fd;

	dial->target = dial->way.first;
	if (dial->target->addr.family == 0) {
		fd = relay_outside_socket(
		    dial->outside, dial->target->host, why);
	} else {
		fd = relay_connect(&dial->way, deadline, &dial->target);
		if (fd < 0)
			snprintf(why->text, sizeof(why->text), "%s",
			    strerror(errno));
	}
	relay_remote_format(
	    session->remote, dial->target->host, &dial->target->addr);
	return fd;
}

static bool
session_connect(struct relay_session *session, struct relay_dial *dial)
{
	struct why why = { 0 };
	char text[LIMIT_REASON];

	session->is_greeted = false;
	session->messages = 0;
	session->opened = io_now();
	buf_clear(&session->input);
	buf_clear(&session->output);
	session->fd = session_reach(session, dial, &why);
	session->is_connected = session->fd >= 0;
	if (session->fd >= 0) {
		io_set_nodelay(session->fd);
		return true;
	}
	snprintf(
	    text, sizeof(text), "connect to %s: %s", session->remote, why.text);
	client_clear(&session->client);
	client_verdict_set(&session->client.failure, 'T', "4.4.1", text);
	return false;
}

/* Who reaches himself does so from the address that he calls, or over the
 * loopback. */
static bool
is_own_address(int fd)
{
	struct netaddr own, peer;

	netaddr_of_socket(&own, fd);
	netaddr_of_peer(&peer, fd);
	if (netaddr_is_loopback(&peer))
		return true;
	return own.family != 0 && own.family == peer.family &&
	       memcmp(own.bytes, peer.bytes, sizeof(own.bytes)) == 0;
}

static void
session_start(struct relay_session *session, const struct relay_dial *dial,
    bool is_tls_avoided)
{
	const struct settings *settings = dial->settings;
	const struct netaddr *peer = &dial->target->addr;
	char *nonce = session->nonce;
	const struct client_options options = {
		.hostname = settings->hostname,
		.is_lmtp = dial->is_lmtp,
		.is_token = dial->is_token,
		.nonce = nonce,
		.tls_level =
		    dial->requires_tls && dial->tls_level < TLS_LEVEL_ENCRYPT
			? TLS_LEVEL_ENCRYPT
			: dial->tls_level,
		.is_tls_first = dial->is_tls_first,
		.is_tls_avoided = is_tls_avoided,
		.is_own_address =
		    !dial->is_filter && is_own_address(session->fd),
		.requires_tls = dial->requires_tls,
		.may_auth_in_clear =
		    peer->family == 0 || netaddr_is_loopback(peer) ||
		    network_list_contains(&settings->cleartext_auth, peer),
		.login = dial->login,
		.password = dial->password,
	};

	snprintf(nonce, sizeof(session->nonce), "%08x%08x%08x%08x",
	    dns_random(), dns_random(), dns_random(), dns_random());
	client_clear(&session->client);
	client_init(&session->client, &options);
	memset(&session->tls, 0, sizeof(session->tls));
	session->tls_level = dial->policy;
}

static bool
session_handshake(struct relay_session *session, const struct relay_dial *dial)
{
	char text[LIMIT_REASON], ip[NETADDR_TEXT_SIZE];
	struct relay_tls_peer peer = { .host = dial->target->host,
		.domain = dial->domain,
		.address = netaddr_format(&dial->target->addr, ip),
		.tlsa = dial->tlsa,
		.id = dial->id };
	int plaintext;

	/* A literal is asked for by its address (RFC 6066 section 3). */
	if (peer.host[0] == '[' ||
	    slice_starts_nocase(slice_of(peer.host), S("IPv6:")))
		peer.host = peer.address;
	plaintext = relay_tls_connect(
	    dial->tls_helper, session->fd, &peer, &session->tls);
	if (plaintext < 0) {
		snprintf(text, sizeof(text), "TLS handshake with %s failed: %s",
		    session->remote, session->tls.text);
		log_warning("%s: %s", dial->id, text);
		client_lose(&session->client, "4.7.5", text);
		return false;
	}
	close(session->fd);
	session->fd = plaintext;
	io_set_nonblocking(plaintext, true);
	client_set_tls(&session->client, session->tls.is_verified != 0);
	log_info("%s: %s TLS connection established to %s: %s with cipher %s "
		 "(%u bits)",
	    dial->id, session->tls.is_verified ? "Verified" : "Untrusted",
	    session->remote, session->tls.version, session->tls.cipher,
	    session->tls.bits);
	return true;
}

/* True: ready. *is_tls_bad: it was the handshake that failed. */
static bool
session_try(struct relay_session *session, struct relay_dial *dial,
    bool is_tls_avoided, bool *is_tls_bad)
{
	enum client_effect effect;

	*is_tls_bad = false;
	if (!session_connect(session, dial))
		return false;
	session_start(session, dial, is_tls_avoided);
	effect = session_run(session);
	if (effect == CLIENT_HANDSHAKE) {
		if (session_handshake(session, dial))
			effect = session_run(session);
		else
			*is_tls_bad = true;
	}
	if (effect == CLIENT_READY)
		return true;
	relay_session_close(session);
	return false;
}

bool
relay_session_open(struct relay_session *session, struct relay_dial *dial)
{
	bool is_tls_bad;

	if (session_try(session, dial, false, &is_tls_bad))
		return true;
	/* Opportunistic: mail in clear is better than none. */
	if (!is_tls_bad || dial->is_tls_first || dial->requires_tls ||
	    dial->tls_level >= TLS_LEVEL_ENCRYPT)
		return false;
	return session_try(session, dial, true, &is_tls_bad);
}

void
relay_session_tls_text(
    const struct relay_session *session, char *text, size_t size)
{
	const char *how =
	    session->client.is_tls
		? (session->tls.is_verified ? "Verified " : "Untrusted ")
	    : session->tls.text[0] != '\0' ? "handshake failed"
					   : "clear";

	text[0] = '\0';
	if (session->is_greeted)
		snprintf(text, size, "%s/%s%s",
		    tls_level_name(session->tls_level), how,
		    session->client.is_tls ? session->tls.version : "");
}

/* Replies to chunks, as they come; true: the body goes on. */
static bool
session_hear(struct relay_session *session, enum client_effect *effect)
{
	struct client *client = &session->client;
	int64_t deadline = io_deadline(client_timeout(client));

	if (!client->uses_chunks)
		return true;
	while (client->state == CLIENT_STATE_BODY &&
	       client->chunks_answered < client->chunks_sent &&
	       (client_must_wait(client) ||
		   io_wait_readable(session->fd, io_now()) == IO_OK)) {
		*effect = session_read(session, deadline);
		if (*effect != CLIENT_READ)
			return false;
	}
	return client->state == CLIENT_STATE_BODY;
}

static bool
session_give_up(
    struct relay_session *session, const char *text, enum client_effect *effect)
{
	client_lose(&session->client, "4.3.0", text);
	*effect = CLIENT_CLOSED;
	return false;
}

/* True: go on. What was said by a host that takes no more is still read. */
static bool
session_put(struct relay_session *session, struct slice bytes,
    enum client_effect *effect)
{
	struct slice piece;

	while (bytes.len > 0) {
		piece = slice_first(bytes, READ_BLOCK);
		bytes = slice_from(bytes, piece.len);
		if (!client_body(&session->client, piece, &session->output))
			return session_give_up(
			    session, "a block is too large", effect);
		if (session->output.len >= BODY_BLOCK &&
		    (!session_flush(session) || !session_hear(session, effect)))
			return false;
	}
	return true;
}

/* All of the body, through the converter when there is one. */
static bool
session_copy(struct relay_session *session, const struct relay_body *body,
    struct convert *convert, enum client_effect *effect)
{
	struct buf *converted = &session->converted;
	char block[READ_BLOCK];
	uint64_t done = 0;
	ssize_t n;

	for (; done < body->length; done += (uint64_t)n) {
		struct slice bytes;

		n = relay_body_read(body, done, block, sizeof(block));
		if (n <= 0)
			return session_give_up(
			    session, "the queue file cannot be read", effect);
		bytes = slice_make(block, (size_t)n);
		buf_clear(converted);
		if (convert != NULL && !convert_feed(convert, bytes, converted))
			return session_give_up(
			    session, "the message cannot be converted", effect);
		if (!session_put(session,
			convert == NULL ? bytes : buf_slice(converted), effect))
			return false;
	}
	buf_clear(converted);
	if (convert != NULL && !convert_end(convert, converted))
		return session_give_up(
		    session, "the message cannot be converted", effect);
	return session_put(session, buf_slice(converted), effect);
}

/* The connection is cut when the file is shorter than it says, as half a
 * message must not end well. */
static enum client_effect
session_body(struct relay_session *session, const struct relay_body *body)
{
	enum client_effect effect = CLIENT_READ;
	struct convert convert;
	bool is_whole;

	if (body->plan != NULL)
		convert_init(&convert, body->plan, body->target);
	is_whole = session_copy(
	    session, body, body->plan == NULL ? NULL : &convert, &effect);
	if (body->plan != NULL)
		convert_clear(&convert);
	if (is_whole) {
		client_body_end(&session->client, &session->output);
		(void)session_flush(session);
	}
	buf_clear(&session->output);
	return effect == CLIENT_READ ? session_run(session) : effect;
}

ssize_t
relay_body_read(
    const struct relay_body *body, uint64_t at, char *block, size_t size)
{
	uint64_t left = body->length - at;
	ssize_t n;

	do
		n = pread(body->fd, block, left < size ? (size_t)left : size,
		    (off_t)(body->offset + at));
	while (n < 0 && errno == EINTR);
	return n;
}

bool
relay_session_send(struct relay_session *session,
    struct client_message *message, const struct relay_body *body)
{
	enum client_effect effect;

	session->messages++;
	client_begin(&session->client, message);
	effect = session_run(session);
	if (effect == CLIENT_BODY)
		effect = session_body(session, body);
	if (effect == CLIENT_FINISHED) {
		session->client.message = NULL;
		return true;
	}
	session->client.message = NULL;
	relay_session_close(session);
	return false;
}

bool
relay_session_may_send(const struct relay_session *session)
{
	uint64_t limit = session->client.limits.messages;

	return session->messages < LIMIT_RELAY_MESSAGES &&
	       (limit == 0 || session->messages < limit);
}

bool
relay_session_is_usable(const struct relay_session *session)
{
	return session->fd >= 0 &&
	       session->client.state == CLIENT_STATE_READY &&
	       session->input.len == 0 && relay_session_may_send(session) &&
	       io_now() - session->opened < LIMIT_RELAY_REUSE * 1000
	       /* Anything to read is the host's goodbye. */
	       && io_wait_readable(session->fd, io_now()) == IO_TIMEOUT;
}

void
relay_session_close(struct relay_session *session)
{
	ssize_t ignored;

	if (session->fd < 0)
		return;
	if (session->client.state == CLIENT_STATE_READY) {
		ignored = write(session->fd, "QUIT\r\n", 6);
		(void)ignored;
	}
	close(session->fd);
	session->fd = -1;
	buf_clear(&session->input);
	buf_clear(&session->output);
}

void
relay_session_free(struct relay_session *session)
{
	relay_session_close(session);
	client_clear(&session->client);
	buf_free(&session->input);
	buf_free(&session->output);
	buf_free(&session->converted);
}
