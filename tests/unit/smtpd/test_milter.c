/* SPDX-License-Identifier: ISC */
#include "config.h"

#include <string.h>

#include "common/limits.h"

#include "smtpd/milter.h"

#include "tests/unit/unit.h"

#define ACTIONS "\0\0\1\xff"
#define STEPS   "\0\x1f\xf7\xff"

static const struct milter_macro macros[] = {
	{ SLICE("j"), SLICE("mx.test") },
	{ SLICE("i"), SLICE("ID1") },
	{ SLICE("{auth_authen}"), SLICE("") },
	{ SLICE("{odd}"), SLICE("v") },
	{ { NULL, 0 }, { NULL, 0 } },
};

struct play {
	struct milter milter;
	struct milter_said said;
	struct buf out;
};

static void
begin(struct play *p)
{
	milter_init(&p->milter, macros);
	buf_init(&p->out, 1 << 20);
}

static void
finish(struct play *p)
{
	milter_clear(&p->milter);
	buf_free(&p->out);
}

static enum milter_answer
feed_bytes(struct play *p, struct slice bytes)
{
	enum milter_answer answer = MILTER_MORE;
	struct slice one;

	while (bytes.len > 0 && answer == MILTER_MORE) {
		one = slice_first(bytes, 1);
		bytes = slice_from(bytes, 1);
		answer = milter_answer(&p->milter, &one, &p->said);
		if (answer == MILTER_BAD)
			return answer;
	}
	assert_int_equal(bytes.len, 0);
	return answer;
}

/* One packet: command and data. */
static enum milter_answer
feed(struct play *p, struct slice packet)
{
	char head[4] = { (char)(packet.len >> 24), (char)(packet.len >> 16),
		(char)(packet.len >> 8), (char)packet.len };
	enum milter_answer answer;
	struct buf all;

	buf_init(&all, 1 << 20);
	buf_add(&all, slice_make(head, 4));
	buf_add(&all, packet);
	answer = feed_bytes(p, buf_slice(&all));
	buf_free(&all);
	return answer;
}

#define SAID(p, bytes)                                                         \
	do {                                                                   \
		assert_slice_equal(buf_slice(&(p)->out), S(bytes));            \
		buf_clear(&(p)->out);                                          \
	} while (0)

static void
agree(struct play *p, struct slice actions, struct slice steps)
{
	struct buf packet;

	milter_negotiate(&p->milter, 6, &p->out);
	SAID(p, "\0\0\0\x0dO\0\0\0\6" ACTIONS STEPS);
	buf_init(&packet, 64);
	buf_add(&packet, S("O\0\0\0\6"));
	buf_add(&packet, actions);
	buf_add(&packet, steps);
	assert_int_equal(feed(p, buf_slice(&packet)), MILTER_NEGOTIATED);
	buf_free(&packet);
}

#define NONE S("\0\0\0\0")
#define ALL  S(ACTIONS)

