/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "queue/relay_session.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/io.h"
#include "common/limits.h"
#include "common/log.h"

#include "queue/client_envelope.h"
#include "queue/relay_tls.h"

#define INPUT_SIZE 16384
#define BODY_BLOCK 32768
/* A block of nothing but line ends doubles; a dot may be added to each. */
#define OUTPUT_SIZE (4 * BODY_BLOCK)

void
relay_session_init(struct relay_session *session)
{
	memset(session, 0, sizeof(*session));
	session->fd = -1;
	session->client.state = CLIENT_STATE_CLOSED;
	buf_init(&session->input, INPUT_SIZE);
	buf_init(&session->output, OUTPUT_SIZE);
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

/* Until something other than reading is to be done. */
static enum client_effect
session_run(struct relay_session *session)
{
	struct client *client = &session->client;
	enum client_effect effect = session_step(session);
	uint64_t replies = client->reply_count;
	int64_t deadline = io_deadline(client_timeout(client));
	enum io_status status;
	char *room;
	size_t got;

	while (effect == CLIENT_READ) {
		room = buf_reserve(&session->input, 4096);
		BUG_UNLESS(room != NULL);
		status = io_read_some(session->fd, room, 4096, &got, deadline);
		if (status != IO_OK) {
			session_lose(session, status);
			return CLIENT_CLOSED;
		}
		buf_commit(&session->input, got);
		session->is_greeted = true;
		effect = session_step(session);
		if (client->reply_count == replies)
			continue;
		replies = client->reply_count;
		deadline = io_deadline(client_timeout(client));
	}
	return effect;
}

static bool
session_connect(struct relay_session *session, const struct relay_dial *dial)
{
	const struct route_target *target = dial->target;
	char text[LIMIT_REASON];

	session->is_greeted = false;
	session->messages = 0;
	session->opened = io_now();
	buf_clear(&session->input);
	buf_clear(&session->output);
	relay_remote_format(session->remote, target->host, &target->addr);
	session->fd = relay_connect(
	    &target->addr, SOCK_STREAM, io_deadline(TIMEOUT_SMTP_CONNECT));
	if (session->fd >= 0) {
		io_set_nodelay(session->fd);
		return true;
	}
	snprintf(text, sizeof(text), "connect to %s: %s", session->remote,
	    strerror(errno));
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
	const struct client_options options = {
		.hostname = settings->hostname,
		.tls_level = dial->tls_level,
		.is_tls_first = dial->is_tls_first,
		.is_tls_avoided = is_tls_avoided,
		.is_own_address =
		    !dial->is_filter && is_own_address(session->fd),
		.may_auth_in_clear =
		    netaddr_is_loopback(peer) ||
		    network_list_contains(&settings->cleartext_auth, peer),
		.login = dial->login,
		.password = dial->password,
	};

	client_clear(&session->client);
	client_init(&session->client, &options);
	memset(&session->tls, 0, sizeof(session->tls));
}

static bool
session_handshake(struct relay_session *session, const struct relay_dial *dial)
{
	char text[LIMIT_REASON], ip[NETADDR_TEXT_SIZE];
	struct relay_tls_peer peer = { .host = dial->target->host,
		.address = netaddr_format(&dial->target->addr, ip),
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
	client_set_tls(&session->client);
	log_info("%s: %s TLS connection established to %s: %s with cipher %s "
		 "(%u bits)",
	    dial->id, session->tls.is_verified ? "Verified" : "Untrusted",
	    session->remote, session->tls.version, session->tls.cipher,
	    session->tls.bits);
	return true;
}

/* True: ready. *is_tls_bad: it was the handshake that failed. */
static bool
session_try(struct relay_session *session, const struct relay_dial *dial,
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
relay_session_open(struct relay_session *session, const struct relay_dial *dial)
{
	bool is_tls_bad;

	if (session_try(session, dial, false, &is_tls_bad))
		return true;
	/* Opportunistic: mail in clear is better than none. */
	if (!is_tls_bad || dial->is_tls_first ||
	    dial->tls_level == TLS_LEVEL_ENCRYPT)
		return false;
	return session_try(session, dial, true, &is_tls_bad);
}

/* False: the file is shorter than it says, and the connection is cut, as half
 * a message must not end well. When the host takes no more, its reply, if
 * there is one, is read by session_run. */
static bool
session_body(struct relay_session *session, const struct relay_body *body)
{
	char block[BODY_BLOCK / 4];
	uint64_t done = 0, left;
	ssize_t n;

	while (done < body->length) {
		left = body->length - done;
		n = pread(body->fd, block,
		    left < sizeof(block) ? (size_t)left : sizeof(block),
		    (off_t)(body->offset + done));
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0) {
			client_lose(&session->client, "4.3.0",
			    "the queue file cannot be read");
			return false;
		}
		done += (uint64_t)n;
		client_body(&session->client, slice_make(block, (size_t)n),
		    &session->output);
		if (session->output.len >= BODY_BLOCK &&
		    !session_flush(session))
			return true;
	}
	client_body_end(&session->client, &session->output);
	(void)session_flush(session);
	return true;
}

bool
relay_session_send(struct relay_session *session,
    struct client_message *message, const struct relay_body *body)
{
	enum client_effect effect;

	session->messages++;
	client_begin(&session->client, message);
	effect = session_run(session);
	if (effect == CLIENT_BODY) {
		effect = CLIENT_CLOSED;
		if (session_body(session, body))
			effect = session_run(session);
	}
	if (effect == CLIENT_FINISHED) {
		session->client.message = NULL;
		return true;
	}
	session->client.message = NULL;
	relay_session_close(session);
	return false;
}

bool
relay_session_is_usable(const struct relay_session *session)
{
	return session->fd >= 0 &&
	       session->client.state == CLIENT_STATE_READY &&
	       session->input.len == 0 &&
	       session->messages < LIMIT_RELAY_MESSAGES &&
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
}
