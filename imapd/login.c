/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "imapd/login.h"

#include <string.h>

#include "common/base64.h"
#include "common/limits.h"

#include "imapd/parse.h"

#define LOGIN_ARENA 65536
#define REPLIES_MAX 65536

struct login_command {
	struct slice tag, first, second;
	bool has_second;
};

typedef void
login_run_fn(struct login *login, const struct login_command *command);
static login_run_fn run_capability, run_noop, run_logout, run_id, run_starttls,
    run_login, run_authenticate;
static bool parse_nothing(struct parse *parse, struct login_command *out);
static bool parse_login(struct parse *parse, struct login_command *out);
static bool parse_mechanism(struct parse *parse, struct login_command *out);
static bool parse_ignored(struct parse *parse, struct login_command *out);

static const struct {
	struct slice verb;
	bool (*parse)(struct parse *parse, struct login_command *out);
	login_run_fn *run;
} login_table[] = {
	{ SLICE("CAPABILITY"), parse_nothing, run_capability },
	{ SLICE("NOOP"), parse_nothing, run_noop },
	{ SLICE("LOGOUT"), parse_nothing, run_logout },
	{ SLICE("ID"), parse_ignored, run_id },
	{ SLICE("STARTTLS"), parse_nothing, run_starttls },
	{ SLICE("LOGIN"), parse_login, run_login },
	{ SLICE("AUTHENTICATE"), parse_mechanism, run_authenticate },
};

#define LOGIN_COMMANDS (sizeof(login_table) / sizeof(login_table[0]))

static bool
may_login(const struct login *login)
{
	return login->connection->is_tls ||
	       login->connection->may_auth_in_clear;
}

static void
add_capabilities(struct login *login)
{
	struct buf *out = &login->replies;

	buf_add(out, S("CAPABILITY IMAP4rev1 LITERAL- SASL-IR ID IDLE"));
	if (!login->connection->is_tls)
		buf_add(out, S(" STARTTLS"));
	if (may_login(login))
		sasl_list(login->connection->mechanisms, " AUTH=", out);
	else
		buf_add_string(out, " LOGINDISABLED");
}

void
login_init(struct login *login, const struct connection *connection)
{
	memset(login, 0, sizeof(*login));
	login->connection = connection;
	login->arena = arena_new("imap login", LOGIN_ARENA);
	reader_init(
	    &login->reader, LIMIT_IMAP_LOGIN_COMMAND, LIMIT_IMAP_LOGIN_LITERAL);
	buf_init(&login->replies, REPLIES_MAX);
	buf_init(&login->tag, LIMIT_IMAP_LOGIN_COMMAND);
	/* After STARTTLS there is no second greeting. */
	if (connection->is_tls && !connection->listener->is_tls)
		return;
	buf_add(&login->replies, S("* OK ["));
	add_capabilities(login);
	buf_add_format(&login->replies, "] %s Merpati\r\n",
	    connection->settings->hostname);
}

static void
login_wipe(struct buf *buf)
{
	if (buf->ptr != NULL)
		explicit_bzero(buf->ptr, buf->size);
	buf_clear(buf);
}

void
login_clear(struct login *login)
{
	if (login->has_sasl)
		sasl_end(&login->sasl);
	reader_free(&login->reader);
	arena_free(&login->arena);
	buf_free(&login->replies);
	buf_free(&login->tag);
}

static void
reply(struct login *login, struct slice tag, const char *text)
{
	buf_add(&login->replies, tag.len > 0 ? tag : S("*"));
	buf_add_format(&login->replies, " %s\r\n", text);
}

static void
say_bye(struct login *login, const char *text)
{
	buf_add_format(&login->replies, "* BYE %s\r\n", text);
	login->next = LOGIN_CLOSE;
}

static void
reply_bad(struct login *login, struct slice tag, const char *error)
{
	buf_add(&login->replies, tag.len > 0 ? tag : S("*"));
	buf_add_format(&login->replies, " BAD %s\r\n", error);
	if (++login->errors >= LIMIT_IMAP_ERRORS)
		say_bye(login, "Too many errors");
}

void
login_timed_out(struct login *login)
{
	say_bye(login, "No login came in time");
}

static bool
parse_nothing(struct parse *parse, struct login_command *out)
{
	(void)parse;
	(void)out;
	return true;
}

