/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "common/scram.h"

#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include "common/base64.h"

enum {
	NONCE_MAX = 256,
	HEADER_MAX = 2 * LIMIT_USER_NAME + 128,
	MESSAGE_MAX = 3 * LIMIT_SCRAM_MESSAGE,
};

static const struct slice scram_scheme = SLICE("{SCRAM-SHA-256}");

static struct slice
digest(const uint8_t bytes[SHA256_SIZE])
{
	return slice_make(bytes, SHA256_SIZE);
}

/* Base64 of exactly, or with *len at most, size bytes. */
static bool
decode(struct slice text, uint8_t *bytes, size_t size, size_t *len)
{
	struct buf raw;
	bool ok;

	buf_init(&raw, size);
	ok = base64_decode(text, &raw) && raw.len > 0 &&
	     (len != NULL || raw.len == size);
	if (ok)
		memcpy(bytes, raw.ptr, raw.len);
	if (ok && len != NULL)
		*len = raw.len;
	buf_free(&raw);
	return ok;
}

bool
scram_is_keys(struct slice hash)
{
	return slice_starts_nocase(hash, scram_scheme);
}

bool
scram_keys_parse(struct slice hash, struct scram_keys *out)
{
	struct slice iterations, salt, stored, server;
	uint64_t count = 0;

	memset(out, 0, sizeof(*out));
	if (!scram_is_keys(hash))
		return false;
	hash = slice_from(hash, scram_scheme.len);
	if (!slice_cut(hash, '$', &iterations, &hash) ||
	    !slice_cut(hash, ':', &salt, &hash) ||
	    !slice_cut(hash, ':', &stored, &server))
		return false;
	if (!slice_u64(iterations, LIMIT_SCRAM_ITERATIONS_MAX, &count) ||
	    count == 0)
		return false;
	out->salt.iterations = (uint32_t)count;
	return decode(salt, out->salt.bytes, SCRAM_SALT_MAX, &out->salt.len) &&
	       decode(stored, out->stored, SHA256_SIZE, NULL) &&
	       decode(server, out->server, SHA256_SIZE, NULL);
}

bool
scram_keys_format(const struct scram_keys *keys, char text[SCRAM_KEYS_SIZE])
{
	struct buf out;
	bool ok;

	buf_init(&out, SCRAM_KEYS_SIZE - 1);
	buf_add(&out, scram_scheme);
	buf_add_format(&out, "%u$", keys->salt.iterations);
	base64_encode(slice_make(keys->salt.bytes, keys->salt.len), &out);
	buf_add_char(&out, ':');
	base64_encode(digest(keys->stored), &out);
	buf_add_char(&out, ':');
	base64_encode(digest(keys->server), &out);
	ok = !out.failed;
	snprintf(text, SCRAM_KEYS_SIZE, "%s", ok ? buf_string(&out) : "");
	buf_free(&out);
	return ok;
}

/* RFC 5802 section 3. */
void
scram_keys_make(struct slice password, struct scram_keys *keys)
{
	uint8_t salted[SHA256_SIZE], client[SHA256_SIZE];

	pbkdf2(password, slice_make(keys->salt.bytes, keys->salt.len),
	    keys->salt.iterations, salted);
	hmac_of(digest(salted), S("Client Key"), client);
	sha256_of(digest(client), keys->stored);
	hmac_of(digest(salted), S("Server Key"), keys->server);
	explicit_bzero(salted, sizeof(salted));
	explicit_bzero(client, sizeof(client));
}

bool
scram_salt_make(struct scram_salt *salt)
{
	memset(salt, 0, sizeof(*salt));
	salt->iterations = LIMIT_SCRAM_ITERATIONS;
	salt->len = SCRAM_SALT_SIZE;
	return getrandom(salt->bytes, salt->len, 0) == (ssize_t)salt->len;
}

bool
scram_salt_equal(const struct scram_salt *a, const struct scram_salt *b)
{
	return a->iterations == b->iterations && a->len == b->len &&
	       memcmp(a->bytes, b->bytes, a->len) == 0;
}

bool
scram_password_matches(struct slice password, const struct scram_keys *keys)
{
	struct scram_keys made = { .salt = keys->salt };
	bool ok;

	scram_keys_make(password, &made);
	ok = bytes_equal(made.stored, keys->stored, SHA256_SIZE);
	explicit_bzero(&made, sizeof(made));
	return ok;
}

