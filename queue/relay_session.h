/* SPDX-License-Identifier: ISC */
/*
 * relay_session - one connection to a mail host: the I/O around client.c.
 *
 * Every wait has a deadline of its own per reply and per block of data
 * (RFC 5321 section 4.5.3.2), so a host cannot renew one byte by byte. With
 * TLS, fd is the plaintext end of the tls process.
 */
#ifndef QUEUE_RELAY_SESSION_H
#define QUEUE_RELAY_SESSION_H

#include <stdbool.h>
#include <sys/types.h>

#include "common/buf.h"
#include "common/scram.h"
#include "common/settings.h"
#include "common/tls_status.h"

#include "queue/client.h"
#include "queue/convert.h"
#include "queue/relay_connect.h"
#include "queue/route_mx.h"

struct relay_session {
	int fd;                /* -1: not open */
	int64_t opened;        /* io_now() */
	unsigned int messages; /* taken so far */
	bool is_connected;
	bool is_greeted; /* the host said something: it counts */
	char remote[RELAY_REMOTE_SIZE];
	struct client client;
	char nonce[SCRAM_NONCE_SIZE + 1];
	struct tls_status tls;
	enum tls_level tls_level; /* that was asked for */
	struct buf input, output;
	struct buf converted; /* of the message being sent */
};

struct relay_dial {
	const struct settings *settings;
	struct relay_way way;
	const struct route_target *target; /* which of them it became */
	int tls_helper, outside;
	enum tls_level policy;    /* for the log */
	enum tls_level tls_level; /* none, may, encrypt, verify */
	const char *tlsa;         /* dane.h; "" none */
	char domain[DNS_NAME_SIZE]; /* whose MX target is; "" none */
	bool is_tls_first;        /* a next hop on port 465 */
	bool is_filter; /* a next hop on a port of its own: it may be us */
	bool is_lmtp, is_token;       /* client.h */
	bool requires_tls;            /* RFC 8689 */
	struct slice login, password; /* must outlive the session */
	const char *id;               /* of the job, for the log */
};

/* Where the message is in the spool file, and how it goes. */
struct relay_body {
	int fd;
	uint64_t offset, length;
	const struct convert_plan *plan; /* NULL: as it is */
	enum convert_target target;
};

/* Up to size bytes from at on; 0 or less: they cannot be read. */
ssize_t relay_body_read(
    const struct relay_body *body, uint64_t at, char *block, size_t size);

void relay_session_init(struct relay_session *session);
/* Connect and go as far as a message may begin. False: the session is closed
 * and session->client.failure says why. */
bool relay_session_open(struct relay_session *session, struct relay_dial *dial);
/* True: done, and the session takes a next message. Every recipient of the
 * message has a status in any case. */
bool relay_session_send(struct relay_session *session,
    struct client_message *message, const struct relay_body *body);
/* It cannot even be tried: closed, T for this reason. */
void relay_session_fail(struct relay_session *session, struct relay_dial *dial,
    const char *code, const char *reason);
/* One more message, for us and by its LIMITS (RFC 9422). */
bool relay_session_may_send(const struct relay_session *session);
/* Open, quiet, and not worn out. */
bool relay_session_is_usable(const struct relay_session *session);
/* QUIT, whose reply is not waited for. */
void relay_session_close(struct relay_session *session);
/* Close, and release what it holds. */
void relay_session_free(struct relay_session *session);

/* "may/Untrusted TLSv1.3", "encrypt/handshake failed", "may/clear": what was
 * asked for and what came of it. "": nobody has answered. */
void relay_session_tls_text(
    const struct relay_session *session, char *text, size_t size);

#endif
