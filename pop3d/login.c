/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "pop3d/login.h"

#include <string.h>

#include "common/base64.h"
#include "common/limits.h"

#define OUT_SIZE 65536

void
pop3_login_init(struct pop3_login *login, const struct pop3_offer *offer)
{
	memset(login, 0, sizeof(*login));
	login->offer = *offer;
	login->offer.state = POP3_AUTHORIZATION;
	line_init(&login->lines, LIMIT_POP3_LOGIN_LINE);
	buf_init(&login->out, OUT_SIZE);
	(void)sasl_begin(&login->sasl, S("PLAIN"), AUTH_PLAIN);
}

void
pop3_login_free(struct pop3_login *login)
{
	sasl_end(&login->sasl);
	line_free(&login->lines);
	buf_free(&login->out);
}

void
pop3_login_greet(struct pop3_login *login, const char *hostname)
{
	buf_add_format(&login->out, "+OK %s Merpati POP3 ready\r\n", hostname);
}

static void
reply(struct pop3_login *login, const char *text)
{
	buf_add_string(&login->out, text);
	buf_add(&login->out, S("\r\n"));
}

static enum pop3_login_effect
refuse(struct pop3_login *login, const char *text)
{
	reply(login, text);
	if (++login->errors < LIMIT_POP3_ERRORS)
		return LOGIN_CONTINUE;
	reply(login, "-ERR Too many errors");
	return LOGIN_CLOSE;
}

static bool
login_is_allowed(struct pop3_login *login)
{
	if (login->offer.may_login)
		return true;
	reply(login, "-ERR [SYS/PERM] No passwords in clear: use STLS first, "
		     "or port 995");
	return false;
}

static void
restart_sasl(struct pop3_login *login)
{
	sasl_end(&login->sasl);
	(void)sasl_begin(&login->sasl, S("PLAIN"), AUTH_PLAIN);
	login->has_user = false;
	login->is_in_auth = false;
}

static enum pop3_login_effect
do_user(struct pop3_login *login, const struct pop3_line *line)
{
	if (!login_is_allowed(login))
		return LOGIN_CONTINUE;
	restart_sasl(login);
	login->has_user = buf_add(&login->sasl.user, line->argument);
	if (!login->has_user)
		return refuse(login, "-ERR The name is too long");
	reply(login, "+OK Send your password");
	return LOGIN_CONTINUE;
}

static enum pop3_login_effect
do_pass(struct pop3_login *login, const struct pop3_line *line)
{
	if (!login_is_allowed(login))
		return LOGIN_CONTINUE;
	if (!login->has_user)
		return refuse(login, "-ERR Send USER first");
	if (!buf_add(&login->sasl.password, line->argument))
		return refuse(login, "-ERR The password is too long");
	login->has_user = false;
	return LOGIN_CHECK;
}

/* What was sent is no response. Where auth waits for one, it has to be told
 * first, and the reply comes with its answer. */
static enum pop3_login_effect
break_auth(struct pop3_login *login, const char *text)
{
	login->is_in_auth = false;
	if (sasl_cancel(&login->sasl))
		return LOGIN_CHECK;
	restart_sasl(login);
	return refuse(login, text);
}

static enum pop3_login_effect
challenge(struct pop3_login *login, struct slice bytes)
{
	login->is_in_auth = true;
	buf_add(&login->out, S("+ "));
	base64_encode(bytes, &login->out);
	buf_add(&login->out, S("\r\n"));
	return LOGIN_CONTINUE;
}

static enum pop3_login_effect
step(struct pop3_login *login, bool has_response, struct slice response)
{
	struct slice bytes;

	switch (sasl_step(&login->sasl, has_response, response, &bytes)) {
	case SASL_CONTINUE:
		return challenge(login, bytes);
	case SASL_DONE:
		login->is_in_auth = false;
		return LOGIN_CHECK;
	case SASL_BAD:
		break;
	}
	return break_auth(login, "-ERR Malformed response to AUTH");
}

/* One response of AUTH, in base 64; "=" is an empty one (RFC 5034). */
static enum pop3_login_effect
take_response(struct pop3_login *login, struct slice text)
{
	enum pop3_login_effect effect;
	struct buf response;

	buf_init(&response, LIMIT_POP3_LOGIN_LINE);
	if (slice_eq(text, S("=")))
		text = S("");
	if (base64_decode(text, &response))
		effect = step(login, true, buf_slice(&response));
	else
		effect = break_auth(login, "-ERR Malformed response to AUTH");
	if (response.ptr != NULL)
		explicit_bzero(response.ptr, response.size);
	buf_free(&response);
	return effect;
}

