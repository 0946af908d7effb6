/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "tests/unit/unit.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "queue/mailq.h"
#include "queue/mailq_group.h"

#define NOON 1795262400 /* Sat Nov 21 12:00:00 2026 UTC */

static struct spool_recipient recipients[3];
static struct reason reasons[3];
static struct spool_message message;

static struct mailq_item
sample(void)
{
	static const char *const addresses[] = { "bob@there.test",
		"done@there.test", "eve@far.test" };

	memset(recipients, 0, sizeof(recipients));
	memset(reasons, 0, sizeof(reasons));
	memset(&message, 0, sizeof(message));
	for (size_t i = 0; i < 3; i++) {
		recipients[i].status = RECIPIENT_TODO;
		recipients[i].address = slice_of(addresses[i]);
	}
	recipients[1].status = RECIPIENT_DONE;
	reasons[0].text = S("connect to mx[192.0.2.1]:25: refused");
	reasons[2].text = reasons[0].text;
	memcpy(message.id, "6C32BNCB0GAEX", SPOOL_ID_SIZE);
	message.created = NOON;
	message.sender = S("alice@here.test");
	message.body_length = 1500;
	message.recipient_count = 3;
	message.recipients = recipients;
	message.schedule.attempts = 2;
	message.schedule.next = NOON + 3600 + 360;
	return (struct mailq_item){
		.message = &message, .reasons = reasons, .state = MAILQ_DEFERRED
	};
}

static int
set_zone(void **state)
{
	(void)state;
	return setenv("TZ", "UTC0", 1);
}

static void
the_listing_is_postfixs(void **state)
{
	struct mailq_item item = sample();
	struct mailq_totals totals = { 0 };
	struct buf out;

	(void)state;
	buf_init(&out, 65536);
	mailq_print_classic(&out, &item, true);
	mailq_totals_add(&totals, &item);
	item.state = MAILQ_HELD;
	message.sender = S("");
	reasons[0].text = S("");
	reasons[2].text = S("");
	mailq_print_classic(&out, &item, false);
	mailq_totals_add(&totals, &item);
	mailq_print_classic_end(&out, &totals);
	assert_string_equal(buf_string(&out),
	    "-Queue ID- --Size-- ----Arrival Time---- "
	    "-Sender/Recipient-------\n"
	    "6C32BNCB0GAEX     1500 Sat Nov 21 12:00:00  alice@here.test\n"
	    "                                        "
	    "(connect to mx[192.0.2.1]:25: refused)\n"
	    "                                            bob@there.test\n"
	    "                                            eve@far.test\n"
	    "\n"
	    "6C32BNCB0GAEX!    1500 Sat Nov 21 12:00:00  MAILER-DAEMON\n"
	    "                                            bob@there.test\n"
	    "                                            eve@far.test\n"
	    "\n"
	    "-- 3 Kbytes in 2 Requests.\n");
	buf_free(&out);
}

/* FUTURERELEASE: by whom and until when. */
static void
what_its_sender_holds_says_until_when(void **state)
{
	struct mailq_item item = sample();
	struct buf out;

	(void)state;
	item.state = MAILQ_HELD;
	item.waits_for_sender = true;
	item.held_until = NOON + 3600;
	message.options.hold_until = NOON + 3600;
	message.options.priority = -2;
	reasons[0].text = reasons[2].text = S("");
	buf_init(&out, 65536);
	mailq_print_classic(&out, &item, false);
	assert_string_equal(buf_string(&out),
	    "\n"
	    "6C32BNCB0GAEX!    1500 Sat Nov 21 12:00:00  alice@here.test\n"
	    "                                        "
	    "(held until Sat Nov 21 13:00:00 2026)\n"
	    "                                            bob@there.test\n"
	    "                                            eve@far.test\n");
	buf_clear(&out);
	mailq_print_line(&out, &item, NOON + 60, false);
	assert_non_null(strstr(buf_string(&out),
	    "   held  alice@here.test  bob@there.test  held until "));
	buf_clear(&out);
	mailq_print_json(&out, &item);
	assert_non_null(
	    strstr(buf_string(&out), "\"hold_until\": 1795266000, "));
	buf_clear(&out);
	mailq_print_envelope(&out, &item);
	assert_non_null(strstr(buf_string(&out),
	    "hold       held until Sat Nov 21 13:00:00 2026\n"
	    "priority   -2\n"));
	buf_free(&out);
}

