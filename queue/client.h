/* SPDX-License-Identifier: ISC */
/*
 * client - the SMTP client as a state machine (RFC 5321 section 3 and 4).
 *
 * Bytes of the server in, bytes to it and an effect out: no socket, no
 * clock, and the same result however the input is split. The driver
 * (relay_session.c) writes out before it acts on the effect. Commands are
 * pipelined, LIMIT_RELAY_PIPELINE at most in flight, when PIPELINING is
 * offered. A message without any 8-bit byte goes to every host; one with
 * such bytes goes only to hosts with 8BITMIME, else it fails with 5.6.3, for
 * it is never sent against the rules and not converted.
 * Each recipient ends with status 'D' done, 'T' try later or 'F' failed.
 *
 * state      on the reply 2xx/3xx         on 4xx/5xx
 * GREETING   EHLO                         closed
 * EHLO       STARTTLS, AUTH or READY      5xx: HELO
 * HELO       as EHLO                      closed
 * STARTTLS   TLS (the driver's work)      in clear, or closed
 * AUTH       READY                        closed
 * ENVELOPE   BODY when DATA got 354       each command by its own reply
 * END        FINISHED                     FINISHED
 * ABORT      FINISHED (354, yet nobody to send to: RFC 2920 section 3.1)
 */
#ifndef QUEUE_CLIENT_H
#define QUEUE_CLIENT_H

#include <stdbool.h>
#include <stdint.h>

#include "common/buf.h"
#include "common/dot.h"
#include "common/settings.h"
#include "common/slice.h"

#include "queue/client_reply.h"

enum client_effect {
	CLIENT_READ,      /* feed more; wait client_timeout seconds for it */
	CLIENT_HANDSHAKE, /* do TLS, then client_set_tls */
	CLIENT_READY,     /* a message may begin */
	CLIENT_BODY,      /* client_body..., client_body_end, then step */
	CLIENT_FINISHED,  /* every recipient has a status */
	CLIENT_CLOSED,    /* over: client->failure; recipients have a status */
};

enum client_state {
	CLIENT_STATE_GREETING,
	CLIENT_STATE_EHLO,
	CLIENT_STATE_HELO,
	CLIENT_STATE_STARTTLS,
	CLIENT_STATE_TLS,
	CLIENT_STATE_AUTH,
	CLIENT_STATE_READY,
	CLIENT_STATE_ENVELOPE,
	CLIENT_STATE_BODY,
	CLIENT_STATE_END,
	CLIENT_STATE_ABORT,
	CLIENT_STATE_CLOSED,
};

enum client_extension {
	CLIENT_PIPELINING = 1 << 0,
	CLIENT_8BITMIME = 1 << 1,
	CLIENT_SIZE = 1 << 2,
	CLIENT_STARTTLS = 1 << 3,
	CLIENT_AUTH_PLAIN = 1 << 4,
	CLIENT_AUTH_LOGIN = 1 << 5,
};

struct client_verdict {
	char status; /* 0 none yet, 'D', 'T', 'F' */
	char code[12];
	char text[LIMIT_REASON];
};

struct client_recipient {
	struct slice address;
	struct client_verdict verdict;
	bool is_accepted; /* RCPT got 2xx in this transaction */
};

struct client_message {
	struct slice sender;
	uint64_t size;
	bool is_8bit;
	size_t recipient_count;
	struct client_recipient *recipients; /* those without status are sent */
};

struct client_options {
	const char *hostname;
	enum tls_level tls_level;
	bool is_tls_first;   /* before the greeting (RFC 8314 section 3.3) */
	bool is_tls_avoided; /* a handshake with this host has failed */
	bool is_own_address; /* the peer's address is ours */
	bool may_auth_in_clear;
	struct slice login, password; /* "" none */
};

struct client {
	struct client_options options;
	enum client_state state;
	struct reply reply;
	unsigned int extensions; /* enum client_extension */
	uint64_t size_limit;
	bool is_tls, is_extended; /* EHLO, not HELO */
	unsigned int auth_step;
	uint64_t reply_count; /* replies so far: a deadline per reply */
	struct client_verdict failure; /* why it was closed */
	/* one transaction */
	struct client_message *message;
	bool has_reset; /* RSET goes before MAIL */
	bool is_used;   /* a transaction was begun before */
	bool is_mail_refused, is_data_accepted;
	bool has_answer; /* a reply other than to RSET came */
	size_t *pending; /* recipients to be sent */
	size_t pending_count, accepted_count;
	size_t sent, answered; /* commands of the envelope */
	struct dot_encoder encoder;
};

void client_init(struct client *client, const struct client_options *options);
void client_clear(struct client *client);
enum client_effect
client_step(struct client *client, struct slice *input, struct buf *out);
void client_set_tls(struct client *client);
/* In state READY. The message must live until FINISHED or CLOSED. */
void client_begin(struct client *client, struct client_message *message);
/* In effect BODY: message bytes in, wire bytes out. */
bool client_body(struct client *client, struct slice bytes, struct buf *out);
bool client_body_end(struct client *client, struct buf *out);
/* The connection is lost (or must be given up): T for all without status. */
void client_lose(struct client *client, const char *code, const char *reason);
unsigned int client_timeout(const struct client *client);
/* "initial greeting", "RCPT TO", ...: what is being waited for. */
const char *client_stage(const struct client *client);

#endif
