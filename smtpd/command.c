/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "smtpd/command.h"

#include <stdio.h>
#include <string.h>

#include "common/limits.h"

#include "smtpd/cmd.h"
#include "smtpd/extension.h"

#define ALWAYS (PHASE_START | PHASE_READY | PHASE_TRANSACTION)

/* clang-format off */
const struct command smtp_command_table[] = {
	{ SLICE("HELO"), ALWAYS, ARGUMENT_REQUIRED, cmd_helo, check_smtp, true,
	    NULL,
	    "HELO host.example.com", "say who you are" },
	{ SLICE("EHLO"), ALWAYS, ARGUMENT_REQUIRED, cmd_ehlo, check_smtp, true,
	    NULL,
	    "EHLO host.example.com", "say who you are, list extensions" },
	{ SLICE("LHLO"), ALWAYS, ARGUMENT_REQUIRED, cmd_ehlo, check_lmtp, true,
	    NULL,
	    "LHLO host.example.com", "say who you are, list extensions" },
	{ SLICE("MAIL"), PHASE_READY, ARGUMENT_REVERSE_PATH, cmd_mail,
	    check_login, false, NULL,
	    "MAIL FROM:<sender@example.com>", "begin a message" },
	{ SLICE("RCPT"), PHASE_MAIL | PHASE_RCPT, ARGUMENT_FORWARD_PATH,
	    cmd_rcpt, NULL, false, NULL,
	    "RCPT TO:<user@example.com>", "add a recipient" },
	{ SLICE("DATA"), PHASE_RCPT, ARGUMENT_NONE, cmd_data, NULL, false,
	    NULL,
	    "DATA", "send the message, a line with only a dot ends it" },
	{ SLICE("BDAT"), ALWAYS, ARGUMENT_OPTIONAL, cmd_bdat, NULL, false,
	    "CHUNKING",
	    "BDAT length [LAST]", "send so many bytes of the message" },
	{ SLICE("RSET"), ALWAYS, ARGUMENT_NONE, cmd_rset, NULL, false,
	    NULL,
	    "RSET", "forget the message that was begun" },
	{ SLICE("VRFY"), ALWAYS, ARGUMENT_REQUIRED, cmd_vrfy, check_login,
	    false, "VRFY",
	    "VRFY user@example.com", "ask whether an address takes mail" },
	{ SLICE("EXPN"), ALWAYS, ARGUMENT_REQUIRED, cmd_expn, check_expn,
	    true, "EXPN",
	    "EXPN list@example.com", "ask who is behind an alias" },
	{ SLICE("STARTTLS"), PHASE_START | PHASE_READY, ARGUMENT_NONE,
	    cmd_starttls, check_starttls, true, "STARTTLS",
	    "STARTTLS", "encrypt the connection" },
	{ SLICE("AUTH"), PHASE_READY, ARGUMENT_REQUIRED, cmd_auth,
	    check_auth, true, "AUTH$mechanisms",
	    "AUTH mechanism [response]", "log in" },
	{ SLICE("ETRN"), PHASE_READY, ARGUMENT_REQUIRED, cmd_etrn,
	    check_etrn, true, "ETRN",
	    "ETRN domain.example.com", "send what waits for the domain" },
	{ SLICE("XCLIENT"), PHASE_START | PHASE_READY, ARGUMENT_REQUIRED,
	    cmd_xclient, check_xclient, true,
	    "XCLIENT NAME ADDR PORT PROTO HELO LOGIN DESTADDR DESTPORT",
	    "XCLIENT ADDR=192.0.2.1 ...", "speak for another client" },
	{ SLICE("XFORWARD"), PHASE_START | PHASE_READY, ARGUMENT_REQUIRED,
	    cmd_xforward, check_xforward, true,
	    "XFORWARD NAME ADDR PORT PROTO HELO IDENT",
	    "XFORWARD ADDR=192.0.2.1 ...", "say where a message came from" },
	{ SLICE("NOOP"), ALWAYS, ARGUMENT_OPTIONAL, cmd_smtp_noop, NULL, false,
	    NULL,
	    "NOOP", "do nothing" },
	{ SLICE("HELP"), ALWAYS, ARGUMENT_OPTIONAL, cmd_help, NULL, false,
	    "HELP",
	    "HELP [command]", "show this" },
	{ SLICE("QUIT"), ALWAYS, ARGUMENT_NONE, cmd_quit, NULL, false,
	    NULL,
	    "QUIT", "end the session" },
	{ SLICE(""), 0, ARGUMENT_NONE, NULL, NULL, false, NULL, "", "" },
};
/* clang-format on */

const char *
command_verb(size_t row)
{
	return smtp_command_table[row].verb.ptr;
}

