/* SPDX-License-Identifier: ISC */
/*
 * client - the SMTP client as a state machine (RFC 5321 section 3 and 4).
 *
 * Bytes of the server in, bytes to it and an effect out: no socket, no
 * clock, and the same result however the input is split. The driver
 * (relay_session.c) writes out before it acts on the effect. Commands are
 * pipelined, LIMIT_RELAY_PIPELINE at most in flight, when PIPELINING is
 * offered. What MAIL and RCPT asked for is passed on where the host offers
 * it (client_parameter.c); what the host must have and has not fails here:
 * 8BITMIME 5.6.3, SMTPUTF8 5.6.7, REQUIRETLS 5.7.30, BY=...;R 5.3.3. To
 * convert a message first is the driver's work (convert.h). With CHUNKING
 * the body goes in chunks (BDAT, RFC 3030), of which LIMIT_RELAY_CHUNKS may
 * be unanswered, else after DATA; all line ends become CRLF, but in BINARY.
 * At most LIMIT_RELAY_RECIPIENTS and what LIMITS says (RFC 9422) are sent in
 * one transaction. LMTP (RFC 2033) says LHLO, uses DATA alone and hears a
 * reply per recipient at the end.
 * Each recipient ends with status 'D' done, 'T' try later or 'F' failed.
 *
 * state      on the reply 2xx/3xx         on 4xx/5xx
 * GREETING   EHLO                         closed
 * EHLO       STARTTLS, AUTH or READY      5xx: HELO
 * HELO       as EHLO                      closed
 * STARTTLS   TLS (the driver's work)      in clear, or closed
 * AUTH       READY                        closed
 * ENVELOPE   BODY when DATA got 354       each command by its own reply
 * BODY       (a chunk) the next one       END, nothing more is sent
 * END        FINISHED                     FINISHED
 * ABORT      FINISHED (354, yet nobody to send to: RFC 2920 section 3.1)
 */
#ifndef QUEUE_CLIENT_H
#define QUEUE_CLIENT_H

#include <stdbool.h>
#include <stdint.h>

#include "common/buf.h"
#include "common/dot.h"
#include "common/scram_client.h"
#include "common/slice.h"

#include "queue/client_message.h"
#include "queue/client_options.h"
#include "queue/client_reply.h"

enum client_effect {
	CLIENT_READ,      /* feed more; wait client_timeout seconds for it */
	CLIENT_HANDSHAKE, /* do TLS, then client_set_tls */
	CLIENT_READY,     /* a message may begin */
	CLIENT_BODY,      /* client_body..., client_body_end, then step */
	CLIENT_FINISHED,  /* every recipient has a status, but for those past
			   * the limits of one transaction: begin again */
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

struct client {
	struct client_options options;
	enum client_state state;
	struct reply reply;
	unsigned int extensions; /* enum client_extension */
	uint64_t size_limit;
	struct client_limits limits;
	bool is_tls, is_verified, is_extended; /* EHLO, not HELO */
	unsigned int auth_step;                /* challenges answered */
	struct scram_client scram;
	bool is_host_proved;  /* SCRAM: it knows the password, too */
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
	size_t ends;                /* LMTP: replies to the end of data */
	size_t sent, answered;      /* commands of the envelope */
	struct dot_encoder encoder; /* DATA */
	bool uses_utf8;
	bool uses_chunks;
	struct buf chunk; /* not yet sent */
	size_t chunks_sent, chunks_answered;
	bool is_after_cr, is_in_line;
};

void client_init(struct client *client, const struct client_options *options);
void client_clear(struct client *client);
enum client_effect
client_step(struct client *client, struct slice *input, struct buf *out);
/* is_verified: chain and name of the host's certificate were right. */
void client_set_tls(struct client *client, bool is_verified);
/* In state READY. The message must live until FINISHED or CLOSED. */
void client_begin(struct client *client, struct client_message *message);
/* In effect BODY: message bytes in, wire bytes out. */
bool client_body(struct client *client, struct slice bytes, struct buf *out);
bool client_body_end(struct client *client, struct buf *out);
/* As many chunks as may be are unanswered: read before more is sent. */
bool client_must_wait(const struct client *client);
/* Is the host able to take the SMTPUTF8 message at all? */
bool client_offers_utf8(const struct client *client);
/* The connection is lost (or must be given up): T for all without status. */
void client_lose(struct client *client, const char *code, const char *reason);
unsigned int client_timeout(const struct client *client);
/* "initial greeting", "RCPT TO", ...: what is being waited for. */
const char *client_stage(const struct client *client);

#endif
