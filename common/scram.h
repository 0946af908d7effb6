/* SPDX-License-Identifier: ISC */
/*
 * scram - the server of SCRAM-SHA-256 and SCRAM-SHA-256-PLUS (RFC 5802,
 * RFC 7677). No I/O.
 *
 * Keys are what the server keeps of a password: "{SCRAM-SHA-256}" and then
 * iterations "$" salt ":" StoredKey ":" ServerKey, as Dovecot and PostgreSQL
 * write them. A password can be checked against them as well (PLAIN, LOGIN).
 * Several keys of one user take part in one exchange when they have the same
 * salt and iterations: the server sends these before it knows which password
 * the client has.
 *
 * An exchange is scram_client_first, scram_server_first, scram_client_final;
 * the caller carries the messages. Passwords are taken as bytes: SASLprep
 * (RFC 4013) is the client's.
 */
#ifndef COMMON_SCRAM_H
#define COMMON_SCRAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/buf.h"
#include "common/limits.h"
#include "common/result.h"
#include "common/sha256.h"
#include "common/slice.h"

#define SCRAM_SALT_SIZE  16 /* of new keys */
#define SCRAM_SALT_MAX   64
#define SCRAM_KEYS_SIZE  256 /* of their text, with its NUL */
#define SCRAM_NONCE_SIZE 32

struct scram_salt {
	uint32_t iterations;
	size_t len;
	uint8_t bytes[SCRAM_SALT_MAX];
};

struct scram_keys {
	struct scram_salt salt;
	uint8_t stored[SHA256_SIZE];
	uint8_t server[SHA256_SIZE];
};

bool scram_is_keys(struct slice hash);
bool scram_keys_parse(struct slice hash, struct scram_keys *out);
bool scram_keys_format(const struct scram_keys *keys,
    char text[SCRAM_KEYS_SIZE]);
/* From a password and the salt in keys. */
void scram_keys_make(struct slice password, struct scram_keys *keys);
/* Fresh, with LIMIT_SCRAM_ITERATIONS. False: no random bytes. */
bool scram_salt_make(struct scram_salt *salt);
bool scram_salt_equal(const struct scram_salt *a, const struct scram_salt *b);
bool scram_password_matches(struct slice password,
    const struct scram_keys *keys);

/* What the TLS process says about its connection; lengths of 0: nothing. */
struct scram_binding {
	struct slice exporter;  /* tls-exporter, RFC 9266 */
	struct slice end_point; /* tls-server-end-point, RFC 5929 */
};

struct scram {
	/* set by the caller before scram_client_first */
	bool is_plus;     /* the mechanism has the suffix */
	bool offers_plus; /* it was offered to this client */
	struct scram_binding binding;
	char nonce[SCRAM_NONCE_SIZE + 1]; /* the server's part, printable */
	/* of the exchange */
	struct buf user;           /* after scram_client_first */
	struct buf header;         /* gs2-header, as sent */
	struct buf client_first;   /* client-first-message-bare */
	struct buf server_first;
	struct slice bound;        /* what client-final must have of it */
	struct buf message;        /* AuthMessage, after scram_client_final */
	uint8_t proof[SHA256_SIZE];
};

void scram_begin(struct scram *scram);
void scram_end(struct scram *scram);
/* False: malformed, or what the client says about channel binding is not
 * acceptable; why tells. */
bool scram_client_first(struct scram *scram, struct slice message,
    struct why *why);
/* The challenge; valid until scram_end. */
struct slice scram_server_first(struct scram *scram,
    const struct scram_salt *salt);
/* Take client-final; false: malformed, another nonce, or another channel
 * (why tells). Then scram_proves asks whether its proof is that of keys, and
 * if so server_final gets the server's own proof. */
bool scram_client_final(struct scram *scram, struct slice message,
    struct why *why);
bool scram_proves(struct scram *scram, const struct scram_keys *keys,
    struct buf *server_final);

#endif