static bool
command_is_offered(const struct session *session, const struct command *command)
{
	return !command->is_extension || command->check(session) == NULL;
}

static size_t
command_find(struct slice verb)
{
	size_t row;

	for (row = 0; smtp_command_table[row].verb.len > 0; row++)
		if (slice_eq_nocase(smtp_command_table[row].verb, verb))
			break;
	return row;
}

static void
announce_extension(struct session *session, const struct extension *extension)
{
	char text[2 * EXTENSION_TEXT_SIZE],
	    parameters[EXTENSION_TEXT_SIZE] = "";

	if (extension->is_offered != NULL && !extension->is_offered(session))
		return;
	if (extension->parameters != NULL)
		extension->parameters(session, parameters);
	snprintf(text, sizeof(text), "%s%s%s", extension->keyword,
	    parameters[0] == '\0' ? "" : " ", parameters);
	reply_add_more(session, (struct reply){ 250, "", text });
}

/* "$" begins what depends on the connection. */
static void
announce_command(struct session *session, const struct command *command)
{
	struct slice name, variable;
	struct buf text;

	buf_init(&text, LIMIT_SMTP_COMMAND);
	slice_cut(slice_of(command->keyword), '$', &name, &variable);
	buf_add(&text, name);
	if (variable.len > 0)
		sasl_list(session->connection->mechanisms, " ", &text);
	reply_add_more(session, (struct reply){ 250, "", buf_string(&text) });
	buf_free(&text);
}

/* One EHLO line per keyword; the caller adds the host name before them. */
void
command_announce(struct session *session)
{
	const struct command *command;

	for (size_t i = 0; extension_table[i].keyword != NULL; i++)
		announce_extension(session, &extension_table[i]);
	for (command = smtp_command_table; command->verb.len > 0; command++) {
		if (!command_is_offered(session, command) ||
		    command->keyword == NULL)
			continue;
		announce_command(session, command);
	}
}

static void
command_help_line(struct session *session, const struct command *command)
{
	char text[160];

	snprintf(
	    text, sizeof(text), "%-31s %s", command->syntax, command->help);
	reply_add_more(session, (struct reply){ 214, "2.0.0", text });
}

void
command_help(struct session *session, struct slice verb)
{
	size_t row = command_find(verb);
	const struct command *command = &smtp_command_table[row];

	if (verb.len > 0 && command->verb.len > 0) {
		command_help_line(session, command);
	} else {
		for (command = smtp_command_table; command->verb.len > 0;
		     command++)
			if (command_is_offered(session, command))
				command_help_line(session, command);
	}
	reply_add(
	    session, (struct reply){ 214, "2.0.0", "End of HELP (RFC 5321)" });
}

/* What the client has to do first, from the phases the command allows. */
static void
command_bad_sequence(struct session *session, const struct command *command)
{
	char text[128];

	if (session->phase == PHASE_START)
		snprintf(text, sizeof(text), "Send HELO or EHLO first");
	else if (command->phases < (unsigned int)session->phase)
		snprintf(text, sizeof(text),
		    "%s is not allowed now: a message was begun, end it or "
		    "send RSET",
		    command->verb.ptr);
	else if (session->phase == PHASE_READY)
		snprintf(text, sizeof(text), "Send MAIL first");
	else
		snprintf(text, sizeof(text),
		    "Send RCPT first: no recipient was accepted yet");
	reply_reject(session, (struct reply){ 503, "5.5.1", text });
}

static void
command_bad_argument(struct session *session, const struct command *command,
    const struct why *why)
{
	char text[WHY_TEXT_SIZE + 128];

	if (why->text[0] == '\0')
		snprintf(text, sizeof(text), "Syntax: %s", command->syntax);
	else
		snprintf(text, sizeof(text), "%s (syntax: %s)", why->text,
		    command->syntax);
	reply_reject(session,
	    (struct reply){
		501, why->status[0] == '\0' ? "5.5.4" : why->status, text });
}

/* "FROM:" or "TO:", any case, blanks around the colon. */
static bool
argument_keyword(struct slice *text, struct slice keyword)
{
	struct slice rest = *text;

	if (!slice_starts_nocase(rest, keyword))
		return false;
	rest = slice_trim(slice_from(rest, keyword.len));
	if (rest.len == 0 || rest.ptr[0] != ':')
		return false;
	*text = slice_from(rest, 1);
	return true;
}

static bool
argument_parse(struct session *session, const struct command *command,
    struct argument *argument, struct why *why)
{
	/* UTF-8 is refused later, when SMTPUTF8 was not given. */
	static const struct address_syntax sender = { .may_be_null = true,
		.may_be_utf8 = true };
	static const struct address_syntax recipient = { .may_be_local = true,
		.may_be_utf8 = true };
	struct slice text = argument->text;
	bool is_sender = command->form == ARGUMENT_REVERSE_PATH;