static enum pop3_login_effect
list_mechanisms(struct pop3_login *login)
{
	reply(login, "+OK Mechanisms follow");
	if (login->offer.may_login && login->offer.mechanisms != 0) {
		struct buf names;

		buf_init(&names, LIMIT_POP3_COMMAND);
		sasl_list(login->offer.mechanisms, "\r\n", &names);
		buf_add(&login->out, slice_from(buf_slice(&names), 2));
		buf_add(&login->out, S("\r\n"));
		buf_free(&names);
	}
	reply(login, ".");
	return LOGIN_CONTINUE;
}

static enum pop3_login_effect
do_auth(struct pop3_login *login, const struct pop3_line *line)
{
	if (line->argument.len == 0)
		return list_mechanisms(login);
	if (!login_is_allowed(login))
		return LOGIN_CONTINUE;
	restart_sasl(login);
	sasl_end(&login->sasl);
	if (!sasl_begin(
		&login->sasl, line->argument, login->offer.mechanisms)) {
		restart_sasl(login);
		return refuse(login, "-ERR Unknown mechanism, see CAPA");
	}
	if (line->second.len > 0)
		return take_response(login, line->second);
	return step(login, false, S(""));
}

static enum pop3_login_effect
do_stls(struct pop3_login *login, const struct pop3_line *line)
{
	(void)line;
	if (!login->offer.may_stls)
		return refuse(login, "-ERR TLS is active already");
	reply(login, "+OK Begin TLS");
	return LOGIN_STARTTLS;
}

static enum pop3_login_effect
do_apop(struct pop3_login *login, const struct pop3_line *line)
{
	(void)line;
	return refuse(login, "-ERR APOP is not offered: use USER and PASS");
}

static enum pop3_login_effect
do_capa(struct pop3_login *login, const struct pop3_line *line)
{
	(void)line;
	pop3_capabilities(&login->offer, &login->out);
	return LOGIN_CONTINUE;
}

static enum pop3_login_effect
do_noop(struct pop3_login *login, const struct pop3_line *line)
{
	(void)line;
	reply(login, "+OK");
	return LOGIN_CONTINUE;
}

static enum pop3_login_effect
do_quit(struct pop3_login *login, const struct pop3_line *line)
{
	(void)line;
	reply(login, "+OK Bye");
	return LOGIN_CLOSE;
}

typedef enum pop3_login_effect
handler_fn(struct pop3_login *login, const struct pop3_line *line);

static handler_fn *const handlers[POP3_VERBS] = {
	[POP3_CAPA] = do_capa,
	[POP3_USER] = do_user,
	[POP3_PASS] = do_pass,
	[POP3_AUTH] = do_auth,
	[POP3_STLS] = do_stls,
	[POP3_APOP] = do_apop,
	[POP3_NOOP] = do_noop,
	[POP3_QUIT] = do_quit,
};

static enum pop3_login_effect
take_line(struct pop3_login *login, struct slice text)
{
	struct pop3_line line;

	if (login->is_in_auth && slice_eq(text, S("*")))
		return break_auth(login, "-ERR AUTH cancelled");
	if (login->is_in_auth)
		return take_response(login, text);
	if (!pop3_parse(text, POP3_AUTHORIZATION, &line, &login->out)) {
		if (++login->errors < LIMIT_POP3_ERRORS)
			return LOGIN_CONTINUE;
		reply(login, "-ERR Too many errors");
		return LOGIN_CLOSE;
	}
	return handlers[line.command->verb](login, &line);
}

enum pop3_login_effect
pop3_login_feed(struct pop3_login *login, struct slice *input)
{
	enum pop3_login_effect effect = LOGIN_CONTINUE;
	enum line_status status;
	struct slice line;

	while (effect == LOGIN_CONTINUE && login->out.len < OUT_SIZE / 2) {
		status = line_next(&login->lines, input, &line);
		if (status == LINE_MORE)
			break;
		if (status == LINE_TOO_LONG)
			effect = refuse(login, "-ERR The line is too long");
		else if (status == LINE_BARE_CR)
			effect = refuse(login, "-ERR A line ends in CRLF");
		else
			effect = take_line(login, line);
	}
	return effect;
}

enum pop3_login_effect
pop3_login_answered(struct pop3_login *login, enum auth_result result)
{
	bool is_cancelled = login->sasl.is_cancelled;

	if (result == AUTH_RESULT_CHALLENGE)
		return challenge(login, buf_slice(&login->sasl.challenge));
	restart_sasl(login);
	if (result == AUTH_RESULT_LATER) {
		reply(login, "-ERR [SYS/TEMP] Cannot check passwords now, "
			     "try again later");
		return LOGIN_CLOSE;
	}
	if (result == AUTH_RESULT_NO)
		reply(login, "-ERR [AUTH] Wrong user name or password");
	else
		reply(login, is_cancelled ? "-ERR AUTH cancelled"
					  : "-ERR Malformed response to AUTH");
	if (++login->failures < LIMIT_AUTH_FAILURES)
		return LOGIN_CONTINUE;
	return LOGIN_CLOSE;
}