static void
an_empty_queue_says_so(void **state)
{
	struct mailq_totals totals = { 0 };
	struct buf out;

	(void)state;
	buf_init(&out, 1024);
	mailq_print_classic_end(&out, &totals);
	assert_string_equal(buf_string(&out), "Mail queue is empty\n");
	buf_free(&out);
}

static void
one_request_is_not_plural(void **state)
{
	struct mailq_item item = sample();
	struct mailq_totals totals = { 0 };
	struct buf out;

	(void)state;
	buf_init(&out, 1024);
	mailq_totals_add(&totals, &item);
	mailq_print_classic_end(&out, &totals);
	assert_string_equal(buf_string(&out), "\n-- 2 Kbytes in 1 Request.\n");
	buf_free(&out);
}

static void
a_line_per_recipient_tells_when_and_why(void **state)
{
	struct mailq_item item = sample();
	struct buf out;

	(void)state;
	buf_init(&out, 4096);
	reasons[2].text = S("");
	mailq_print_line(&out, &item, NOON + 3600, true);
	assert_string_equal(buf_string(&out),
	    "ID                AGE    SIZE TRY    NEXT  FROM  TO  WHY\n"
	    "6C32BNCB0GAEX      1h    1.5K   2      6m  alice@here.test  "
	    "bob@there.test  connect to mx[192.0.2.1]:25: refused\n"
	    "6C32BNCB0GAEX      1h    1.5K   2      6m  alice@here.test  "
	    "eve@far.test  -\n");
	buf_free(&out);
}

static void
json_is_one_escaped_object(void **state)
{
	struct mailq_item item = sample();
	struct buf out;

	(void)state;
	buf_init(&out, 4096);
	reasons[0].text = S("said \"no\"\\ \n");
	message.recipient_count = 1;
	mailq_print_json(&out, &item);
	assert_string_equal(buf_string(&out),
	    "{\"queue_name\": \"deferred\", \"queue_id\": "
	    "\"6C32BNCB0GAEX\", \"arrival_time\": 1795262400, "
	    "\"message_size\": 1500, \"attempts\": 2, \"next\": 1795266360, "
	    "\"sender\": \"alice@here.test\", \"recipients\": [{\"address\": "
	    "\"bob@there.test\", \"delay_reason\": "
	    "\"said \\\"no\\\"\\\\ \\u000a\"}]}\n");
	buf_free(&out);
}

static void
selections_match_what_they_say(void **state)
{
	static const struct {
		const char *words[4];
		bool expected;
	} rows[] = {
		{ { "all" }, true },
		{ { NULL }, true },
		{ { "6C32BNCB0GAEX" }, true },
		{ { "6c32bncb0gaex" }, true },
		{ { "6C32-BNCB0-GAEX" }, true },
		{ { "6C32BNCB0GAEY" }, false },
		{ { "6C32BNCB0GAEY", "6C32BNCB0GAEX" }, true },
		{ { "from=alice@here.test" }, true },
		{ { "from=ALICE@*" }, true },
		{ { "from=bob@*" }, false },
		{ { "to=eve@far.test" }, true },
		{ { "domain=far.test" }, true },
		{ { "domain=there" }, false },
		{ { "domain=*.test", "from=nobody" }, false },
		{ { "to=bob@*", "domain=far.test" }, false },
	};
	struct mailq_item item = sample();
	struct mailq_selection *selection = test_calloc(1, sizeof(*selection));
	char words[3][32], *pointers[4];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		memset(pointers, 0, sizeof(pointers));
		for (size_t j = 0; rows[i].words[j] != NULL; j++) {
			slice_to_array(slice_of(rows[i].words[j]), words[j],
			    sizeof(words[j]));
			pointers[j] = words[j];
		}
		assert_true(mailq_selection_parse(selection, pointers, NULL));
		assert_int_equal(mailq_selection_matches(selection, &item),
		    rows[i].expected);
	}
	test_free(selection);
}