static void
a_whole_session_is_said_byte_by_byte(void **state)
{
	struct netaddr peer = { 0 };
	struct play p = { .said = { .code = 0 } };
	struct milter *m = &p.milter;

	(void)state;
	begin(&p);
	agree(&p, ALL, NONE);
	assert_true(netaddr_parse(S("192.0.2.7"), &peer));
	peer.port = 258;
	milter_connect(m, S("c.test"), &peer, &p.out);
	SAID(&p, "\0\0\0\x0c"
		 "DCj\0mx.test\0"
		 "\0\0\0\x15"
		 "Cc.test\0"
		 "4\1\2"
		 "192.0.2.7\0");
	assert_int_equal(feed(&p, S("c")), MILTER_CONTINUE);
	milter_helo(m, S("helo.test"), &p.out);
	SAID(&p, "\0\0\0\x0bHhelo.test\0");
	assert_int_equal(feed(&p, S("c")), MILTER_CONTINUE);
	milter_mail(m, S("a@b"), S("SIZE=5 BODY=8BITMIME"), &p.out);
	SAID(&p, "\0\0\0\x08"
		 "DMi\0ID1\0"
		 "\0\0\0\x1c"
		 "M<a@b>\0SIZE=5\0BODY=8BITMIME\0");
	assert_int_equal(feed(&p, S("c")), MILTER_CONTINUE);
	milter_rcpt(m, S("c@d"), &p.out);
	buf_clear(&p.out);
	assert_int_equal(feed(&p, S("c")), MILTER_CONTINUE);
	milter_data(m, &p.out);
	SAID(&p, "\0\0\0\x08"
		 "DTi\0ID1\0"
		 "\0\0\0\1T");
	assert_int_equal(feed(&p, S("c")), MILTER_CONTINUE);
	milter_header(m, S("Subject"), S("  a\r\n\tb"), &p.out);
	SAID(&p, "\0\0\0\x0eLSubject\0a\n\tb\0");
	assert_int_equal(feed(&p, S("c")), MILTER_CONTINUE);
	milter_end_of_header(m, &p.out);
	buf_clear(&p.out);
	assert_int_equal(feed(&p, S("c")), MILTER_CONTINUE);
	milter_body(m, S("x\0y\r\n"), &p.out);
	SAID(&p, "\0\0\0\6Bx\0y\r\n");
	assert_int_equal(feed(&p, S("c")), MILTER_CONTINUE);
	milter_end(m, &p.out);
	buf_clear(&p.out);
	assert_int_equal(feed(&p, S("p")), MILTER_PROGRESS);
	assert_int_equal(feed(&p, S("c")), MILTER_CONTINUE);
	milter_abort(m, &p.out);
	SAID(&p, "\0\0\0\1A");
	milter_abort(m, &p.out);
	SAID(&p, "");
	milter_quit(m, &p.out);
	SAID(&p, "\0\0\0\1Q");
	finish(&p);
}

struct offer {
	const char *name;
	struct slice packet;
	enum milter_answer answer;
};

#define OFFER(text, packet, answer)                                            \
	{                                                                      \
		text, SLICE(packet), answer                                    \
	}

static const struct offer offers[] = {
	OFFER("version 2", "O\0\0\0\2\0\0\0\x3f\0\0\0\x7f", MILTER_NEGOTIATED),
	OFFER("version 1", "O\0\0\0\1\0\0\0\0\0\0\0\0", MILTER_BAD),
	OFFER("version 7", "O\0\0\0\7\0\0\0\0\0\0\0\0", MILTER_BAD),
	OFFER("unoffered action", "O\0\0\0\6\0\0\2\0\0\0\0\0", MILTER_BAD),
	OFFER("unoffered step", "O\0\0\0\6\0\0\0\0\0\0\x08\0", MILTER_BAD),
	OFFER("short", "O\0\0\0\6\0\0\0\0\0\0\0", MILTER_BAD),
	OFFER("not an O", "c", MILTER_BAD),
	OFFER("list", "O\0\0\0\6\0\0\0\0\0\0\0\0\0\0\0\2i {odd}\0",
	    MILTER_NEGOTIATED),
	OFFER("list without end", "O\0\0\0\6\0\0\0\0\0\0\0\0\0\0\0\2i",
	    MILTER_BAD),
	OFFER("list of no stage", "O\0\0\0\6\0\0\0\0\0\0\0\0\0\0\0\7i\0",
	    MILTER_BAD),
	OFFER("cut list", "O\0\0\0\6\0\0\0\0\0\0\0\0\0\0", MILTER_BAD),
};

static void
negotiation_takes_what_was_offered_and_no_more(void **state)
{
	struct play p = { .said = { .code = 0 } };

	(void)state;
	for (size_t i = 0; i < sizeof(offers) / sizeof(offers[0]); i++) {
		begin(&p);
		milter_negotiate(&p.milter, 6, &p.out);
		assert_int_equal(feed(&p, offers[i].packet), offers[i].answer);
		finish(&p);
	}
	/* As version 2 only the old bits are offered. */
	begin(&p);
	milter_negotiate(&p.milter, 2, &p.out);
	SAID(&p, "\0\0\0\x0dO\0\0\0\2\0\0\0\x3f\0\0\0\x7f");
	assert_int_equal(feed(&p, S("O\0\0\0\6\0\0\0\0\0\0\0\0")), MILTER_BAD);
	finish(&p);
}