	switch (command->form) {
	case ARGUMENT_NONE:
		return text.len == 0;
	case ARGUMENT_OPTIONAL:
		return true;
	case ARGUMENT_REQUIRED:
		return text.len > 0;
	case ARGUMENT_REVERSE_PATH:
	case ARGUMENT_FORWARD_PATH:
		break;
	}
	if (!argument_keyword(&text, is_sender ? S("FROM") : S("TO")))
		return false;
	if (!address_parse_path(&text, is_sender ? sender : recipient,
		session->arena, &argument->path, why))
		return false;
	argument->parameters = text;
	return true;
}

static void
command_dispatch(struct session *session, const struct command *command,
    struct argument *argument)
{
	const struct reply *refusal = NULL;
	struct why why = { .text = "" };

	if (command->check != NULL)
		refusal = command->check(session);
	if (refusal != NULL && command->is_extension)
		reply_error(session, *refusal);
	else if ((command->phases & session->phase) == 0)
		command_bad_sequence(session, command);
	else if (refusal != NULL)
		reply_reject(session, *refusal);
	else if (!argument_parse(session, command, argument, &why))
		command_bad_argument(session, command, &why);
	else
		command->handle(session, argument);
}

static void
command_unknown(struct session *session, struct slice verb)
{
	static const struct reply empty = { 500, "5.5.2",
		"An empty line: type a command, HELP lists them" };
	static const struct reply unknown = { 500, "5.5.1",
		"Unknown command, HELP lists the ones there are" };
	static const struct reply many = { 421, "4.7.0",
		"Too many unknown commands, closing the connection" };

	reply_error(session, verb.len == 0 ? empty : unknown);
	if (++session->unknown >= LIMIT_SMTP_UNKNOWN &&
	    session->mode != MODE_CLOSED)
		reply_goodbye(session, many);
}

/*
 * Telnet's option negotiation (RFC 854): IAC, WILL to DONT, option; IAC IAC
 * is a byte 255; any other IAC command is two bytes long. Clients send it
 * unasked when they connect to a port that is not 23.
 */
static struct slice
command_skip_telnet(struct session *session, struct slice line)
{
	const unsigned char *bytes = (const unsigned char *)line.ptr;
	enum {
		IAC = 255,
		WILL = 251
	};
	char *kept;
	size_t n = 0, i = 0;

	if (slice_index(line, (char)IAC) == line.len)
		return line;
	kept = arena_alloc(session->arena, line.len);
	if (kept == NULL)
		return line;
	while (i < line.len) {
		if (bytes[i] != IAC) {
			kept[n++] = line.ptr[i++];
			continue;
		}
		i += i + 1 < line.len && bytes[i + 1] >= WILL &&
			     bytes[i + 1] < IAC
			 ? 3
			 : 2;
	}
	return slice_make(kept, n);
}

/* Why the line cannot be a command at all, or NULL. */
static const struct reply *
command_line_refusal(enum line_status status, struct slice line)
{
	static const struct reply too_long = { 500, "5.5.2",
		"The line is too long" };
	static const struct reply bare_cr = { 500, "5.5.2",
		"A carriage return stands inside the line: lines end in CRLF" };
	static const struct reply control = { 500, "5.5.2",
		"A control character (backspace?) is in the line, type it "
		"again" };

	if (status == LINE_TOO_LONG)
		return &too_long;
	if (status == LINE_BARE_CR)
		return &bare_cr;
	if (line.len > LIMIT_SMTP_COMMAND &&
	    !slice_starts_nocase(line, S("AUTH ")))
		return &too_long;
	for (size_t i = 0; i < line.len; i++)
		if ((line.ptr[i] >= 0 && line.ptr[i] < ' ' &&
			line.ptr[i] != '\t') ||
		    line.ptr[i] == 0x7f)
			return &control;
	return NULL;
}

void
command_run(struct session *session, enum line_status status, struct slice line)
{
	const struct reply *refusal;
	struct argument argument = { .text = { NULL, 0 } };
	struct slice verb = { NULL, 0 };

	arena_reset(session->arena);
	line = command_skip_telnet(session, line);
	session->verb = command_find(S(""));
	refusal = command_line_refusal(status, line);
	if (refusal != NULL) {
		reply_error(session, *refusal);
		return;
	}
	argument.text = line;
	slice_token(&argument.text, S(" \t"), &verb);
	argument.text = slice_trim(argument.text);
	session->verb = command_find(verb);
	session->seen[session->verb]++;
	session->is_typed = status == LINE_BARE_LF;
	if (smtp_command_table[session->verb].verb.len == 0)
		command_unknown(session, verb);
	else
		command_dispatch(
		    session, &smtp_command_table[session->verb], &argument);
}
