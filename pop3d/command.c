/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "pop3d/command.h"

#include "common/auth.h"

#define BEFORE POP3_AUTHORIZATION
#define AFTER  POP3_TRANSACTION

/* clang-format off: a table reads best as one. */
const struct pop3_command pop3_commands[POP3_VERBS] = {
	{ SLICE("CAPA"), POP3_CAPA, BEFORE | AFTER, POP3_NO_ARGUMENT, "CAPA" },
	{ SLICE("USER"), POP3_USER, BEFORE, POP3_WORD, "USER name" },
	{ SLICE("PASS"), POP3_PASS, BEFORE, POP3_REST, "PASS password" },
	{ SLICE("AUTH"), POP3_AUTH, BEFORE, POP3_WORDS,
	    "AUTH PLAIN [initial-response]" },
	{ SLICE("STLS"), POP3_STLS, BEFORE, POP3_NO_ARGUMENT, "STLS" },
	{ SLICE("APOP"), POP3_APOP, BEFORE, POP3_WORDS, "USER name" },
	{ SLICE("STAT"), POP3_STAT, AFTER, POP3_NO_ARGUMENT, "STAT" },
	{ SLICE("LIST"), POP3_LIST, AFTER, POP3_MESSAGE_OPTIONAL,
	    "LIST [message]" },
	{ SLICE("RETR"), POP3_RETR, AFTER, POP3_MESSAGE, "RETR message" },
	{ SLICE("DELE"), POP3_DELE, AFTER, POP3_MESSAGE, "DELE message" },
	{ SLICE("NOOP"), POP3_NOOP, BEFORE | AFTER, POP3_NO_ARGUMENT, "NOOP" },
	{ SLICE("RSET"), POP3_RSET, AFTER, POP3_NO_ARGUMENT, "RSET" },
	{ SLICE("TOP"), POP3_TOP, AFTER, POP3_MESSAGE_LINES,
	    "TOP message lines" },
	{ SLICE("UIDL"), POP3_UIDL, AFTER, POP3_MESSAGE_OPTIONAL,
	    "UIDL [message]" },
	{ SLICE("QUIT"), POP3_QUIT, BEFORE | AFTER, POP3_NO_ARGUMENT, "QUIT" },
};

enum condition {
	ALWAYS,
	WHEN_LOGIN,
	WHEN_AUTH,
	WHEN_STLS,
	WHEN_LOGGED_IN
};

static const struct {
	const char *line;
	enum condition condition;
} capabilities[] = {
	{ "TOP", ALWAYS },
	{ "UIDL", ALWAYS },
	{ "RESP-CODES", ALWAYS },
	{ "AUTH-RESP-CODE", ALWAYS },
	{ "PIPELINING", ALWAYS },
	{ "USER", WHEN_LOGIN },
	{ "SASL", WHEN_AUTH },
	{ "STLS", WHEN_STLS },
	{ "IMPLEMENTATION Merpati", WHEN_LOGGED_IN },
};
/* clang-format on */

static bool
condition_holds(const struct pop3_offer *offer, enum condition condition)
{
	switch (condition) {
	case WHEN_LOGIN:
		return offer->may_login;
	case WHEN_AUTH:
		return offer->may_login && offer->mechanisms != 0;
	case WHEN_STLS:
		return offer->may_stls && offer->state == POP3_AUTHORIZATION;
	case WHEN_LOGGED_IN:
		return offer->state == POP3_TRANSACTION;
	default:
		return true;
	}
}

void
pop3_capabilities(const struct pop3_offer *offer, struct buf *out)
{
	buf_add(out, S("+OK Capability list follows\r\n"));
	for (size_t i = 0; i < sizeof(capabilities) / sizeof(capabilities[0]);
	     i++) {
		if (!condition_holds(offer, capabilities[i].condition))
			continue;
		buf_add_string(out, capabilities[i].line);
		if (capabilities[i].condition == WHEN_AUTH)
			sasl_list(offer->mechanisms, " ", out);
		buf_add(out, S("\r\n"));
	}
	buf_add(out, S(".\r\n"));
}

static const struct pop3_command *
find_command(struct slice verb)
{
	for (size_t i = 0; i < POP3_VERBS; i++)
		if (slice_eq_nocase(pop3_commands[i].name, verb))
			return &pop3_commands[i];
	return NULL;
}

/* "0007" is 7; nothing but digits. */
static bool
parse_number(struct slice text, uint64_t *number)
{
	return slice_u64(text, UINT32_MAX, number);
}

static bool
parse_arguments(struct slice rest, struct pop3_line *line)
{
	struct slice blanks = S(" \t"), more;
	bool has_first, has_second;

	if (line->command->grammar == POP3_REST) {
		line->argument = rest;
		return rest.len > 0;
	}
	has_first = slice_token(&rest, blanks, &line->argument);
	has_second = slice_token(&rest, blanks, &line->second);
	if (slice_token(&rest, blanks, &more))
		return false;
	switch (line->command->grammar) {
	case POP3_NO_ARGUMENT:
		return !has_first;
	case POP3_WORD:
		return has_first && !has_second;
	case POP3_WORDS:
		return true;
	case POP3_MESSAGE_OPTIONAL:
		line->has_number = has_first;
		return !has_second &&
		       (!has_first ||
			   parse_number(line->argument, &line->number));
	case POP3_MESSAGE_LINES:
		return has_second &&
		       parse_number(line->argument, &line->number) &&
		       parse_number(line->second, &line->lines);
	default:
		return has_first && !has_second &&
		       parse_number(line->argument, &line->number);
	}
}

bool
pop3_parse(struct slice text, enum pop3_state state, struct pop3_line *line,
    struct buf *out)
{
	struct slice verb, rest;

	*line = (struct pop3_line){ 0 };
	slice_cut(text, ' ', &verb, &rest);
	line->command = find_command(slice_trim(verb));
	if (line->command == NULL) {
		buf_add(out, S("-ERR Unknown command\r\n"));
		return false;
	}
	if ((line->command->states & state) == 0) {
		buf_add_string(
		    out, state == POP3_AUTHORIZATION
			     ? "-ERR Log in first: USER and PASS, or AUTH\r\n"
			     : "-ERR You are logged in already\r\n");
		return false;
	}
	if (!parse_arguments(rest, line)) {
		buf_add_format(out, "-ERR Usage: %s\r\n", line->command->usage);
		return false;
	}
	return true;
}
