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

#include "common/buf.h"
#include "common/settings.h"
#include "common/tls_status.h"

#include "queue/client.h"
#include "queue/relay_connect.h"
#include "queue/route_mx.h"

struct relay_session {
	int fd;                /* -1: not open */
	int64_t opened;        /* io_now() */
	unsigned int messages; /* taken so far */
	bool is_greeted;       /* the host said something: it counts */
	char remote[RELAY_REMOTE_SIZE];
	struct client client;
	struct tls_status tls;
	struct buf input, output;
};

struct relay_dial {
	const struct settings *settings;
	const struct route_target *target;
	int tls_helper;
	enum tls_level tls_level;
	bool is_tls_first; /* a next hop on port 465 */
	bool is_filter;    /* a next hop on a port of its own: it may be us */
	struct slice login, password; /* must outlive the session */
	const char *id;               /* of the job, for the log */
};

/* Where the message is in the spool file. */
struct relay_body {
	int fd;
	uint64_t offset, length;
};

void relay_session_init(struct relay_session *session);
/* Connect and go as far as a message may begin. False: the session is closed
 * and session->client.failure says why. */
bool relay_session_open(
    struct relay_session *session, const struct relay_dial *dial);
/* True: done, and the session takes a next message. Every recipient of the
 * message has a status in any case. */
bool relay_session_send(struct relay_session *session,
    struct client_message *message, const struct relay_body *body);
/* Open, quiet, and not worn out. */
bool relay_session_is_usable(const struct relay_session *session);
/* QUIT, whose reply is not waited for. */
void relay_session_close(struct relay_session *session);
/* Close, and release what it holds. */
void relay_session_free(struct relay_session *session);

#endif
