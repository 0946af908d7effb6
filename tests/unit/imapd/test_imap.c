/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "tests/unit/unit.h"

#include <stdio.h>

#include "common/buf.h"

#include "imapd/command.h"
#include "imapd/fetch.h"
#include "imapd/login.h"
#include "imapd/pattern.h"
#include "imapd/reader.h"

#define ARENA 1048576

static void
commands_parse_or_say_why(void **state)
{
	static const struct {
		const char *text;
		unsigned int state;
		bool ok;
	} cases[] = {
		{ "a NOOP", STATE_NONE, true },
		{ "a noop ", STATE_NONE, true },
		{ "a NOOP x", STATE_NONE, false },
		{ "", STATE_NONE, false },
		{ "a", STATE_NONE, false },
		{ "+ NOOP", STATE_NONE, false },
		{ "a SELECT INBOX", STATE_NONE, true },
		{ "a SELECT \"IN\\\"BOX\"", STATE_NONE, true },
		{ "a SELECT \"INBOX", STATE_NONE, false },
		{ "a SELECT {5}\r\nINBOX", STATE_NONE, true },
		{ "a SELECT {6}\r\nINBOX", STATE_NONE, false },
		{ "a FETCH 1 FLAGS", STATE_NONE, false },
		{ "a FETCH 1 FLAGS", STATE_SELECTED, true },
		{ "a FETCH 0 FLAGS", STATE_SELECTED, false },
		{ "a FETCH 1:*,3 (UID BODY[1.2.HEADER.FIELDS (A B)]<0.9>)",
		    STATE_SELECTED, true },
		{ "a FETCH 1 BODY[MIME]", STATE_SELECTED, false },
		{ "a FETCH 1 BODY[]<0.0>", STATE_SELECTED, false },
		{ "a FETCH 1 RFC822.PEEK", STATE_SELECTED, true },
		{ "a UID FETCH 1 ALL", STATE_SELECTED, true },
		{ "a UID NOOP", STATE_SELECTED, false },
		{ "a UID EXPUNGE 1:3", STATE_SELECTED, true },
		{ "a STORE 1 +FLAGS (\\Seen kw)", STATE_SELECTED, true },
		{ "a STORE 1 FLAGS.SILENT \\Seen \\Draft", STATE_SELECTED,
		    true },
		{ "a STORE 1 FLAGS (\\Nonsense)", STATE_SELECTED, false },
		{ "a SEARCH CHARSET UTF-8 OR SEEN (FROM x NOT 1:3)",
		    STATE_SELECTED, true },
		{ "a SEARCH OR SEEN", STATE_SELECTED, false },
		{ "a SEARCH SINCE 1-Feb-2026 UNKEYWORD k", STATE_SELECTED,
		    true },
		{ "a SEARCH SINCE 31-Feb", STATE_SELECTED, false },
		{ "a LIST (SPECIAL-USE) \"\" % RETURN (CHILDREN)", STATE_NONE,
		    true },
		{ "a STATUS INBOX (MESSAGES UNSEEN)", STATE_NONE, true },
		{ "a STATUS INBOX ()", STATE_NONE, false },
		{ "a ID (\"name\" NIL)", STATE_NONE, true },
	};
	struct command command;
	const char *error;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct arena *arena = arena_new("test", ARENA);
		bool ok = command_parse(&command, slice_of(cases[i].text),
		    cases[i].state, arena, &error);

		if (ok != cases[i].ok)
			fail_msg("%s", cases[i].text);
		assert_int_equal(error == NULL, ok);
		arena_free(&arena);
	}
}

/* Each row with its least argument, in each state. */
static void
every_verb_keeps_to_its_states(void **state)
{
	static const unsigned int states[] = { STATE_NONE, STATE_SELECTED };
	struct command command;
	const char *error;
	char text[64];

	(void)state;
	for (const struct command_row *row = command_table; row->verb.len > 0;
	     row++)
		for (size_t i = 0; i < 2; i++) {
			struct arena *arena = arena_new("test", ARENA);

			snprintf(text, sizeof(text), "a %s", row->verb.ptr);
			if (command_parse(&command, slice_of(text), states[i],
				arena, &error))
				assert_true((row->states & states[i]) != 0);
			else if ((row->states & states[i]) == 0)
				assert_string_equal(
				    error, "Select a mailbox first");
			arena_free(&arena);
		}
}

