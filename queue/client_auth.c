/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "queue/client_auth.h"

#include <string.h>

#include "common/base64.h"
#include "common/limits.h"

#define RESPONSE_MAX   (4 * LIMIT_TOKEN)
#define CHALLENGES_MAX 4

/* False: this login cannot be said, or the challenge is wrong. */
typedef bool respond_fn(struct client *client, struct slice challenge,
    struct buf *response, struct why *why);

static bool
first_plain(struct client *client, struct slice challenge, struct buf *response,
    struct why *why)
{
	(void)challenge;
	(void)why;
	buf_add_char(response, '\0');
	buf_add(response, client->options.login);
	buf_add_char(response, '\0');
	return buf_add(response, client->options.password);
}

static bool
first_scram(struct client *client, struct slice challenge, struct buf *response,
    struct why *why)
{
	(void)challenge;
	(void)why;
	scram_client_end(&client->scram);
	return scram_client_begin(&client->scram, client->options.login,
	    slice_of(client->options.nonce), response);
}

/* RFC 6750 section 2.1: nothing that could end the field. */
static bool
is_token(struct slice token)
{
	for (size_t i = 0; i < token.len; i++)
		if (token.ptr[i] <= 0x20 || token.ptr[i] > 0x7e)
			return false;
	return token.len > 0;
}

static bool
add_bearer(struct client *client, struct buf *response, struct why *why)
{
	if (!is_token(client->options.password))
		return why_set(why, "the token has bytes that no token has");
	buf_add(response, S("\1auth=Bearer "));
	buf_add(response, client->options.password);
	return buf_add(response, S("\1\1"));
}

static bool
first_bearer(struct client *client, struct slice challenge,
    struct buf *response, struct why *why)
{
	struct slice user = client->options.login;

	(void)challenge;
	buf_add(response, S("n,a="));
	for (size_t i = 0; i < user.len; i++)
		if (user.ptr[i] == ',')
			buf_add(response, S("=2C"));
		else if (user.ptr[i] == '=')
			buf_add(response, S("=3D"));
		else
			buf_add_char(response, user.ptr[i]);
	buf_add_char(response, ',');
	return add_bearer(client, response, why);
}

static bool
first_xoauth2(struct client *client, struct slice challenge,
    struct buf *response, struct why *why)
{
	(void)challenge;
	buf_add(response, S("user="));
	buf_add(response, client->options.login);
	return add_bearer(client, response, why);
}

static bool
next_login(struct client *client, struct slice challenge, struct buf *response,
    struct why *why)
{
	(void)challenge;
	if (client->auth_step > 1)
		return why_set(why, "the host asks for more than a password");
	return buf_add(response, client->auth_step == 0
				     ? client->options.login
				     : client->options.password);
}

static bool
next_scram(struct client *client, struct slice challenge, struct buf *response,
    struct why *why)
{
	if (client->auth_step == 0)
		return scram_client_answer(&client->scram, challenge,
		    client->options.password, response, why);
	client->is_host_proved = scram_client_verify(&client->scram, challenge);
	return client->is_host_proved ||
	       why_set(why, "the host does not know the password itself");
}

/* What is wrong with the token comes as a challenge; the refusal follows
 * (RFC 7628 section 3.2.3). */
static bool
next_bearer(struct client *client, struct slice challenge, struct buf *response,
    struct why *why)
{
	(void)client;
	(void)challenge;
	(void)why;
	return buf_add_char(response, '\1');
}

static bool
next_xoauth2(struct client *client, struct slice challenge,
    struct buf *response, struct why *why)
{
	(void)client;
	(void)challenge;
	(void)response;
	(void)why;
	return true;
}

static bool
next_none(struct client *client, struct slice challenge, struct buf *response,
    struct why *why)
{
	(void)client;
	(void)challenge;
	(void)response;
	return why_set(why, "the host asks for more than a password");
}