static void
a_list_of_macros_replaces_ours_for_its_stage(void **state)
{
	struct play p = { .said = { .code = 0 } };

	(void)state;
	begin(&p);
	milter_negotiate(&p.milter, 6, &p.out);
	buf_clear(&p.out);
	assert_int_equal(feed(&p, S("O\0\0\0\6\0\0\1\0\0\0\0\0"
				    "\0\0\0\2{odd} {auth_authen} no\0")),
	    MILTER_NEGOTIATED);
	milter_mail(&p.milter, S(""), S(""), &p.out);
	SAID(&p, "\0\0\0\x0a"
		 "DM{odd}\0v\0"
		 "\0\0\0\4M<>\0");
	finish(&p);
}

static void
what_the_filter_waived_is_neither_said_nor_waited_for(void **state)
{
	struct play p = { .said = { .code = 0 } };
	struct milter *m = &p.milter;

	(void)state;
	begin(&p);
	/* no helo, silent mail, silent headers, silent body, leading space */
	agree(&p, NONE, S("\0\x18\x40\x82"));
	milter_helo(m, S("x"), &p.out);
	SAID(&p, "");
	assert_false(m->is_waiting);
	milter_mail(m, S("a@b"), S(""), &p.out);
	buf_clear(&p.out);
	assert_false(m->is_waiting);
	milter_header(m, S("A"), S("  b"), &p.out);
	SAID(&p, "\0\0\0\7LA\0  b\0");
	assert_false(m->is_waiting);
	milter_body(m, S("b"), &p.out);
	SAID(&p, "\0\0\0\2Bb");
	assert_false(m->is_waiting);
	milter_end(m, &p.out);
	assert_true(m->is_waiting);
	finish(&p);
	/* Version 2 has no DATA. */
	begin(&p);
	milter_negotiate(m, 6, &p.out);
	buf_clear(&p.out);
	assert_int_equal(
	    feed(&p, S("O\0\0\0\2\0\0\0\0\0\0\0\0")), MILTER_NEGOTIATED);
	milter_mail(m, S("a@b"), S(""), &p.out);
	buf_clear(&p.out);
	assert_int_equal(feed(&p, S("c")), MILTER_CONTINUE);
	milter_data(m, &p.out);
	SAID(&p, "");
	finish(&p);
}

struct sample {
	struct slice packet;
	enum milter_answer answer;
	uint32_t code;
	const char *status, *text;
};

#define SAMPLE(packet, answer, code, status, text)                             \
	{                                                                      \
		SLICE(packet), answer, code, status, text                      \
	}

static const struct sample samples[] = {
	SAMPLE("a", MILTER_ACCEPT, 0, "", ""),
	SAMPLE("d", MILTER_DISCARD, 0, "", ""),
	SAMPLE("r", MILTER_REFUSE, 554, "5.7.1", "refused by the mail filter"),
	SAMPLE("t", MILTER_REFUSE, 451, "4.7.1",
	    "the mail filter puts this off, try again later"),
	SAMPLE("f", MILTER_CLOSE, 421, "4.7.1",
	    "the mail filter closes the connection"),
	SAMPLE("4", MILTER_CLOSE, 421, "4.7.1",
	    "the mail filter closes the connection"),
	SAMPLE("y550 5.7.9 no 100%% spam\0", MILTER_REFUSE, 550, "5.7.9",
	    "no 100% spam"),
	SAMPLE("y550-5.7.9 a\r\n550 5.7.9 b\0", MILTER_REFUSE, 550, "5.7.9",
	    "a b"),
	SAMPLE("y450 4.9 x\0", MILTER_REFUSE, 450, "4.7.1", "4.9 x"),
	SAMPLE("y550 4.7.1 x\x1b\0", MILTER_REFUSE, 550, "5.7.1", "4.7.1 x?"),
	SAMPLE("y421 go\0", MILTER_CLOSE, 421, "4.7.1", "go"),
	SAMPLE("y550\0", MILTER_REFUSE, 550, "5.7.1", ""),
	SAMPLE("y250 ok\0", MILTER_BAD, 0, NULL, NULL),
	SAMPLE("y600 ok\0", MILTER_BAD, 0, NULL, NULL),
	SAMPLE("y550-a\r\n450 b\0", MILTER_BAD, 0, NULL, NULL),
	SAMPLE("yab\0", MILTER_BAD, 0, NULL, NULL),
	SAMPLE("y550 x", MILTER_BAD, 0, NULL, NULL),
	SAMPLE("y550 x\0y", MILTER_BAD, 0, NULL, NULL),
	SAMPLE("z", MILTER_BAD, 0, NULL, NULL),
	SAMPLE("O\0\0\0\6\0\0\0\0\0\0\0\0", MILTER_BAD, 0, NULL, NULL),
	SAMPLE("s", MILTER_BAD, 0, NULL, NULL),
	SAMPLE("hX\0y\0", MILTER_EDIT, 0, "", ""),
	SAMPLE("hX\0y", MILTER_BAD, 0, NULL, NULL),
	SAMPLE("h\0y\0", MILTER_BAD, 0, NULL, NULL),
	SAMPLE("hX\0y\0z", MILTER_BAD, 0, NULL, NULL),
	SAMPLE("i\0\0\0", MILTER_BAD, 0, NULL, NULL),
	SAMPLE("+a@b", MILTER_BAD, 0, NULL, NULL),
	SAMPLE("q", MILTER_BAD, 0, NULL, NULL),
	SAMPLE("qwhy\0", MILTER_HOLD, 0, "", "why"),
};

