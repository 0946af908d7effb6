/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "common/scram_client.h"

#include <string.h>

#include "common/base64.h"

#define SALT_MAX 1024

/* What server-first says. */
struct challenge {
	struct slice nonce, salt;
	uint64_t iterations;
};

/* RFC 5802 section 5.1: "," and "=" of a name. */
static void
add_name(struct slice name, struct buf *out)
{
	for (size_t i = 0; i < name.len; i++)
		if (name.ptr[i] == ',')
			buf_add(out, S("=2C"));
		else if (name.ptr[i] == '=')
			buf_add(out, S("=3D"));
		else
			buf_add_char(out, name.ptr[i]);
}

bool
scram_client_begin(struct scram_client *scram, struct slice user,
    struct slice nonce, struct buf *out)
{
	memset(scram, 0, sizeof(*scram));
	buf_init(&scram->first, LIMIT_SCRAM_MESSAGE);
	scram->nonce = nonce;
	buf_add(&scram->first, S("n="));
	add_name(user, &scram->first);
	buf_add(&scram->first, S(",r="));
	buf_add(&scram->first, nonce);
	buf_add(out, S("n,,"));
	buf_add(out, buf_slice(&scram->first));
	return user.len > 0 && !scram->first.failed && !out->failed;
}

void
scram_client_end(struct scram_client *scram)
{
	buf_free(&scram->first);
	explicit_bzero(scram, sizeof(*scram));
}

static bool
take_field(struct slice *text, char name, struct slice *value)
{
	struct slice field;

	slice_cut(*text, ',', &field, text);
	if (field.len < 3 || field.ptr[0] != name || field.ptr[1] != '=')
		return false;
	*value = slice_from(field, 2);
	return true;
}

static bool
parse_challenge(struct slice text, struct challenge *out)
{
	struct slice number;

	return take_field(&text, 'r', &out->nonce) &&
	       take_field(&text, 's', &out->salt) &&
	       take_field(&text, 'i', &number) &&
	       slice_u64(number, UINT32_MAX, &out->iterations);
}

static bool
check_challenge(const struct scram_client *scram,
    const struct challenge *challenge, struct why *why)
{
	if (!slice_starts(challenge->nonce, scram->nonce) ||
	    challenge->nonce.len == scram->nonce.len)
		return why_set(why, "SCRAM: the host answers somebody else");
	if (challenge->iterations < LIMIT_SCRAM_CLIENT_MINIMUM)
		return why_set(why,
		    "SCRAM: the host wants fewer than %d iterations",
		    LIMIT_SCRAM_CLIENT_MINIMUM);
	if (challenge->iterations > LIMIT_SCRAM_CLIENT_ITERATIONS)
		return why_set(why,
		    "SCRAM: the host wants more than %d iterations",
		    LIMIT_SCRAM_CLIENT_ITERATIONS);
	return true;
}

/* RFC 5802 section 3, from SaltedPassword to proof and signature. */
static void
compute(struct scram_client *scram, const uint8_t salted[SHA256_SIZE],
    struct slice message, uint8_t proof[SHA256_SIZE])
{
	struct slice salted_key = slice_make(salted, SHA256_SIZE);
	uint8_t key[SHA256_SIZE], stored[SHA256_SIZE], signed_[SHA256_SIZE];

	hmac_of(salted_key, S("Client Key"), key);
	sha256_of(slice_make(key, SHA256_SIZE), stored);
	hmac_of(slice_make(stored, SHA256_SIZE), message, signed_);
	for (size_t i = 0; i < SHA256_SIZE; i++)
		proof[i] = key[i] ^ signed_[i];
	hmac_of(salted_key, S("Server Key"), key);
	hmac_of(slice_make(key, SHA256_SIZE), message, scram->signature);
	explicit_bzero(key, sizeof(key));
}

static bool
answer(struct scram_client *scram, struct slice text,
    const struct challenge *challenge, struct slice password, struct buf *out)
{
	uint8_t salted[SHA256_SIZE], proof[SHA256_SIZE];
	struct buf salt, message, final;
	bool ok;

	buf_init(&salt, SALT_MAX);
	buf_init(&final, LIMIT_SCRAM_MESSAGE);
	buf_init(&message, (size_t)3 * LIMIT_SCRAM_MESSAGE);
	buf_add(&final, S("c=biws,r="));
	buf_add(&final, challenge->nonce);
	buf_add(&message, buf_slice(&scram->first));
	buf_add_char(&message, ',');
	buf_add(&message, text);
	buf_add_char(&message, ',');
	buf_add(&message, buf_slice(&final));
	ok = base64_decode(challenge->salt, &salt) && !message.failed;
	if (ok) {
		pbkdf2(password, buf_slice(&salt),
		    (uint32_t)challenge->iterations, salted);
		compute(scram, salted, buf_slice(&message), proof);
		buf_add(out, buf_slice(&final));
		buf_add(out, S(",p="));
		base64_encode(slice_make(proof, sizeof(proof)), out);
		explicit_bzero(salted, sizeof(salted));
	}
	buf_free(&salt);
	buf_free(&final);
	buf_free(&message);
	return ok && !out->failed;
}

bool
scram_client_answer(struct scram_client *scram, struct slice challenge,
    struct slice password, struct buf *out, struct why *why)
{
	struct challenge parsed;

	if (scram->has_answered || challenge.len > LIMIT_SCRAM_MESSAGE ||
	    !parse_challenge(challenge, &parsed))
		return why_set(why, "SCRAM: malformed challenge");
	if (!check_challenge(scram, &parsed, why))
		return false;
	if (!answer(scram, challenge, &parsed, password, out))
		return why_set(why, "SCRAM: malformed salt");
	scram->has_answered = true;
	return true;
}

bool
scram_client_verify(struct scram_client *scram, struct slice message)
{
	struct slice value;
	struct buf shown;
	bool ok;

	if (!scram->has_answered || !take_field(&message, 'v', &value))
		return false;
	buf_init(&shown, SALT_MAX);
	ok = base64_decode(value, &shown) && shown.len == SHA256_SIZE &&
	     bytes_equal((const uint8_t *)buf_slice(&shown).ptr,
		 scram->signature, SHA256_SIZE);
	buf_free(&shown);
	return ok;
}
