/* SPDX-License-Identifier: ISC */
#include "config.h"

#include <string.h>

#include "common/base64.h"
#include "common/limits.h"

#include "smtpd/cmd.h"
#include "smtpd/extension.h"

static bool
is_private(const struct session *session)
{
	return session->connection->is_tls ||
	       session->connection->may_auth_in_clear;
}

/* RFC 4954 section 4; RFC 6409 for the ports. */
const struct reply *
check_auth(const struct session *session)
{
	static const struct reply wrong_port = { 503, "5.5.1",
		"AUTH is not offered on this port, use 587 or 465" };
	static const struct reply in_clear = { 538, "5.7.11",
		"Encryption is needed to log in, send STARTTLS first" };
	static const struct reply again = { 503, "5.5.1",
		"You are logged in already" };
	static const struct reply nothing = { 502, "5.5.1",
		"No mechanism can be used on this connection" };

	if (!extension_is_submission(session))
		return &wrong_port;
	if (!is_private(session))
		return &in_clear;
	if (session->connection->mechanisms == 0)
		return &nothing;
	return session->is_logged_in ? &again : NULL;
}

const struct reply *
check_login(const struct session *session)
{
	static const struct reply log_in = { 530, "5.7.0",
		"Authentication is required, send AUTH first" };
	static const struct reply encrypt = { 530, "5.7.0",
		"Authentication is required, send STARTTLS and AUTH first" };

	if (!extension_is_submission(session) || session->is_logged_in)
		return NULL;
	return is_private(session) ? &log_in : &encrypt;
}

static void
auth_end(struct session *session)
{
	if (session->has_sasl)
		sasl_end(&session->sasl);
	session->has_sasl = false;
	session->mode = MODE_COMMAND;
}

static void
auth_fail(struct session *session, struct reply reply)
{
	auth_end(session);
	reply_error(session, reply);
}

/* What was sent is no response. Where auth waits for one, it has to be told
 * first, and the reply comes with its answer. */
static void
auth_break(struct session *session, struct reply reply)
{
	session->mode = MODE_COMMAND;
	if (session->has_sasl && sasl_cancel(&session->sasl))
		session_push(session, EFFECT_AUTH);
	else
		auth_fail(session, reply);
}

static void
auth_challenge(struct session *session, struct slice challenge)
{
	struct buf text;

	buf_init(&text, LIMIT_SMTP_AUTH_LINE);
	base64_encode(challenge, &text);
	reply_challenge(session, buf_slice(&text));
	buf_free(&text);
	session->mode = MODE_AUTH;
}

static void
auth_step(struct session *session, bool has_response, struct slice response)
{
	static const struct reply bad = { 501, "5.5.2",
		"The response does not fit the mechanism" };
	struct slice challenge = { NULL, 0 };

	switch (sasl_step(&session->sasl, has_response, response, &challenge)) {
	case SASL_CONTINUE:
		auth_challenge(session, challenge);
		break;
	case SASL_DONE:
		session->mode = MODE_COMMAND;
		session_push(session, EFFECT_AUTH);
		break;
	case SASL_BAD:
		auth_break(session, bad);
		break;
	}
}

/* A response as sent: base64, or "=" for an empty initial one. */
static void
auth_response(struct session *session, struct slice text)
{
	static const struct reply bad = { 501, "5.5.2",
		"The response is not base64" };
	struct buf response;

	buf_init(&response, LIMIT_SMTP_AUTH_LINE);
	if (base64_decode(text, &response))
		auth_step(session, true, buf_slice(&response));
	else
		auth_break(session, bad);
	if (response.ptr != NULL)
		explicit_bzero(response.ptr, response.len);
	buf_free(&response);
}

/* RFC 4954 section 4: 504 for what is not offered here. */
static void
auth_unknown(struct session *session)
{
	struct buf text;

	buf_init(&text, LIMIT_SMTP_COMMAND);
	buf_add_string(&text, "Unknown mechanism, offered are");
	sasl_list(session->connection->mechanisms, " ", &text);
	auth_fail(session, (struct reply){ 504, "5.5.4", buf_string(&text) });
	buf_free(&text);
}

void
cmd_auth(struct session *session, const struct argument *argument)
{
	struct slice rest = argument->text, name, initial;
	bool has_initial;

	slice_token(&rest, S(" \t"), &name);
	has_initial = slice_token(&rest, S(" \t"), &initial);
	session->has_sasl =
	    sasl_begin(&session->sasl, name, session->connection->mechanisms);
	if (!session->has_sasl) {
		auth_unknown(session);
		return;
	}
	if (!has_initial)
		auth_step(session, false, slice_make(NULL, 0));
	else if (slice_eq(initial, S("=")))
		auth_step(session, true, slice_make(NULL, 0));
	else
		auth_response(session, initial);
}

void
auth_line(struct session *session, enum line_status status, struct slice line)
{
	static const struct reply cancelled = { 501, "5.7.0",
		"Authentication cancelled" };
	static const struct reply too_long = { 500, "5.5.6",
		"The authentication line is too long" };

	if (status == LINE_TOO_LONG)
		auth_break(session, too_long);
	else if (slice_eq(line, S("*")))
		auth_break(session, cancelled);
	else
		auth_response(session, slice_trim(line));
}

/* A login that came to nothing; the third is the last. */
static void
auth_count(struct session *session, struct reply reply)
{
	static const struct reply many = { 421, "4.7.0",
		"Too many failed logins, closing the connection" };

	auth_fail(session, reply);
	if (++session->failures >= LIMIT_AUTH_FAILURES &&
	    session->mode != MODE_CLOSED)
		reply_goodbye(session, many);
}

static void
auth_refused(struct session *session)
{
	static const struct reply no = { 535, "5.7.8",
		"Authentication failed: wrong user or password" };
	char peer[128];

	session_log(session,
	    "%s: reject: AUTH from %s: %u %s %s; sasl_method=%s "
	    "sasl_username=<%.*s>",
	    session->connection->id, session_peer(session, peer, sizeof(peer)),
	    no.code, no.status, no.text, sasl_name(&session->sasl),
	    SLICE_FMT(
		slice_first(buf_slice(&session->sasl.user), LIMIT_USER_NAME)));
	auth_count(session, no);
}

static void
auth_succeeded(struct session *session)
{
	auth_end(session);
	session->is_logged_in = true;
	session->done[session->verb]++;
	reply_add(session,
	    (struct reply){ 235, "2.7.0", "Authentication successful" });
}

void
session_authenticated(struct session *session, enum auth_result result)
{
	static const struct reply later = { 454, "4.7.0",
		"Authentication is not possible now, try again later" };
	static const struct reply bad = { 501, "5.5.2",
		"The response does not fit the mechanism" };
	static const struct reply cancelled = { 501, "5.7.0",
		"Authentication cancelled" };

	session->waiting = EFFECT_READ;
	switch (result) {
	case AUTH_RESULT_CHALLENGE:
		auth_challenge(session, buf_slice(&session->sasl.challenge));
		break;
	case AUTH_RESULT_YES:
		auth_succeeded(session);
		break;
	case AUTH_RESULT_NO:
		auth_refused(session);
		break;
	case AUTH_RESULT_LATER:
		auth_count(session, later);
		break;
	case AUTH_RESULT_BAD:
		auth_count(
		    session, session->sasl.is_cancelled ? cancelled : bad);
		break;
	}
}
