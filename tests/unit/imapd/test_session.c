/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "tests/unit/unit.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/buf.h"
#include "common/mailbox/mailbox.h"

#include "imapd/session.h"

#define ROOM 100000

/* A session over a Maildir of its own; what it says collects in said. */
struct fixture {
	struct settings settings;
	struct user user;
	struct mailbox *mailbox;
	struct output output;
	struct session session;
	struct buf said;
};

static bool
collect(void *context, struct slice bytes)
{
	struct fixture *fixture = context;

	return buf_add(&fixture->said, bytes);
}

static void
fixture_open(struct fixture *f)
{
	char directory[] = "/tmp/merpati-imap-XXXXXX";
	struct why why = { 0 };

	memset(f, 0, sizeof(*f));
	f->settings.message_size_limit = ROOM;
	assert_non_null(mkdtemp(directory));
	snprintf(f->user.mail, sizeof(f->user.mail), "%s/Maildir/", directory);
	snprintf(f->user.home, sizeof(f->user.home), "%s", directory);
	f->mailbox = mailbox_open(&f->user, &why);
	assert_non_null(f->mailbox);
	buf_init(&f->said, ROOM);
	output_init(&f->output, collect, f);
	session_init(&f->session, &f->settings, f->mailbox, &f->output);
}

static int
remove_entry(
    const char *path, const struct stat *status, int kind, struct FTW *where)
{
	(void)status;
	(void)kind;
	(void)where;
	return remove(path);
}

static void
fixture_close(struct fixture *f)
{
	session_clear(&f->session);
	output_free(&f->output);
	mailbox_close(&f->mailbox);
	buf_free(&f->said);
	nftw(f->user.home, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
}

static void
say(struct fixture *f, const char *input)
{
	buf_clear(&f->said);
	session_step(&f->session, slice_of(input));
	output_flush(&f->output);
}

static void
expect(struct fixture *f, const char *input, const char *replies)
{
	say(f, input);
	assert_string_equal(buf_string(&f->said), replies);
}

static void
append(struct fixture *f, const char *flags, const char *message)
{
	char text[2048];

	snprintf(text, sizeof(text), "p APPEND INBOX (%s) {%zu+}\r\n%s\r\n",
	    flags, strlen(message), message);
	say(f, text);
	assert_true(slice_find(buf_slice(&f->said), S("p OK [APPENDUID")) <
		    f->said.len);
}

static void
searches_find_what_rfc_3501_says(void **state)
{
	static const struct {
		const char *keys, *found;
	} cases[] = {
		{ "ALL", " 1 2 3" },
		{ "SEEN", " 1" },
		{ "NOT SEEN", " 2 3" },
		{ "OR SEEN KEYWORD work", " 1 2" },
		{ "UNKEYWORD work", " 1 3" },
		{ "2:*", " 2 3" },
		{ "UID 3", " 3" },
		{ "FROM alice", " 1" },
		{ "SUBJECT FLUSS", " 2" },
		{ "CHARSET UTF-8 SUBJECT {5+}\r\n\xc3\x9c"
		  "BER",
		    " 2" },
		{ "BODY inside", " 3" },
		{ "BODY alice", "" },
		{ "TEXT alice", " 1" },
		{ "HEADER X-Test \"\"", " 1" },
		{ "SENTBEFORE 1-Jan-2021", " 1" },
		{ "SENTON 5-May-2020 SEEN", " 1" },
		{ "SMALLER 1", "" },
		{ "(SEEN UNSEEN)", "" },
	};
	struct fixture f;
	char input[256], replies[256];

	(void)state;
	fixture_open(&f);
	append(&f, "\\Seen",
	    "From: Alice <a@b>\r\nX-Test: 1\r\n"
	    "Date: Tue, 5 May 2020 23:30:00 -0500\r\n\r\nbody\r\n");
	append(
	    &f, "work", "Subject: =?iso-8859-1?q?=FCber?= Fluss\r\n\r\nx\r\n");
	append(&f, "\\Draft",
	    "Content-Transfer-Encoding: base64\r\n\r\naW5zaWRl\r\n");
	say(&f, "s SELECT INBOX\r\n");
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		snprintf(
		    input, sizeof(input), "a SEARCH %s\r\n", cases[i].keys);
		snprintf(replies, sizeof(replies),
		    "* SEARCH%s\r\na OK Search completed\r\n", cases[i].found);
		expect(&f, input, replies);
	}
	expect(&f, "a SEARCH CHARSET X-NONE ALL\r\n",
	    "a NO [BADCHARSET (UTF-8 US-ASCII ISO-8859-1)] Unknown "
	    "charset\r\n");
	fixture_close(&f);
}

static void
expunges_wait_for_a_command_that_may_tell(void **state)
{
	struct fixture f;

	(void)state;
	fixture_open(&f);
	append(&f, "\\Deleted", "Subject: 1\r\n\r\n1\r\n");
	append(&f, "\\Seen", "Subject: 2\r\n\r\n2\r\n");
	say(&f, "s SELECT INBOX\r\n");
	expect(&f, "a FETCH 2 (BODY[TEXT] UID)\r\n",
	    "* 2 FETCH (BODY[TEXT] {3}\r\n2\r\n UID 2)\r\n"
	    "a OK Fetch completed\r\n");
	expect(&f, "a FETCH 3 UID\r\n",
	    "a BAD There is no message of that number, the last is 2\r\n");
	expect(
	    &f, "a EXPUNGE\r\n", "* 1 EXPUNGE\r\na OK Expunge completed\r\n");
	expect(&f, "a UID FETCH 1:* FLAGS\r\n",
	    "* 1 FETCH (UID 2 FLAGS (\\Seen))\r\na OK Fetch completed\r\n");
	say(&f, "a EXAMINE INBOX\r\n");
	expect(&f, "a STORE 1 FLAGS ()\r\n",
	    "a NO [READ-ONLY] The mailbox was opened by EXAMINE\r\n");
	fixture_close(&f);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(searches_find_what_rfc_3501_says),
		cmocka_unit_test(expunges_wait_for_a_command_that_may_tell),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
