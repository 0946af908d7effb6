/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "tests/unit/unit.h"

#include <string.h>

#include "queue/command.h"
#include "queue/reason.h"

#define ID "6C32BN8A7CKZB"

static void
good_lines_become_commands(void **state)
{
	static const struct {
		const char *line;
		enum command_verb verb;
		enum command_object object;
	} rows[] = {
		{ "retry all", COMMAND_RETRY, COMMAND_ALL },
		{ "retry " ID, COMMAND_RETRY, COMMAND_ID },
		{ "retry domain=there.test", COMMAND_RETRY, COMMAND_DOMAIN },
		{ "hold " ID, COMMAND_HOLD, COMMAND_ID },
		{ "release " ID, COMMAND_RELEASE, COMMAND_ID },
		{ "delete " ID, COMMAND_DELETE, COMMAND_ID },
		{ "bounce " ID, COMMAND_BOUNCE, COMMAND_ID },
		{ "reload", COMMAND_RELOAD, COMMAND_NOTHING },
		{ "pickup", COMMAND_PICKUP, COMMAND_NOTHING },
	};
	struct command command;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_true(command_parse(slice_of(rows[i].line), &command));
		assert_int_equal(command.verb, rows[i].verb);
		assert_int_equal(command.object, rows[i].object);
		if (command.object == COMMAND_ID)
			assert_string_equal(command.id, ID);
		if (command.object == COMMAND_DOMAIN)
			assert_slice_equal(command.domain, S("there.test"));
	}
}

static void
anything_else_is_refused(void **state)
{
	static const char *const rows[] = { "", " ", "retry", "retry ",
		"retry  all", "delete all", "delete domain=x", "hold",
		"reload all", "RETRY all", "retry domain=", "delete " ID "0",
		"delete 6C32BN8A7CKZ", "delete 6c32bn8a7ckzb", "pickup x",
		"delete ../../etc/pas" };
	struct command command;
	char endless[2 * COMMAND_LINE_MAX];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_false(command_parse(slice_of(rows[i]), &command));
	memset(endless, 'a', sizeof(endless));
	memcpy(endless, "retry domain=", 13);
	assert_false(
	    command_parse(slice_make(endless, sizeof(endless)), &command));
}

static void
reason_lines_are_read_back(void **state)
{
	struct reason reason;
	size_t index;

	(void)state;
	assert_true(reason_parse(
	    S("3 T 4.4.1 mx[192.0.2.1]:25 said: 450 no"), &index, &reason));
	assert_int_equal(index, 3);
	assert_int_equal(reason.status, 'T');
	assert_slice_equal(reason.code, S("4.4.1"));
	assert_slice_equal(reason.remote, S("mx[192.0.2.1]:25"));
	assert_slice_equal(reason.text, S("said: 450 no"));
	assert_true(reason_parse(S("0 F 5.1.1 - no user"), &index, &reason));
	assert_int_equal(reason.remote.len, 0);
	assert_false(reason_parse(S("0 X 5.1.1 - no"), &index, &reason));
	assert_false(reason_parse(S("zero F 5.1.1 - no"), &index, &reason));
	assert_false(reason_parse(S(""), &index, &reason));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(good_lines_become_commands),
		cmocka_unit_test(anything_else_is_refused),
		cmocka_unit_test(reason_lines_are_read_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