void
scram_begin(struct scram *scram)
{
	memset(scram, 0, sizeof(*scram));
	buf_init(&scram->user, LIMIT_USER_NAME);
	buf_init(&scram->header, HEADER_MAX);
	buf_init(&scram->client_first, LIMIT_SCRAM_MESSAGE);
	buf_init(&scram->server_first, LIMIT_SCRAM_MESSAGE);
	buf_init(&scram->message, MESSAGE_MAX);
}

void
scram_end(struct scram *scram)
{
	buf_free(&scram->user);
	buf_free(&scram->header);
	buf_free(&scram->client_first);
	buf_free(&scram->server_first);
	buf_free(&scram->message);
}

/* "x=value" up to a comma or the end. */
static bool
take(struct slice *rest, char name, struct slice *value)
{
	struct slice part, tail;

	slice_cut(*rest, ',', &part, &tail);
	if (part.len < 2 || part.ptr[0] != name || part.ptr[1] != '=')
		return false;
	*value = slice_from(part, 2);
	*rest = tail;
	return true;
}

/* saslname: "=2C" is a comma, "=3D" an equals sign, no other "=" may be. */
static bool
take_name(struct slice text, struct buf *out)
{
	buf_clear(out);
	while (text.len > 0) {
		size_t n = slice_index(text, '=');

		buf_add(out, slice_first(text, n));
		text = slice_from(text, n);
		if (text.len == 0)
			break;
		if (slice_starts(text, S("=2C")))
			buf_add_char(out, ',');
		else if (slice_starts(text, S("=3D")))
			buf_add_char(out, '=');
		else
			return false;
		text = slice_from(text, 3);
	}
	return out->len > 0 && !out->failed &&
	       slice_index(buf_slice(out), '\0') == out->len;
}

/*
 * gs2-cbind-flag (RFC 5802 section 6). "y" says that the client could bind
 * and believes that the server cannot: where the server can, somebody in
 * between has taken the offer away.
 */
static bool
take_flag(struct scram *scram, struct slice flag, struct why *why)
{
	scram->bound = S("");
	if (slice_eq(flag, S("p=tls-exporter")))
		scram->bound = scram->binding.exporter;
	else if (slice_eq(flag, S("p=tls-server-end-point")))
		scram->bound = scram->binding.end_point;
	if (scram->is_plus)
		return scram->bound.len > 0 ||
		       why_set(why, "no such channel binding");
	if (slice_eq(flag, S("y")) && scram->offers_plus)
		return why_set(why, "channel binding was offered but is said "
				    "not to have been");
	return slice_eq(flag, S("n")) || slice_eq(flag, S("y")) ||
	       why_set(why, "channel binding without -PLUS");
}

/* gs2-header: flag "," ["a=" name] ",". Acting for somebody else is not
 * offered, so the name is the user's own. */
static bool
take_header(struct scram *scram, struct slice message, struct slice *bare,
    struct buf *authorize)
{
	struct slice rest, name;

	if (!slice_cut(message, ',', &name, &rest) ||
	    slice_index(rest, ',') == rest.len)
		return false;
	if (take(&rest, 'a', &name)) {
		if (!take_name(name, authorize))
			return false;
	} else if (!slice_starts(rest, S(","))) {
		return false;
	} else {
		rest = slice_from(rest, 1);
	}
	*bare = rest;
	return buf_add(
	    &scram->header, slice_first(message, message.len - rest.len));
}

/* Printable ASCII without a comma. */
static bool
is_nonce(struct slice text)
{
	for (size_t i = 0; i < text.len; i++)
		if (text.ptr[i] < 0x21 || text.ptr[i] > 0x7e)
			return false;
	return text.len > 0 && text.len <= NONCE_MAX;
}

static bool
take_bare(struct scram *scram, struct slice bare, const struct buf *authorize)
{
	struct slice rest = bare, name, nonce;

	/* "m=" would be an extension that must be understood. */
	if (!take(&rest, 'n', &name) || !take_name(name, &scram->user) ||
	    !take(&rest, 'r', &nonce) || !is_nonce(nonce))
		return false;
	if (authorize->len > 0 &&
	    !slice_eq(buf_slice(authorize), buf_slice(&scram->user)))
		return false;
	buf_add(&scram->server_first, S("r="));
	buf_add(&scram->server_first, nonce);
	return buf_add(&scram->client_first, bare);
}

