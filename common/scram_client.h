/* SPDX-License-Identifier: ISC */
/*
 * scram_client - the client of SCRAM-SHA-256 (RFC 5802, RFC 7677). No I/O.
 *
 * scram_client_begin, then what the server says through scram_client_answer
 * and scram_client_verify. The server has not shown anything yet when it
 * names an iteration count: fewer than 4096 (RFC 7677 section 4) would sell
 * the password cheaply, more than LIMIT_SCRAM_CLIENT_ITERATIONS our time.
 * There is no channel binding ("n"), and passwords are bytes, as in scram.h.
 */
#ifndef COMMON_SCRAM_CLIENT_H
#define COMMON_SCRAM_CLIENT_H

#include <stdbool.h>

#include "common/buf.h"
#include "common/limits.h"
#include "common/result.h"
#include "common/sha256.h"
#include "common/slice.h"

struct scram_client {
	struct buf first; /* client-first-message-bare */
	struct slice nonce;
	uint8_t signature[SHA256_SIZE]; /* that the server must show */
	bool has_answered;
};

/* nonce: printable, without commas; must outlive the exchange. out gets
 * client-first. False: the user cannot be said. */
bool scram_client_begin(struct scram_client *scram, struct slice user,
    struct slice nonce, struct buf *out);
void scram_client_end(struct scram_client *scram);
/* From server-first to client-final. */
bool scram_client_answer(struct scram_client *scram, struct slice challenge,
    struct slice password, struct buf *out, struct why *why);
/* server-final: does the server know the password, too? */
bool scram_client_verify(struct scram_client *scram, struct slice message);

#endif
