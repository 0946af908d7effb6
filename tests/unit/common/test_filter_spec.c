/* SPDX-License-Identifier: ISC */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "common/filter_spec.h"
#include "common/front.h"
#include "common/inject.h"

#include "tests/unit/unit.h"

static bool
read_text(const char *commands, const char *milters, const char *filters,
    struct filter_specs *specs)
{
	static struct arena *arena;
	struct settings settings;
	struct why why = { 0 };
	char text[3][2048];
	bool ok;

	memset(&settings, 0, sizeof(settings));
	snprintf(text[0], sizeof(text[0]), "%s", commands);
	snprintf(text[1], sizeof(text[1]), "%s", milters);
	snprintf(text[2], sizeof(text[2]), "%s", filters);
	settings.filter_commands = text[0];
	settings.milters = text[1];
	settings.smtpd_filters = text[2];
	arena_free(&arena);
	arena = arena_new("test", 65536);
	ok = filter_specs_read(&settings, arena, specs, &why);
	assert_int_equal(ok, why.text[0] == '\0');
	return ok;
}

static void
options_are_read_and_filters_kept_in_order(void **state)
{
	struct filter_specs specs;
	const struct filter_spec *s = specs.items;

	(void)state;
	assert_true(read_text("mode=print on=smtp pass=0+1 message=2m "
			      "/usr/bin/bogofilter -p -u;\n"
			      " spam=1 then=quarantine /usr/bin/spamc -c a=b;",
	    "unix:/run/a.sock, inet:127.0.0.1:8891 default=accept "
	    "connect=5 command=6s on=submission+local inet:[::1]:9",
	    "/usr/libexec/filter-x -d", &specs));
	assert_int_equal(specs.count, 6);
	assert_int_equal(s[0].kind, FILTER_COMMAND);
	assert_true(s[0].is_print);
	assert_int_equal(s[0].places, FILTER_ON_SMTP);
	assert_int_equal(s[0].passes, 3);
	assert_int_equal(s[0].message, 120);
	assert_int_equal(s[0].spam, -1);
	assert_string_equal(s[0].arguments[0], "/usr/bin/bogofilter");
	assert_string_equal(s[0].arguments[2], "-u");
	assert_null(s[0].arguments[3]);
	assert_string_equal(filter_name(&s[0]), "bogofilter");
	assert_int_equal(s[1].spam, 1);
	assert_true(s[1].spam_holds);
	assert_string_equal(s[1].arguments[2], "a=b");
	assert_int_equal(s[2].kind, FILTER_MILTER);
	assert_int_equal(s[2].failed, FILTER_TEMPFAIL);
	assert_int_equal(s[2].places, 7);
	assert_string_equal(filter_name(&s[2]), "unix:/run/a.sock");
	assert_int_equal(s[3].failed, FILTER_ACCEPT);
	assert_int_equal(s[3].connect, 5);
	assert_int_equal(s[3].command, 6);
	assert_int_equal(s[3].places, FILTER_ON_SUBMISSION | FILTER_ON_LOCAL);
	assert_string_equal(s[4].address, "inet:[::1]:9");
	assert_int_equal(s[5].kind, FILTER_SMTPD);
}

static const struct {
	const char *commands, *milters, *filters;
} wrong[] = {
	{ "bogofilter", "", "" },
	{ "mode=loud /bin/x", "", "" },
	{ "pass=32 /bin/x", "", "" },
	{ "pass= /bin/x", "", "" },
	{ "spam=256 /bin/x", "", "" },
	{ "message=301 /bin/x", "", "" },
	{ "message=6m /bin/x", "", "" },
	{ "message=0 /bin/x", "", "" },
	{ "mode=print", "", "" },
	{ "on=nowhere /bin/x", "", "" },
	{ "", "default=accept", "" },
	{ "", "unix:relative", "" },
	{ "", "inet:8891", "" },
	{ "", "inet::8891", "" },
	{ "", "inet:host:0", "" },
	{ "", "inet:host:65536", "" },
	{ "", "unix:/a mode=print", "" },
	{ "", "unix:/a default=maybe", "" },
	{ "", "/run/a.sock", "" },
	{ "", "", "spam=1 /bin/x" },
	/* nine of them */
	{ "", "unix:/1 unix:/2 unix:/3 unix:/4 unix:/5 unix:/6 unix:/7 unix:/8",
	    "/bin/x" },
	/* 25 words */
	{ "/x 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4", "", "" },
};

static void
wrong_settings_are_refused(void **state)
{
	struct filter_specs specs;

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		assert_false(read_text(wrong[i].commands, wrong[i].milters,
		    wrong[i].filters, &specs));
	assert_true(read_text("",
	    "unix:/1 unix:/2 unix:/3 unix:/4 unix:/5 "
	    "unix:/6 unix:/7 unix:/8",
	    "", &specs));
	assert_int_equal(specs.count, LIMIT_FILTERS);
	assert_true(
	    read_text("/x 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3", "",
		"", &specs));
}

static void
filters_are_needed_where_they_say(void **state)
{
	char milters[64] = "unix:/a on=submission", none[] = "";
	struct settings settings;

	(void)state;
	memset(&settings, 0, sizeof(settings));
	assert_false(filter_is_needed(&settings, LISTENER_SMTP));
	settings.milters = milters;
	settings.filter_commands = settings.smtpd_filters = none;
	assert_false(filter_is_needed(&settings, LISTENER_SMTP));
	assert_false(filter_is_needed(&settings, INJECT_LOCAL));
	assert_true(filter_is_needed(&settings, LISTENER_SUBMISSION));
	assert_true(filter_is_needed(&settings, LISTENER_SUBMISSIONS));
	milters[0] = 'X';
	assert_true(filter_is_needed(&settings, LISTENER_SMTP));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(options_are_read_and_filters_kept_in_order),
		cmocka_unit_test(wrong_settings_are_refused),
		cmocka_unit_test(filters_are_needed_where_they_say),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
