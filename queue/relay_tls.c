/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "queue/relay_tls.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/dns/dns_message.h"
#include "common/io.h"
#include "common/jail.h"
#include "common/limits.h"
#include "common/log.h"
#include "common/netaddr.h"
#include "common/pipemsg.h"
#include "common/program.h"

#include "queue/dane.h"

enum helper_message {
	HELPER_CONNECT =
	    1, /* slices host, domain, address, id, tlsa; socket attached */
	HELPER_RESULT = 2, /* slice struct tls_status; plaintext attached */
};

/* Descriptors of one tls process; the helper's ends are theirs first. */
struct handshake {
	int network;
	int plaintext[2]; /* ours, tls's */
	int status[2];    /* read, write */
	char host[DNS_NAME_SIZE], domain[DNS_NAME_SIZE];
	char address[NETADDR_TEXT_SIZE], id[16];
	char tlsa[DANE_RECORDS_SIZE];
};

static void
close_all(struct handshake *h)
{
	const int fds[] = { h->network, h->plaintext[0], h->plaintext[1],
		h->status[0], h->status[1] };

	for (size_t i = 0; i < sizeof(fds) / sizeof(fds[0]); i++)
		if (fds[i] >= 0)
			close(fds[i]);
}

static bool
handshake_start(
    const struct settings *settings, struct handshake *h, struct why *why)
{
	struct program_start start = { .name = "tls",
		.arguments = { "-i", h->id, "-a", h->address, "-o", h->host,
		    "-n", h->domain, "-d", h->tlsa },
		.descriptors = { -1, -1, STDERR_FILENO, -1, -1 },
		.descriptor_count = TLS_STATUS + 1 };

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, h->plaintext) <
		0 ||
	    socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, h->status) < 0)
		return why_errno(why, "socketpair");
	start.descriptors[TLS_NETWORK] = h->network;
	start.descriptors[1] = h->network;
	start.descriptors[TLS_PLAINTEXT] = h->plaintext[1];
	start.descriptors[TLS_STATUS] = h->status[1];
	if (program_spawn(settings, &start, why) < 0)
		return false;
	/* An end of tls must be seen as the end of its descriptors. */
	close(h->plaintext[1]);
	close(h->status[1]);
	h->plaintext[1] = h->status[1] = -1;
	return true;
}

static void
handshake_run(const struct settings *settings, struct handshake *h,
    struct tls_status *status)
{
	struct why why = { 0 };
	enum io_status io = IO_ERROR;

	if (!handshake_start(settings, h, &why)) {
		snprintf(
		    status->text, sizeof(status->text), "%.150s", why.text);
		return;
	}
	io = io_read_all(h->status[0], status, sizeof(*status),
	    io_deadline(TIMEOUT_TLS_HANDSHAKE));
	if (io == IO_OK && status->magic == TLS_STATUS_MAGIC) {
		status->text[sizeof(status->text) - 1] = '\0';
		return;
	}
	memset(status, 0, sizeof(*status));
	snprintf(status->text, sizeof(status->text), "no word from tls: %s",
	    io_status_text(io));
}

static bool
request_parse(struct message *message, struct handshake *h)
{
	return message->type == HELPER_CONNECT &&
	       message_get_array(message, h->host, sizeof(h->host)) &&
	       message_get_array(message, h->domain, sizeof(h->domain)) &&
	       message_get_array(message, h->address, sizeof(h->address)) &&
	       message_get_array(message, h->id, sizeof(h->id)) &&
	       message_get_array(message, h->tlsa, sizeof(h->tlsa)) &&
	       message_end(message);
}

/* One request; false when relay is gone. */
static bool
helper_serve(const struct settings *settings, struct message *message)
{
	struct handshake h = {
		.network = -1, .plaintext = { -1, -1 }, .status = { -1, -1 }
	};
	struct tls_status status = { 0 };
	enum io_status io;

	io = message_receive_fd(message, STDIN_FILENO, &h.network, IO_FOREVER);
	if (io != IO_OK || h.network < 0 || !request_parse(message, &h)) {
		close_all(&h);
		return false;
	}
	handshake_run(settings, &h, &status);
	message_begin(message, HELPER_RESULT);
	message_put_slice(message, slice_make(&status, sizeof(status)));
	if (status.is_ok)
		io = message_send_fd(message, STDIN_FILENO, h.plaintext[0],
		    io_deadline(TIMEOUT_PIPE));
	else
		io = message_send(
		    message, STDIN_FILENO, io_deadline(TIMEOUT_PIPE));
	close_all(&h);
	return io == IO_OK;
}

static _Noreturn void
helper_run(const void *context, int fd)
{
	const struct settings *settings = context;
	const struct jail_request request = { .keep_count = 3 };
	const struct sigaction ignore = { .sa_handler = SIG_IGN };
	struct message message;
	struct why why = { 0 };

	sigaction(SIGCHLD, &ignore, NULL);
	log_move(STDERR_FILENO);
	if (dup2(fd, STDIN_FILENO) < 0 ||
	    !jail_enter(jail_find("relay-spawn"), settings, &request, &why)) {
		log_error("tls helper: %s", why.text);
		_exit(1);
	}
	message_init(&message);
	while (helper_serve(settings, &message))
		continue;
	_exit(0);
}

int
relay_tls_start(const struct settings *settings, struct why *why)
{
	return program_fork_helper(helper_run, settings, NULL, why);
}

int
relay_tls_connect(int helper, int network, const struct relay_tls_peer *peer,
    struct tls_status *status)
{
	int64_t deadline = io_deadline(TIMEOUT_TLS_HANDSHAKE + 5);
	struct message message;
	struct slice bytes;
	enum io_status io;
	int plaintext = -1;

	memset(status, 0, sizeof(*status));
	message_init(&message);
	message_begin(&message, HELPER_CONNECT);
	message_put_string(&message, peer->host);
	message_put_string(&message, peer->domain);
	message_put_string(&message, peer->address);
	message_put_string(&message, peer->id);
	message_put_string(&message, peer->tlsa);
	io = message_send_fd(&message, helper, network, deadline);
	if (io == IO_OK)
		io = message_receive_fd(&message, helper, &plaintext, deadline);
	if (io == IO_OK && message_get_slice(&message, &bytes) &&
	    bytes.len == sizeof(*status) && message_end(&message))
		memcpy(status, bytes.ptr, sizeof(*status));
	else
		snprintf(status->text, sizeof(status->text),
		    "no word from the tls helper: %s", io_status_text(io));
	message_free(&message);
	if (status->is_ok || plaintext < 0)
		return plaintext;
	close(plaintext);
	return -1;
}