static bool
parse_ignored(struct parse *parse, struct login_command *out)
{
	(void)out;
	if (!parse_space(parse))
		return false;
	parse->at = parse->input.len;
	return true;
}

static bool
parse_login(struct parse *parse, struct login_command *out)
{
	return parse_space(parse) && parse_astring(parse, &out->first) &&
	       parse_space(parse) && parse_astring(parse, &out->second);
}

/* RFC 4959: with an initial response, "=" for an empty one. */
static bool
parse_mechanism(struct parse *parse, struct login_command *out)
{
	if (!parse_space(parse) || !parse_atom(parse, &out->first))
		return false;
	out->has_second = parse_try(parse, ' ');
	return !out->has_second || parse_astring(parse, &out->second);
}

static void
run_capability(struct login *login, const struct login_command *command)
{
	buf_add(&login->replies, S("* "));
	add_capabilities(login);
	buf_add(&login->replies, S("\r\n"));
	reply(login, command->tag, "OK Capability completed");
}

static void
run_noop(struct login *login, const struct login_command *command)
{
	reply(login, command->tag, "OK Done");
}

static void
run_logout(struct login *login, const struct login_command *command)
{
	say_bye(login, "Goodbye");
	reply(login, command->tag, "OK Logout completed");
}

static void
run_id(struct login *login, const struct login_command *command)
{
	buf_add(&login->replies, S("* ID (\"name\" \"Merpati\")\r\n"));
	reply(login, command->tag, "OK ID completed");
}

static void
run_starttls(struct login *login, const struct login_command *command)
{
	if (login->connection->is_tls) {
		reply_bad(login, command->tag, "TLS is on already");
		return;
	}
	reply(login, command->tag, "OK Begin TLS now");
	login->next = LOGIN_STARTTLS;
}

/* A password in clear where that is not allowed is lost, but not used. */
static bool
refuse_in_clear(struct login *login, struct slice tag)
{
	if (may_login(login))
		return false;
	reply(login, tag,
	    "NO [PRIVACYREQUIRED] Use STARTTLS first, passwords do not go in "
	    "clear here");
	return true;
}

static void
end_sasl(struct login *login)
{
	if (login->has_sasl)
		sasl_end(&login->sasl);
	login->has_sasl = login->is_in_sasl = false;
}

static bool
begin_sasl(struct login *login, const struct login_command *command,
    struct slice mechanism, unsigned int offered)
{
	end_sasl(login);
	login->has_sasl = sasl_begin(&login->sasl, mechanism, offered);
	buf_clear(&login->tag);
	buf_add(&login->tag, command->tag);
	return login->has_sasl;
}

static void
run_login(struct login *login, const struct login_command *command)
{
	if (refuse_in_clear(login, command->tag))
		return;
	begin_sasl(login, command, S("PLAIN"), AUTH_PLAIN);
	if (command->first.len > 0 && command->second.len > 0 &&
	    buf_add(&login->sasl.user, command->first) &&
	    buf_add(&login->sasl.password, command->second))
		login->next = LOGIN_AUTH;
	else
		login_answered(login, AUTH_RESULT_NO);
}

static void
sasl_continue(struct login *login, struct slice challenge)
{
	buf_add(&login->replies, S("+ "));
	base64_encode(challenge, &login->replies);
	buf_add(&login->replies, S("\r\n"));
	login->is_in_sasl = true;
}

/* What was sent is no response. Where auth waits for one, it has to be told
 * first, and the reply comes with its answer. */
static void
break_sasl(struct login *login, const char *error)
{
	login->is_in_sasl = false;
	if (sasl_cancel(&login->sasl)) {
		login->next = LOGIN_AUTH;
		return;
	}
	reply_bad(login, buf_slice(&login->tag), error);
	end_sasl(login);
}

static void
sasl_advance(struct login *login, bool has_response, struct slice response)
{
	struct slice challenge = { NULL, 0 };

	switch (sasl_step(&login->sasl, has_response, response, &challenge)) {
	case SASL_CONTINUE:
		sasl_continue(login, challenge);
		break;
	case SASL_DONE:
		login->is_in_sasl = false;
		login->next = LOGIN_AUTH;
		break;
	case SASL_BAD:
		break_sasl(login, "The response does not fit the mechanism");
		break;
	}
}