static void
to_end(struct play *p, struct slice actions)
{
	begin(p);
	agree(p, actions, S("\0\x18\x40\x80"));
	milter_mail(&p->milter, S("a@b"), S(""), &p->out);
	milter_end(&p->milter, &p->out);
	buf_clear(&p->out);
}

static void
each_answer_is_read_or_is_bad(void **state)
{
	const struct sample *sample;
	struct play p = { .said = { .code = 0 } };

	(void)state;
	for (size_t i = 0; i < sizeof(samples) / sizeof(samples[0]); i++) {
		sample = &samples[i];
		to_end(&p, ALL);
		assert_int_equal(feed(&p, sample->packet), sample->answer);
		if (sample->answer != MILTER_BAD) {
			assert_int_equal(p.said.code, sample->code);
			assert_string_equal(p.said.status, sample->status);
			assert_string_equal(p.said.text, sample->text);
		} else {
			/* It is not spoken to again. */
			milter_abort(&p.milter, &p.out);
			milter_quit(&p.milter, &p.out);
			SAID(&p, "");
		}
		finish(&p);
	}
}

struct edit_sample {
	struct slice packet;
	enum verify_edit kind;
	uint32_t index;
	const char *name, *value;
	struct slice without; /* every right but the one it needs */
};

#define EDIT(packet, kind, index, name, value, without)                        \
	{                                                                      \
		SLICE(packet), kind, index, name, value, SLICE(without)        \
	}

static const struct edit_sample edits[] = {
	EDIT("hX-A\0v\0", EDIT_HEADER_ADD, 0, "X-A", "v", "\0\0\1\xfe"),
	EDIT("i\0\0\0\3X\0v\0", EDIT_HEADER_INSERT, 3, "X", "v", "\0\0\1\xfe"),
	EDIT("m\0\0\0\2X\0\0", EDIT_HEADER_CHANGE, 2, "X", "", "\0\0\1\xef"),
	EDIT("bnew\r\n", EDIT_BODY, 0, "", "new\r\n", "\0\0\1\xfd"),
	EDIT("b", EDIT_BODY, 0, "", "", "\0\0\1\xfd"),
	EDIT("e<a@b>\0", EDIT_SENDER, 0, "", "<a@b>", "\0\0\1\xbf"),
	EDIT("+<c@d>\0", EDIT_RCPT_ADD, 0, "", "<c@d>", "\0\0\1\xfb"),
	EDIT("2<c@d>\0NOTIFY=NEVER\0", EDIT_RCPT_ADD, 0, "", "<c@d>",
	    "\0\0\1\x7f"),
	EDIT("-<c@d>\0", EDIT_RCPT_DELETE, 0, "", "<c@d>", "\0\0\1\xf7"),
};