/* The best first. */
static const struct mechanism {
	struct slice name;
	enum client_extension extension;
	bool is_for_tokens;
	respond_fn *first; /* NULL: the host speaks first */
	respond_fn *next;
} mechanisms[] = {
	{ SLICE("OAUTHBEARER"), CLIENT_AUTH_OAUTHBEARER, true, first_bearer,
	    next_bearer },
	{ SLICE("XOAUTH2"), CLIENT_AUTH_XOAUTH2, true, first_xoauth2,
	    next_xoauth2 },
	{ SLICE("SCRAM-SHA-256"), CLIENT_AUTH_SCRAM, false, first_scram,
	    next_scram },
	{ SLICE("PLAIN"), CLIENT_AUTH_PLAIN, false, first_plain, next_none },
	{ SLICE("LOGIN"), CLIENT_AUTH_LOGIN, false, NULL, next_login },
};

#define MECHANISMS (sizeof(mechanisms) / sizeof(mechanisms[0]))

void
client_auth_offer(struct client *client, struct slice words)
{
	struct slice word;

	while (slice_token(&words, S(" \t"), &word))
		for (size_t i = 0; i < MECHANISMS; i++)
			if (slice_eq_nocase(word, mechanisms[i].name))
				client->extensions |= mechanisms[i].extension;
}

static const struct mechanism *
find_mechanism(const struct client *client)
{
	for (size_t i = 0; i < MECHANISMS; i++)
		if ((client->extensions & mechanisms[i].extension) &&
		    mechanisms[i].is_for_tokens == client->options.is_token)
			return &mechanisms[i];
	return NULL;
}

enum client_auth
client_auth_start(struct client *client, struct buf *out, struct why *why)
{
	const struct mechanism *mechanism = find_mechanism(client);
	enum client_auth result = CLIENT_AUTH_WAIT;
	struct buf response;

	client->auth_step = 0;
	client->is_host_proved = true;
	if (mechanism == NULL) {
		why_set(why, "the host does not offer AUTH %s",
		    client->options.is_token ? "OAUTHBEARER or XOAUTH2"
					     : "SCRAM-SHA-256, PLAIN or LOGIN");
		return CLIENT_AUTH_FAILED;
	}
	if (mechanism->extension == CLIENT_AUTH_SCRAM)
		client->is_host_proved = false;
	buf_init(&response, RESPONSE_MAX);
	buf_add(out, S("AUTH "));
	buf_add(out, mechanism->name);
	if (mechanism->first != NULL) {
		buf_add_char(out, ' ');
		if (!mechanism->first(client, S(""), &response, why) ||
		    response.failed)
			result = CLIENT_AUTH_FAILED;
		base64_encode(buf_slice(&response), out);
	}
	buf_add(out, S("\r\n"));
	buf_free(&response);
	if (out->failed)
		result = CLIENT_AUTH_FAILED;
	if (result == CLIENT_AUTH_FAILED) {
		buf_clear(out);
		if (why->text[0] == '\0')
			why_set(why, "login or password is too long");
	}
	return result;
}

/* A challenge that we cannot answer is answered with "*". */
static enum client_auth
answer(struct client *client, struct buf *out, struct why *why)
{
	const struct mechanism *mechanism = find_mechanism(client);
	struct buf challenge, response;
	bool ok;

	buf_init(&challenge, LIMIT_SMTP_REPLY_LINE);
	buf_init(&response, RESPONSE_MAX);
	/* What LOGIN is asked is nobody's business, however it is written. */
	(void)base64_decode(
	    slice_trim(slice_of(client->reply.line)), &challenge);
	ok = mechanism != NULL && client->auth_step < CHALLENGES_MAX &&
	     mechanism->next(client, buf_slice(&challenge), &response, why);
	client->auth_step++;
	if (ok) {
		base64_encode(buf_slice(&response), out);
		buf_add(out, S("\r\n"));
	} else {
		buf_add(out, S("*\r\n"));
		if (why->text[0] == '\0')
			why_set(why, "the host's challenge cannot be answered");
	}
	buf_free(&challenge);
	buf_free(&response);
	return ok ? CLIENT_AUTH_WAIT : CLIENT_AUTH_FAILED;
}

enum client_auth
client_auth_reply(struct client *client, struct buf *out, struct why *why)
{
	if (client->reply.code == 334)
		return answer(client, out, why);
	if (client->reply.code / 100 != 2)
		return CLIENT_AUTH_REFUSED;
	if (client->is_host_proved)
		return CLIENT_AUTH_DONE;
	why_set(why, "the host did not show that it knows the password");
	return CLIENT_AUTH_FAILED;
}
