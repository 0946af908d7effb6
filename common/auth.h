/* SPDX-License-Identifier: ISC */
/*
 * auth - one credential in, one verdict out.
 *
 * The session writes a struct message of type AUTH_CREDENTIAL_MESSAGE (user,
 * password, service) to the auth process; auth answers the front with one
 * fixed struct auth_verdict and ends. The session hears only yes, no or
 * later. Unknown users cost the same hash as known ones.
 */
#ifndef COMMON_AUTH_H
#define COMMON_AUTH_H

#include <stdbool.h>
#include <stdint.h>

#include "common/buf.h"
#include "common/slice.h"
#include "common/users.h"

#define AUTH_VERDICT_MAGIC 0x4d504155u

enum auth_message_type { AUTH_CREDENTIAL_MESSAGE = 1 };

enum auth_answer { AUTH_ANSWER_NO, AUTH_ANSWER_YES, AUTH_ANSWER_LATER };

struct auth_verdict {
	uint32_t magic;
	uint32_t answer; /* enum auth_answer */
	struct user user; /* when yes */
};

/* Session side: send one credential. False when the pipe is broken. */
bool auth_send(int fd, struct slice user, struct slice password,
    const char *service);

/* Check a password against a crypt(3) hash, or {PLAIN}text, in constant
 * time for a given hash. */
bool password_matches(const char *password, const char *hash);
/* Does crypt(3) know the method of this hash? */
bool password_can_check(const char *hash);
/* A new hash: yescrypt where crypt(3) can check it, else "$6$". */
bool password_hash(const char *password, char *hash, size_t size);

/*
 * SASL server steps, no I/O (RFC 4616 PLAIN, and LOGIN). sasl_step takes one
 * decoded client response; SASL_CONTINUE gives a challenge (raw, to be
 * encoded) in *challenge; SASL_DONE leaves user and password; SASL_BAD is a
 * protocol error.
 */
enum sasl_status { SASL_CONTINUE, SASL_DONE, SASL_BAD };
struct sasl {
	int mechanism;
	int step;
	struct buf user;
	struct buf password;
};
/* False: mechanism unknown. Names compare without case. */
bool sasl_begin(struct sasl *sasl, struct slice mechanism);
/* has_response false at the start without initial response. */
enum sasl_status sasl_step(struct sasl *sasl, bool has_response,
    struct slice response, struct slice *challenge);
void sasl_end(struct sasl *sasl); /* wipes */

#endif
