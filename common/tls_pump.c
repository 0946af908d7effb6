/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "common/tls_pump.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>

#include <openssl/err.h>

#include "common/alloc.h"
#include "common/io.h"
#include "common/tls_context.h"

/* One direction. has_ended: its source gave its end; is_passed: the other
 * side was told so. */
struct flow {
	char *bytes;
	size_t start, len;
	bool has_ended, is_passed;
};

struct pump {
	SSL *ssl;
	int network, plaintext;
	struct flow in;                     /* network to plaintext */
	struct flow out;                    /* plaintext to network */
	short want_network, want_plaintext; /* poll events of this round */
	bool is_broken; /* nothing more goes over the network */
	bool is_moving; /* this round did something */
};

bool
tls_handshake(SSL *ssl, int network, int64_t deadline, struct why *why)
{
	enum io_status status = IO_OK;
	char reason[128];
	int n;

	io_set_nonblocking(network, true);
	while (status == IO_OK && (n = SSL_do_handshake(ssl)) != 1) {
		switch (SSL_get_error(ssl, n)) {
		case SSL_ERROR_WANT_READ:
			status = io_wait_readable(network, deadline);
			break;
		case SSL_ERROR_WANT_WRITE:
			status = io_wait_writable(network, deadline);
			break;
		default:
			return why_set(
			    why, "%s", tls_reason(reason, sizeof(reason)));
		}
	}
	return status == IO_OK || why_set(why, "%s", io_status_text(status));
}

/* What an SSL call that did not finish waits for. */
static void
pump_want(struct pump *pump, int result)
{
	switch (SSL_get_error(pump->ssl, result)) {
	case SSL_ERROR_WANT_READ:
		pump->want_network |= POLLIN;
		return;
	case SSL_ERROR_WANT_WRITE:
		pump->want_network |= POLLOUT;
		return;
	case SSL_ERROR_ZERO_RETURN:
		pump->in.has_ended = true;
		break;
	default:
		pump->in.has_ended = true;
		pump->is_broken = true;
		break;
	}
	ERR_clear_error();
	pump->is_moving = true;
}

static void
pump_read_network(struct pump *pump)
{
	int n;

	if (pump->in.len > 0 || pump->in.has_ended)
		return;
	n = SSL_read(pump->ssl, pump->in.bytes, TLS_PUMP_BUFFER);
	if (n <= 0) {
		pump_want(pump, n);
		return;
	}
	pump->in.start = 0;
	pump->in.len = (size_t)n;
	pump->is_moving = true;
}

static void
flow_took(struct pump *pump, struct flow *flow, size_t n)
{
	flow->start += n;
	flow->len -= n;
	pump->is_moving = true;
}

static void
pump_write_plaintext(struct pump *pump)
{
	struct flow *in = &pump->in;
	ssize_t n;

	if (in->len == 0) {
		if (in->has_ended && !in->is_passed) {
			shutdown(pump->plaintext, SHUT_WR);
			in->is_passed = true;
		}
		return;
	}
	n = send(pump->plaintext, in->bytes + in->start, in->len,
	    MSG_DONTWAIT | MSG_NOSIGNAL);
	if (n >= 0)
		flow_took(pump, in, (size_t)n);
	else if (errno == EAGAIN)
		pump->want_plaintext |= POLLOUT;
	else if (errno != EINTR)
		flow_took(pump, in, in->len);
}

static void
pump_read_plaintext(struct pump *pump)
{
	struct flow *out = &pump->out;
	ssize_t n;

	if (out->len > 0 || out->has_ended)
		return;
	n = recv(pump->plaintext, out->bytes, TLS_PUMP_BUFFER, MSG_DONTWAIT);
	if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
		pump->want_plaintext |= POLLIN;
		return;
	}
	out->has_ended = n <= 0;
	out->start = 0;
	out->len = n <= 0 ? 0 : (size_t)n;
	pump->is_moving = true;
}

static void
pump_write_network(struct pump *pump)
{
	struct flow *out = &pump->out;
	int n;

	if (pump->is_broken)
		out->len = 0;
	if (out->len == 0) {
		if (!out->has_ended || out->is_passed)
			return;
		out->is_passed = true;
		pump->is_moving = true;
		if (!pump->is_broken && SSL_shutdown(pump->ssl) >= 0)
			shutdown(pump->network, SHUT_WR);
		ERR_clear_error();
		return;
	}
	n = SSL_write(pump->ssl, out->bytes + out->start, (int)out->len);
	if (n <= 0)
		pump_want(pump, n);
	else
		flow_took(pump, out, (size_t)n);
}

/* False when there is nothing more to wait for. */
static bool
pump_wait(struct pump *pump, int64_t deadline)
{
	struct pollfd pollers[2] = {
		{ .fd = pump->network, .events = pump->want_network },
		{ .fd = pump->plaintext, .events = pump->want_plaintext },
	};
	int64_t left = deadline - io_now();
	int n;

	/* An end that was seen would make poll return at once for ever. */
	if (pump->in.has_ended && pump->want_network == 0)
		pollers[0].fd = -1;
	if (pump->out.has_ended && pump->in.is_passed)
		pollers[1].fd = -1;
	if (deadline == IO_FOREVER)
		left = -1;
	else if (left <= 0)
		return false;
	n = poll(pollers, 2, (int)left);
	if (n < 0)
		return errno == EINTR;
	/* The session is gone: nobody will read what still comes in. */
	if (pump->out.is_passed && (pollers[1].revents & POLLHUP) != 0)
		pump->in.has_ended = pump->in.is_passed = true;
	return n > 0;
}

static bool
pump_is_done(const struct pump *pump)
{
	return pump->in.has_ended && pump->in.len == 0 &&
	       (pump->is_broken ||
		   (pump->out.has_ended && pump->out.is_passed));
}

static bool
pump_round(struct pump *pump)
{
	pump->want_network = pump->want_plaintext = 0;
	pump->is_moving = false;
	pump_read_network(pump);
	pump_write_plaintext(pump);
	pump_read_plaintext(pump);
	pump_write_network(pump);
	return pump->is_moving;
}

void
tls_pump_run(SSL *ssl, int network, int plaintext)
{
	struct pump pump = {
		.ssl = ssl, .network = network, .plaintext = plaintext
	};
	int64_t deadline = IO_FOREVER;

	pump.in.bytes = alloc_zero(1, TLS_PUMP_BUFFER);
	pump.out.bytes = alloc_zero(1, TLS_PUMP_BUFFER);
	io_set_nonblocking(network, true);
	while (!pump_is_done(&pump)) {
		if (pump_round(&pump))
			continue;
		if (pump.out.has_ended && deadline == IO_FOREVER)
			deadline = io_deadline(TLS_PUMP_LINGER);
		if (!pump_wait(&pump, deadline))
			break;
	}
	shutdown(plaintext, SHUT_RDWR);
	alloc_release(pump.in.bytes);
	alloc_release(pump.out.bytes);
}
