/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "queue/enqueue_access.h"

#include "tests/unit/unit.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/fsutil.h"

static const struct value_case {
	const char *value;
	enum access_action action;
	uint32_t code;
	const char *status, *text;
} values[] = {
	{ "OK", ACCESS_OK, 0, "", "" },
	{ " ok ", ACCESS_OK, 0, "", "" },
	{ "OK then", ACCESS_BROKEN, 0, "", "" },
	{ "REJECT", ACCESS_REFUSE, 554, "5.7.1", "access denied" },
	{ "REJECT go away", ACCESS_REFUSE, 554, "5.7.1", "go away" },
	{ "REJECT 550 go", ACCESS_REFUSE, 550, "5.7.1", "go" },
	{ "REJECT 550 5.1.8 go", ACCESS_REFUSE, 550, "5.1.8", "go" },
	{ "REJECT 450 4.1.8 go", ACCESS_REFUSE, 450, "4.1.8", "go" },
	{ "REJECT 550", ACCESS_REFUSE, 550, "5.7.1", "access denied" },
	{ "REJECT 550 4.1.8 go", ACCESS_REFUSE, 550, "5.7.1", "4.1.8 go" },
	{ "REJECT 399 go", ACCESS_REFUSE, 554, "5.7.1", "399 go" },
	{ "REJECT 600 go", ACCESS_REFUSE, 554, "5.7.1", "600 go" },
	{ "REJECT 250 Ok", ACCESS_REFUSE, 554, "5.7.1", "250 Ok" },
	{ "DEFER", ACCESS_REFUSE, 450, "4.7.1", "not now, try again later" },
	{ "DEFER 451 4.3.0 busy", ACCESS_REFUSE, 451, "4.3.0", "busy" },
	{ "HOLD", ACCESS_HOLD, 0, "", "by the access table" },
	{ "HOLD look", ACCESS_HOLD, 0, "", "look" },
	{ "DISCARD", ACCESS_DISCARD, 0, "", "" },
	{ "", ACCESS_BROKEN, 0, "", "" },
	{ "RELAY", ACCESS_BROKEN, 0, "", "" },
};

static void
values_say_what_is_done(void **state)
{
	struct access_result result;

	(void)state;
	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
		access_parse(slice_of(values[i].value), &result);
		if (result.action != values[i].action)
			fail_msg("%s: %d", values[i].value, (int)result.action);
		assert_int_equal(result.reply.code, values[i].code);
		assert_string_equal(result.reply.status, values[i].status);
		assert_string_equal(result.reply.text, values[i].text);
	}
}

static const char table_text[] = "client:192.0.2.0/24 REJECT wide\n"
				 "client:192.0.2.128/25 REJECT narrow\n"
				 "client:192.0.2.200 OK\n"
				 "client:2001:db8::/32 DEFER six\n"
				 "client:.dsl.test REJECT dsl\n"
				 "client:mail.dsl.test OK\n"
				 "helo:localhost REJECT liar\n"
				 "sender:a@x.test REJECT one\n"
				 "sender:x.test OK\n"
				 "sender:.x.test REJECT below\n"
				 "sender:news@ HOLD\n"
				 "sender:<> DEFER null\n"
				 "recipient:sales@here.test OK\n"
				 "recipient:broken@here.test WHAT\n";

static struct table *
open_table(char path[64])
{
	struct table *table;

	snprintf(path, 64, "/tmp/test_access.%ld", (long)getpid());
	assert_true(
	    fs_replace(AT_FDCWD, path, slice_of(table_text), 0600, NULL));
	table = table_open(path, TABLE_KEY_VALUE, NULL, NULL);
	assert_non_null(table);
	return table;
}

static void
the_longest_network_holds_then_names(void **state)
{
	static const struct {
		const char *address, *name, *text;
		enum access_action action;
	} cases[] = {
		{ "192.0.2.1", "", "wide", ACCESS_REFUSE },
		{ "192.0.2.129", "", "narrow", ACCESS_REFUSE },
		{ "192.0.2.200", "", "", ACCESS_OK },
		{ "192.0.3.1", "", "", ACCESS_NONE },
		{ "192.0.2.1", "mail.dsl.test", "wide", ACCESS_REFUSE },
		{ "192.0.3.1", "a.dsl.test", "dsl", ACCESS_REFUSE },
		{ "192.0.3.1", "MAIL.dsl.test", "", ACCESS_OK },
		{ "192.0.3.1", "dsl.test", "", ACCESS_NONE },
		{ "2001:db8:5::1", "", "six", ACCESS_REFUSE },
		{ "2001:db9::1", "", "", ACCESS_NONE },
	};
	struct arena *arena = arena_new("test", 1 << 20);
	struct access_result result;
	struct table *table;
	char path[64];

	(void)state;
	table = open_table(path);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct access_client client = { .name =
						    slice_of(cases[i].name) };

		assert_true(
		    netaddr_parse(slice_of(cases[i].address), &client.addr));
		access_find_client(table, &client, arena, &result);
		if (result.action != cases[i].action)
			fail_msg("%s", cases[i].address);
		assert_string_equal(result.reply.text, cases[i].text);
	}
	table_close(&table);
	unlink(path);
	arena_free(&arena);
}

static void
addresses_then_domains_then_users(void **state)
{
	static const struct {
		const char *kind, *address;
		enum access_action action;
		const char *text;
	} cases[] = {
		{ "sender", "a@x.test", ACCESS_REFUSE, "one" },
		{ "sender", "A@X.test", ACCESS_REFUSE, "one" },
		{ "sender", "b@x.test", ACCESS_OK, "" },
		{ "sender", "b@y.x.test", ACCESS_REFUSE, "below" },
		{ "sender", "news@y.test", ACCESS_HOLD, "by the access table" },
		{ "sender", "news@x.test", ACCESS_OK, "" },
		{ "sender", "", ACCESS_REFUSE, "null" },
		{ "sender", "b@y.test", ACCESS_NONE, "" },
		{ "recipient", "a@x.test", ACCESS_NONE, "" },
		{ "recipient", "sales@here.test", ACCESS_OK, "" },
		{ "recipient", "broken@here.test", ACCESS_REFUSE,
		    "the access table of this host has an error, try again "
		    "later" },
		{ "recipient", "local", ACCESS_NONE, "" },
	};
	struct arena *arena = arena_new("test", 1 << 20);
	struct access_result result;
	struct table *table;
	char path[64];

	(void)state;
	table = open_table(path);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		access_find_address(table, cases[i].kind,
		    slice_of(cases[i].address), arena, &result);
		if (result.action != cases[i].action)
			fail_msg("%s", cases[i].address);
		assert_string_equal(result.reply.text, cases[i].text);
	}
	access_find_helo(table, S("LOCALHOST"), arena, &result);
	assert_int_equal(result.action, ACCESS_REFUSE);
	access_find_helo(table, S("x.localhost"), arena, &result);
	assert_int_equal(result.action, ACCESS_NONE);
	access_find_helo(NULL, S("localhost"), arena, &result);
	assert_int_equal(result.action, ACCESS_NONE);
	table_close(&table);
	unlink(path);
	arena_free(&arena);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(values_say_what_is_done),
		cmocka_unit_test(the_longest_network_holds_then_names),
		cmocka_unit_test(addresses_then_domains_then_users),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