static void
nested_searches_are_bounded(void **state)
{
	struct arena *arena = arena_new("test", ARENA);
	struct command command;
	const char *error;
	struct buf text;

	(void)state;
	buf_init(&text, ARENA);
	buf_add(&text, S("a SEARCH "));
	for (int i = 0; i < 5000; i++)
		buf_add(&text, S("NOT "));
	buf_add(&text, S("SEEN"));
	assert_false(command_parse(
	    &command, buf_slice(&text), STATE_SELECTED, arena, &error));
	assert_string_equal(error, "The search is nested too deep");
	buf_free(&text);
	arena_free(&arena);
}

static void
sequence_sets_resolve_and_join(void **state)
{
	struct arena *arena = arena_new("test", ARENA);
	struct sequence_set set;
	struct parse parse;

	(void)state;
	parse_begin(&parse, S("7,*:5,1:2,3"), arena);
	assert_true(parse_sequence_set(&parse, &set));
	sequence_set_resolve(&set, 9);
	assert_int_equal(set.count, 2);
	assert_true(sequence_set_contains(&set, 3));
	assert_false(sequence_set_contains(&set, 4));
	assert_true(sequence_set_contains(&set, 9));
	assert_false(sequence_set_contains(&set, 10));
	arena_free(&arena);
}

