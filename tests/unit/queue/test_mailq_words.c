/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "tests/unit/unit.h"

#include <string.h>

#include "queue/mailq_words.h"

#define ID  "6C32BN8A7CKZB"
#define NOW 1795669200

static bool
parse(const char *const *words, struct mailq_words *out, struct why *why)
{
	char copies[8][128], *list[9] = { NULL };

	memset(why, 0, sizeof(*why));
	for (size_t i = 0; words[i] != NULL; i++) {
		(void)slice_to_array(
		    slice_of(words[i]), copies[i], sizeof(copies[i]));
		list[i] = copies[i];
	}
	return mailq_words_parse(out, list, NOW, why);
}

static void
commands_take_what_is_theirs(void **state)
{
	static const struct {
		const char *words[6];
		enum mailq_action action;
		unsigned int verb, options;
		uint64_t until;
	} rows[] = {
		{ { NULL }, ACTION_CLASSIC, 0, 0, 0 },
		{ { "-j" }, ACTION_CLASSIC, 0, OPTION_JSON, 0 },
		{ { "list", "--by-reason", "all" }, ACTION_LIST, 0,
		    OPTION_BY_REASON, 0 },
		{ { "l" }, ACTION_LIST, 0, 0, 0 },
		{ { "flush" }, ACTION_CHANGE, MAILQ_RETRY, 0, 0 },
		{ { "hold", ID, "--until", "1h" }, ACTION_CHANGE, MAILQ_HOLD,
		    OPTION_UNTIL, NOW + 3600 },
		{ { "--until=2h", "hold", ID }, ACTION_CHANGE, MAILQ_HOLD,
		    OPTION_UNTIL, NOW + 7200 },
		{ { "del", "all", "-y" }, ACTION_CHANGE, MAILQ_DELETE,
		    OPTION_YES, 0 },
		{ { "pause", "a.test" }, ACTION_PAUSE, MAILQ_PAUSE, 0, 0 },
		{ { "drain", "a.test", "--reason", "x y" }, ACTION_PAUSE,
		    MAILQ_DRAIN, OPTION_REASON, 0 },
		{ { "res", "a.test" }, ACTION_PAUSE, MAILQ_RESUME, 0, 0 },
		{ { "pauses" }, ACTION_PAUSES, 0, 0, 0 },
		{ { "trace", "a@b.test" }, ACTION_TRACE, 0, 0, 0 },
		{ { "move", ID, "[192.0.2.1]:25" }, ACTION_MOVE, 0, 0, 0 },
		{ { "move", "all", "default" }, ACTION_MOVE, 0, 0, 0 },
		{ { "check", "--repair" }, ACTION_CHECK, 0, OPTION_REPAIR, 0 },
		{ { "export", "all" }, ACTION_EXPORT, 0, 0, 0 },
		{ { "import" }, ACTION_IMPORT, 0, 0, 0 },
	};
	struct mailq_words *words = test_calloc(1, sizeof(*words));
	struct why why;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_true(parse(rows[i].words, words, &why));
		assert_int_equal(words->command->action, rows[i].action);
		assert_int_equal(words->command->verb, rows[i].verb);
		assert_int_equal(words->options, rows[i].options);
		assert_int_equal(words->until, rows[i].until);
	}
	test_free(words);
}

static void
what_is_not_theirs_is_told(void **state)
{
	static const struct {
		const char *words[5];
		const char *told;
	} rows[] = {
		{ { "nothing" }, "nothing is no command" },
		{ { "re" }, "re is no command" },
		{ { "list", "--xml" }, "--xml is no option" },
		{ { "list", "--raw" }, "--raw is not for list" },
		{ { "--yes" }, "--yes is not for the listing" },
		{ { "list", "--json", "--by-reason" }, "has no --json" },
		{ { "show" }, "show needs an id" },
		{ { "hold" }, "hold which?" },
		{ { "hold", "all", "--until" }, "--until needs a value" },
		{ { "hold", "all", "--until", "noon" }, "no time to come" },
		{ { "retry", "all", "--until", "1h" }, "is not for retry" },
		{ { "resume", "a", "--reason", "x" }, "is not for resume" },
		{ { "pause" }, "pause needs one destination" },
		{ { "pause", "a", "b" }, "pause needs one destination" },
		{ { "pauses", "x" }, "pauses takes no word" },
		{ { "trace" }, "trace needs one id or address" },
		{ { "move", "a.test:25" }, "move what, and where to?" },
		{ { "move", "all", "a:b:c" },
		    "a:b:c is no next hop (host:port)" },
		{ { "check", "all" }, "check takes no word" },
		{ { "import", "x" }, "import takes no word" },
		{ { "export" },
		    "export which? (ids, from=, to=, domain= or all)" },
		{ { "trace", "a", "b" }, "trace needs one id or address" },
	};
	struct mailq_words *words = test_calloc(1, sizeof(*words));
	struct why why;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_false(parse(rows[i].words, words, &why));
		assert_non_null(strstr(why.text, rows[i].told));
	}
	test_free(words);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(commands_take_what_is_theirs),
		cmocka_unit_test(what_is_not_theirs_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
