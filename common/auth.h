/* SPDX-License-Identifier: ISC */
/*
 * auth - how a session, the auth process and the front speak about a login.
 *
 * The session asks the front for auth (CONTROL_AUTH) and writes on
 * SESSION_AUTH either a whole credential (PLAIN and LOGIN, which it parses
 * itself) or the name of a mechanism and the client's first response; then
 * auth is the SASL server: its challenges come back on SESSION_AUTH, and the
 * session carries them and the responses without looking at them. At the end
 * auth says AUTH_END_MESSAGE there, and its verdict to the front alone, which
 * tells the session yes, no or later (control.h).
 *
 * What auth knows about the connection it has from the front (AUTH_FACTS):
 * a session can say neither which service it is nor what the channel is.
 */
#ifndef COMMON_AUTH_H
#define COMMON_AUTH_H

#include <stdbool.h>
#include <stdint.h>

#include "common/app_passwords.h"
#include "common/buf.h"
#include "common/netaddr.h"
#include "common/slice.h"
#include "common/tls_status.h"
#include "common/users.h"

#define AUTH_VERDICT_MAGIC 0x4d504155u
#define AUTH_FACTS_MAGIC   0x4d504146u
#define AUTH_DELAY_MAX     8

enum auth_message_type {
	/* from the session */
	AUTH_CREDENTIAL_MESSAGE = 1, /* mechanism, user, password */
	AUTH_BEGIN_MESSAGE = 2,      /* mechanism, first response */
	AUTH_RESPONSE_MESSAGE = 3,
	AUTH_CANCEL_MESSAGE = 4,     /* nothing: the client gives up */
	/* from auth */
	AUTH_CHALLENGE_MESSAGE = 65,
	AUTH_END_MESSAGE = 66,       /* u8: 1 when a response was malformed */
};

enum auth_answer { AUTH_ANSWER_NO, AUTH_ANSWER_YES, AUTH_ANSWER_LATER };

struct auth_verdict {
	uint32_t magic;
	uint32_t answer; /* enum auth_answer */
	uint32_t delay;  /* seconds before the session may hear it */
	struct user user; /* when yes */
};

/* Bits: what may be offered on a connection. */
enum auth_mechanism {
	AUTH_PLAIN = 1 << 0,
	AUTH_LOGIN = 1 << 1,
	AUTH_SCRAM = 1 << 2,
	AUTH_SCRAM_PLUS = 1 << 3,
	AUTH_EXTERNAL = 1 << 4,
	AUTH_OAUTHBEARER = 1 << 5,
	AUTH_XOAUTH2 = 1 << 6,
};

/* From the front, written whole to AUTH_FACTS. */
struct auth_facts {
	uint32_t magic;
	uint32_t service;    /* enum auth_service */
	uint32_t mechanisms; /* those offered */
	uint32_t is_tls;
	struct netaddr peer;
	char id[16];
	struct tls_status tls; /* when is_tls */
};

/* Check a password against a hash: of crypt(3), {PLAIN}text or scram.h's
 * keys, in constant time for a given hash. */
bool password_matches(const char *password, const char *hash);
/* Does crypt(3) know the method of this hash? */
bool password_can_check(const char *hash);
/* A new hash. PASSWORD_CRYPT: yescrypt where crypt(3) can check it, else
 * "$6$". */
enum password_scheme { PASSWORD_SCRAM, PASSWORD_CRYPT };
bool password_hash(const char *password, enum password_scheme scheme,
    char *hash, size_t size);

/*
 * The session's side, no I/O: PLAIN (RFC 4616) and LOGIN are taken apart
 * here, of all others responses are only carried. sasl_step takes one decoded
 * client response; SASL_CONTINUE gives a challenge (raw, to be encoded) in
 * *challenge; SASL_DONE: auth is to be asked (auth_ask); SASL_BAD is a
 * protocol error.
 */
enum sasl_status { SASL_CONTINUE, SASL_DONE, SASL_BAD };
struct sasl {
	int mechanism; /* row; -1 none */
	int step;
	struct buf user, password;      /* PLAIN, LOGIN */
	struct buf response, challenge; /* of others */
	bool is_running; /* auth waits for the next response */
	bool is_cancelled;
};
/* False: mechanism unknown, or not one of offered (bits). Names compare
 * without case. */
bool sasl_begin(struct sasl *sasl, struct slice mechanism,
    unsigned int offered);
/* has_response false at the start without initial response. */
enum sasl_status sasl_step(struct sasl *sasl, bool has_response,
    struct slice response, struct slice *challenge);
/* The client gave up, or what it sent is no response. True: auth must be
 * told, by auth_ask. */
bool sasl_cancel(struct sasl *sasl);
void sasl_end(struct sasl *sasl); /* wipes */
const char *sasl_name(const struct sasl *sasl);
/* The offered mechanisms' names, each after prefix: " PLAIN LOGIN". */
void sasl_list(unsigned int offered, const char *prefix, struct buf *out);
/* A bit per name that is known ("scram-sha-256"); 0 for others. */
unsigned int sasl_mechanism_bit(struct slice name);

/* Session side, with I/O on the descriptors of front.h: ask auth, and wait
 * for its challenge (in sasl->challenge) or for what the front says. */
enum auth_result {
	AUTH_RESULT_CHALLENGE,
	AUTH_RESULT_YES,
	AUTH_RESULT_NO,
	AUTH_RESULT_LATER,
	AUTH_RESULT_BAD, /* malformed or cancelled; counts as no */
};
enum auth_result auth_ask(struct sasl *sasl);

#endif