static void
sasl_response(struct login *login, struct slice line)
{
	struct buf raw;

	if (slice_eq(line, S("*"))) {
		break_sasl(login, "Authentication was cancelled");
		return;
	}
	buf_init(&raw, LIMIT_IMAP_LOGIN_COMMAND);
	if (base64_decode(slice_eq(line, S("=")) ? S("") : line, &raw))
		sasl_advance(login, true, buf_slice(&raw));
	else
		break_sasl(
		    login, "The response is no base64 (RFC 4648 section 4)");
	login_wipe(&raw);
	buf_free(&raw);
}

static void
run_authenticate(struct login *login, const struct login_command *command)
{
	if (refuse_in_clear(login, command->tag))
		return;
	if (!begin_sasl(login, command, command->first,
		login->connection->mechanisms)) {
		reply(login, command->tag,
		    "NO [CANNOT] Unknown mechanism, see CAPABILITY");
		return;
	}
	if (command->has_second)
		sasl_response(login, command->second);
	else
		sasl_advance(login, false, slice_make(NULL, 0));
}

static void
refuse(struct login *login, enum auth_result result)
{
	struct slice tag = buf_slice(&login->tag);

	if (result == AUTH_RESULT_NO)
		reply(login, tag,
		    "NO [AUTHENTICATIONFAILED] Wrong user or password");
	else if (result == AUTH_RESULT_BAD)
		reply_bad(login, tag,
		    login->sasl.is_cancelled
			? "Authentication was cancelled"
			: "The response does not fit the mechanism");
	else
		reply(login, tag,
		    "NO [UNAVAILABLE] Passwords cannot be checked now");
	if (++login->failures >= LIMIT_AUTH_FAILURES)
		say_bye(login, "Too many failed logins");
}

void
login_answered(struct login *login, enum auth_result result)
{
	if (result == AUTH_RESULT_CHALLENGE) {
		sasl_continue(login, buf_slice(&login->sasl.challenge));
		return;
	}
	if (result == AUTH_RESULT_YES)
		login->next = LOGIN_HANDOVER;
	else
		refuse(login, result);
	end_sasl(login);
}

static void
login_command(struct login *login)
{
	struct slice text = buf_slice(&login->reader.command), verb;
	struct login_command command = { .has_second = false };
	struct parse parse;

	parse_begin(&parse, text, login->arena);
	if (!parse_tag(&parse, &command.tag) || !parse_space(&parse) ||
	    !parse_atom(&parse, &verb)) {
		reply_bad(login, command.tag, parse.error);
		return;
	}
	for (size_t i = 0; i < LOGIN_COMMANDS; i++) {
		if (!slice_eq_nocase(login_table[i].verb, verb))
			continue;
		if (login_table[i].parse(&parse, &command) && parse_end(&parse))
			login_table[i].run(login, &command);
		else
			reply_bad(login, command.tag, parse.error);
		return;
	}
	reply_bad(login, command.tag, "Unknown command, or log in first");
}

static void
login_literal(struct login *login)
{
	struct reader *reader = &login->reader;

	if (login->is_in_sasl || !reader_collect(reader)) {
		say_bye(login, "[TOOBIG] A literal here has at most 4096 "
			       "bytes");
		return;
	}
	if (reader->is_synchronous)
		buf_add(&login->replies, S("+ OK\r\n"));
}

enum login_effect
login_step(struct login *login, struct slice *input)
{
	enum reader_status status;
	enum login_effect effect;
	struct slice data;

	while (login->next == LOGIN_READ) {
		if (login->replies.len > REPLIES_MAX / 2)
			return LOGIN_READ;
		status = reader_next(&login->reader, input, &data);
		if (status == READER_MORE)
			return LOGIN_READ;
		if (status == READER_LITERAL) {
			login_literal(login);
		} else if (status == READER_COMMAND && login->is_in_sasl) {
			sasl_response(login, buf_slice(&login->reader.command));
		} else if (status == READER_COMMAND) {
			login_command(login);
		} else {
			say_bye(login, "The command line is too long");
		}
		arena_reset(login->arena);
	}
	effect = login->next;
	if (effect == LOGIN_AUTH)
		login->next = LOGIN_READ;
	return effect;
}