static void
each_edit_needs_its_right_and_its_time(void **state)
{
	const struct edit_sample *edit;
	struct play p = { .said = { .code = 0 } };

	(void)state;
	for (size_t i = 0; i < sizeof(edits) / sizeof(edits[0]); i++) {
		edit = &edits[i];
		to_end(&p, ALL);
		assert_int_equal(feed(&p, edit->packet), MILTER_EDIT);
		assert_int_equal(p.said.edit.kind, edit->kind);
		assert_int_equal(p.said.edit.index, edit->index);
		assert_slice_equal(p.said.edit.name, slice_of(edit->name));
		assert_slice_equal(p.said.edit.value, slice_of(edit->value));
		assert_int_equal(feed(&p, S("c")), MILTER_CONTINUE);
		finish(&p);
		to_end(&p, edit->without);
		assert_int_equal(feed(&p, edit->packet), MILTER_BAD);
		finish(&p);
		begin(&p);
		agree(&p, ALL, NONE);
		milter_mail(&p.milter, S("a@b"), S(""), &p.out);
		assert_int_equal(feed(&p, edit->packet), MILTER_BAD);
		finish(&p);
	}
}

static void
a_verdict_ends_what_it_is_about(void **state)
{
	struct play p = { .said = { .code = 0 } };
	struct milter *m = &p.milter;

	(void)state;
	begin(&p);
	agree(&p, ALL, S("\0\0\4\0"));
	/* A recipient that is refused ends nothing. */
	milter_mail(m, S("a@b"), S(""), &p.out);
	assert_int_equal(feed(&p, S("c")), MILTER_CONTINUE);
	milter_rcpt(m, S("c@d"), &p.out);
	assert_int_equal(feed(&p, S("r")), MILTER_REFUSE);
	assert_int_equal(p.said.code, 550);
	assert_true(milter_wants(m, MILTER_RCPT));
	/* Skip ends the body, and not the message. */
	milter_body(m, S("x"), &p.out);
	assert_int_equal(feed(&p, S("s")), MILTER_CONTINUE);
	assert_false(milter_wants(m, MILTER_BODY));
	assert_true(milter_wants(m, MILTER_END));
	/* Accept ends the message, the next one is asked about. */
	milter_end(m, &p.out);
	assert_int_equal(feed(&p, S("a")), MILTER_ACCEPT);
	assert_false(milter_wants(m, MILTER_BODY));
	milter_mail(m, S("a@b"), S(""), &p.out);
	assert_true(m->is_waiting);
	assert_int_equal(feed(&p, S("d")), MILTER_DISCARD);
	buf_clear(&p.out);
	milter_rcpt(m, S("c@d"), &p.out);
	SAID(&p, "");
	/* At HELO it is about the connection. */
	milter_helo(m, S("x"), &p.out);
	assert_int_equal(feed(&p, S("a")), MILTER_ACCEPT);
	buf_clear(&p.out);
	milter_mail(m, S("a@b"), S(""), &p.out);
	SAID(&p, "");
	finish(&p);
}

static void
sizes_are_bounded(void **state)
{
	static const struct {
		const char *head;
		enum milter_answer answer;
	} heads[] = {
		{ "\0\2\0\0b", MILTER_MORE }, /* LIMIT_MILTER_PACKET */
		{ "\0\2\0\1b", MILTER_BAD },
		{ "\0\0\0\0b", MILTER_BAD },
		{ "\xff\xff\xff\xff", MILTER_BAD },
	};
	struct play p = { .said = { .code = 0 } };
	struct slice bytes;

	(void)state;
	assert_int_equal(LIMIT_MILTER_PACKET, 0x20000);
	for (size_t i = 0; i < sizeof(heads) / sizeof(heads[0]); i++) {
		to_end(&p, ALL);
		bytes = slice_make(heads[i].head, 5);
		assert_int_equal(
		    milter_answer(&p.milter, &bytes, &p.said), heads[i].answer);
		finish(&p);
	}
	/* And nobody speaks unasked. */
	begin(&p);
	assert_int_equal(feed(&p, S("c")), MILTER_BAD);
	finish(&p);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_whole_session_is_said_byte_by_byte),
		cmocka_unit_test(
		    negotiation_takes_what_was_offered_and_no_more),
		cmocka_unit_test(a_list_of_macros_replaces_ours_for_its_stage),
		cmocka_unit_test(
		    what_the_filter_waived_is_neither_said_nor_waited_for),
		cmocka_unit_test(each_answer_is_read_or_is_bad),
		cmocka_unit_test(each_edit_needs_its_right_and_its_time),
		cmocka_unit_test(a_verdict_ends_what_it_is_about),
		cmocka_unit_test(sizes_are_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