bool
scram_client_first(struct scram *scram, struct slice message, struct why *why)
{
	struct slice flag, rest, bare;
	struct buf authorize;
	bool ok;

	if (message.len > LIMIT_SCRAM_MESSAGE)
		return why_set(why, "message too long");
	slice_cut(message, ',', &flag, &rest);
	if (!take_flag(scram, flag, why))
		return false;
	buf_init(&authorize, LIMIT_USER_NAME);
	ok = take_header(scram, message, &bare, &authorize) &&
	     take_bare(scram, bare, &authorize);
	buf_free(&authorize);
	return ok || why_set(why, "malformed first message");
}

struct slice
scram_server_first(struct scram *scram, const struct scram_salt *salt)
{
	buf_add_string(&scram->server_first, scram->nonce);
	buf_add(&scram->server_first, S(",s="));
	base64_encode(slice_make(salt->bytes, salt->len), &scram->server_first);
	buf_add_format(&scram->server_first, ",i=%u", salt->iterations);
	return buf_slice(&scram->server_first);
}

/* "c=" is the header again, and what the channel is. */
static bool
binding_is_right(const struct scram *scram, struct slice text)
{
	struct buf expected, encoded;
	bool ok;

	buf_init(&expected, HEADER_MAX + 256);
	buf_init(&encoded, HEADER_MAX * 2 + 512);
	buf_add(&expected, buf_slice(&scram->header));
	buf_add(&expected, scram->bound);
	base64_encode(buf_slice(&expected), &encoded);
	ok = !expected.failed && !encoded.failed &&
	     slice_eq(buf_slice(&encoded), text);
	buf_free(&expected);
	buf_free(&encoded);
	return ok;
}

bool
scram_client_final(struct scram *scram, struct slice message, struct why *why)
{
	struct slice rest = message, binding, nonce, proof, expected;
	size_t at = slice_last_index(message, ',');

	if (message.len > LIMIT_SCRAM_MESSAGE)
		return why_set(why, "message too long");
	expected = slice_from(buf_slice(&scram->server_first), 2);
	expected = slice_first(expected, slice_index(expected, ','));
	if (!take(&rest, 'c', &binding) || !take(&rest, 'r', &nonce))
		return why_set(why, "malformed last message");
	/* Extensions may stand before the proof, which is the last. */
	rest = slice_from(message, at + 1);
	if (!take(&rest, 'p', &proof) || rest.len > 0 ||
	    !decode(proof, scram->proof, SHA256_SIZE, NULL))
		return why_set(why, "malformed proof");
	if (!binding_is_right(scram, binding))
		return why_set(why, "another channel");
	if (!slice_eq(nonce, expected))
		return why_set(why, "another nonce");
	buf_add(&scram->message, buf_slice(&scram->client_first));
	buf_add_char(&scram->message, ',');
	buf_add(&scram->message, buf_slice(&scram->server_first));
	buf_add_char(&scram->message, ',');
	buf_add(&scram->message, slice_first(message, at));
	return !scram->message.failed || why_set(why, "message too long");
}

/* ClientKey is the proof without the client's signature: does its hash lie
 * here? */
bool
scram_proves(struct scram *scram, const struct scram_keys *keys,
    struct buf *server_final)
{
	uint8_t bytes[SHA256_SIZE];
	bool ok;

	hmac_of(digest(keys->stored), buf_slice(&scram->message), bytes);
	for (size_t i = 0; i < SHA256_SIZE; i++)
		bytes[i] ^= scram->proof[i];
	sha256_of(digest(bytes), bytes);
	ok = bytes_equal(bytes, keys->stored, SHA256_SIZE);
	if (ok) {
		hmac_of(
		    digest(keys->server), buf_slice(&scram->message), bytes);
		buf_add(server_final, S("v="));
		base64_encode(digest(bytes), server_final);
	}
	explicit_bzero(bytes, sizeof(bytes));
	return ok;
}