static void
patterns_match_as_rfc_3501_says(void **state)
{
	static const struct {
		const char *pattern, *name;
		bool ok;
	} cases[] = {
		{ "*", "a/b", true },
		{ "%", "a/b", false },
		{ "%", "a", true },
		{ "a/%", "a/b", true },
		{ "%/%", "a/b", true },
		{ "*b", "a/b", true },
		{ "inbox", "INBOX", true },
		{ "A", "a", false },
		{ "", "", true },
		{ "a*b%c", "axxbyc", true },
		{ "a*b%c", "axxb/c", false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_int_equal(pattern_matches(slice_of(cases[i].pattern),
				     slice_of(cases[i].name)),
		    cases[i].ok);
}

/* Feed input in pieces of size step; note what the reader gives. */
static void
read_all(struct slice input, size_t step, struct buf *notes)
{
	struct reader reader;
	struct slice piece, data;
	enum reader_status status;

	reader_init(&reader, 1000, 1000);
	while (input.len > 0) {
		piece = slice_first(input, step);
		input = slice_from(input, step);
		while ((status = reader_next(&reader, &piece, &data)) !=
		       READER_MORE) {
			if (status == READER_DATA) {
				buf_add(notes, data);
				continue;
			}
			buf_add_format(notes, "[%d:", (int)status);
			if (status == READER_COMMAND)
				buf_add(notes, buf_slice(&reader.command));
			buf_add_char(notes, ']');
			if (status != READER_LITERAL)
				continue;
			if (reader.literal_size == 7)
				reader_stream(&reader);
			else if (reader.literal_size == 9 ||
				 !reader_collect(&reader))
				reader_refuse(&reader);
		}
	}
	reader_free(&reader);
}

static void
commands_do_not_depend_on_how_they_are_split(void **state)
{
	static const struct slice input =
	    SLICE("a NOOP\r\nb LOGIN {3}\r\nabc {0+}\r\n\r\nc NOOP\nd APPEND x "
		  "{7}\r\n1234567\r\ne X {9+}\r\n123456789 y {3+}\r\nabc\r\n"
		  "f {9}\r\ng NOOP\r\n");
	struct buf whole, split;

	(void)state;
	buf_init(&whole, 10000);
	read_all(input, input.len, &whole);
	assert_string_equal(buf_string(&whole),
	    "[1:a NOOP][2:][2:][1:b LOGIN {3}\r\nabc {0+}\r\n][1:c NOOP]"
	    "[2:]1234567[4:][1:][2:][2:][1:g NOOP]");
	for (size_t step = 1; step < input.len; step++) {
		buf_init(&split, 10000);
		read_all(input, step, &split);
		assert_string_equal(buf_string(&split), buf_string(&whole));
		buf_free(&split);
	}
	buf_free(&whole);
}

static const struct listener imap = { .name = "imap" };

static void
converse(bool may_clear, const char *input, enum login_effect expected,
    const char *replies)
{
	char hostname[] = "h";
	struct settings settings = { .hostname = hostname };
	struct connection connection = { .settings = &settings,
		.listener = &imap,
		.may_auth_in_clear = may_clear,
		.mechanisms = AUTH_PLAIN | AUTH_SCRAM };
	struct slice in = slice_of(input);
	struct login login;

	login_init(&login, &connection);
	buf_clear(&login.replies);
	assert_int_equal(login_step(&login, &in), expected);
	assert_string_equal(buf_string(&login.replies), replies);
	login_clear(&login);
}

static void
logins_go_as_rfc_3501_says(void **state)
{
	(void)state;
	converse(true, "a LOGIN u p\r\n", LOGIN_AUTH, "");
	converse(
	    true, "a LOGIN {1}\r\nu {1+}\r\np\r\n", LOGIN_AUTH, "+ OK\r\n");
	converse(true, "a AUTHENTICATE PLAIN AHUAcA==\r\n", LOGIN_AUTH, "");
	converse(
	    true, "a AUTHENTICATE PLAIN\r\nAHUAcA==\r\n", LOGIN_AUTH, "+ \r\n");
	converse(true, "a AUTHENTICATE PLAIN\r\n*\r\n", LOGIN_READ,
	    "+ \r\na BAD Authentication was cancelled\r\n");
	converse(true, "a AUTHENTICATE LOGIN\r\n", LOGIN_READ,
	    "a NO [CANNOT] Unknown mechanism, see CAPABILITY\r\n");
	converse(
	    true, "a AUTHENTICATE SCRAM-SHA-256 Zmlyc3Q=\r\n", LOGIN_AUTH, "");
	converse(true, "a CAPABILITY\r\n", LOGIN_READ,
	    "* CAPABILITY IMAP4rev1 LITERAL- SASL-IR ID IDLE STARTTLS "
	    "AUTH=SCRAM-SHA-256 AUTH=PLAIN\r\na OK Capability completed\r\n");
	converse(true, "a STARTTLS\r\nb NOOP\r\n", LOGIN_STARTTLS,
	    "a OK Begin TLS now\r\n");
	converse(true, "a LOGOUT\r\n", LOGIN_CLOSE,
	    "* BYE Goodbye\r\na OK Logout completed\r\n");
	converse(true, "a SELECT INBOX\r\n", LOGIN_READ,
	    "a BAD Unknown command, or log in first\r\n");
	converse(true, "a LOGIN {5000}\r\n", LOGIN_CLOSE,
	    "* BYE [TOOBIG] A literal here has at most 4096 bytes\r\n");
	converse(false, "a CAPABILITY\r\n", LOGIN_READ,
	    "* CAPABILITY IMAP4rev1 LITERAL- SASL-IR ID IDLE STARTTLS "
	    "LOGINDISABLED\r\na OK Capability completed\r\n");
	converse(false, "a LOGIN u p\r\n", LOGIN_READ,
	    "a NO [PRIVACYREQUIRED] Use STARTTLS first, passwords do not go "
	    "in clear here\r\n");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(commands_parse_or_say_why),
		cmocka_unit_test(every_verb_keeps_to_its_states),
		cmocka_unit_test(nested_searches_are_bounded),
		cmocka_unit_test(sequence_sets_resolve_and_join),
		cmocka_unit_test(patterns_match_as_rfc_3501_says),
		cmocka_unit_test(commands_do_not_depend_on_how_they_are_split),
		cmocka_unit_test(logins_go_as_rfc_3501_says),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