static void
what_is_no_selection_is_refused(void **state)
{
	char word[] = "subject=x", *words[] = { word, NULL };
	struct mailq_selection *selection = test_calloc(1, sizeof(*selection));
	struct why why = { 0 };

	(void)state;
	assert_false(mailq_selection_parse(selection, words, &why));
	assert_non_null(strstr(why.text, "subject=x"));
	test_free(selection);
}

static void
what_varies_does_not_split_a_reason(void **state)
{
	static const struct {
		const char *text, *expected;
	} rows[] = {
		{ "connect to mx1.far.test[192.0.2.1]:25: timed out",
		    "connect to # timed out" },
		{ "450 4.2.0 <x@far.test>: Greylisted, try in 300 seconds",
		    "450 4.2.0 # Greylisted, try in # seconds" },
		{ "a  b", "a b" },
		{ "\x1b[31mred", "#" },
		{ "", "" },
	};
	struct buf out;

	(void)state;
	buf_init(&out, MAILQ_GROUP_TEXT);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		buf_clear(&out);
		mailq_group_reason(&out, slice_of(rows[i].text));
		if (i != 3)
			assert_string_equal(buf_string(&out), rows[i].expected);
		assert_null(memchr(out.ptr, '\x1b', out.len));
	}
	buf_free(&out);
}

static void
reasons_come_by_how_many_wait(void **state)
{
	struct mailq_groups *groups = mailq_groups_new();
	struct mailq_item item = sample();
	struct buf out;

	(void)state;
	buf_init(&out, 65536);
	reasons[2].text = S("450 4.2.0 busy");
	mailq_groups_add(groups, &item);
	message.created = NOON - 3600;
	reasons[0].text = S("connect to mx[192.0.2.2]:25: refused");
	mailq_groups_add(groups, &item);
	item.state = MAILQ_HELD;
	mailq_groups_add(groups, &item);
	mailq_groups_add(groups, &item);
	mailq_groups_print(&out, groups, NOON);
	assert_string_equal(buf_string(&out),
	    "  COUNT  OLDEST  ID             WHY  (DOMAINS)\n"
	    "      4      1h  6C32BNCB0GAEX  on hold  (there.test, far.test)\n"
	    "      2      1h  6C32BNCB0GAEX  450 4.2.0 busy  (far.test)\n"
	    "      2      1h  6C32BNCB0GAEX  connect to # refused  "
	    "(there.test)\n");
	message.created = NOON;
	buf_free(&out);
	mailq_groups_free(&groups);
}

/* A hostile host could answer differently each time. */
static void
too_many_reasons_are_counted_together(void **state)
{
	struct mailq_groups *groups = mailq_groups_new();
	struct mailq_item item = sample();
	char text[16];
	struct buf out;

	(void)state;
	buf_init(&out, 1 << 20);
	reasons[2].text = S("same");
	for (unsigned int i = 0; i < MAILQ_GROUPS_MAX + 9; i++) {
		for (unsigned int j = 0; j < 4; j++)
			text[j] = (char)('a' + (i >> 4 * j & 15));
		reasons[0].text = slice_make(text, 4);
		mailq_groups_add(groups, &item);
	}
	mailq_groups_print(&out, groups, NOON);
	assert_non_null(
	    strstr(buf_string(&out), "     10      0s  "
				     "6C32BNCB0GAEX  other reasons"));
	buf_free(&out);
	mailq_groups_free(&groups);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_listing_is_postfixs),
		cmocka_unit_test(what_its_sender_holds_says_until_when),
		cmocka_unit_test(an_empty_queue_says_so),
		cmocka_unit_test(one_request_is_not_plural),
		cmocka_unit_test(a_line_per_recipient_tells_when_and_why),
		cmocka_unit_test(json_is_one_escaped_object),
		cmocka_unit_test(selections_match_what_they_say),
		cmocka_unit_test(what_is_no_selection_is_refused),
		cmocka_unit_test(what_varies_does_not_split_a_reason),
		cmocka_unit_test(reasons_come_by_how_many_wait),
		cmocka_unit_test(too_many_reasons_are_counted_together),
	};

	return cmocka_run_group_tests(tests, set_zone, NULL);
}
