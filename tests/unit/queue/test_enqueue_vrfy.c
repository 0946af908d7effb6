/* SPDX-License-Identifier: ISC */
/* VRFY and EXPN: who is told what, and how much. */
#include "config.h"

#include "tests/unit/queue/enqueue_fixture.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "common/fsutil.h"

#include "tests/unit/unit.h"

enum {
	MEMBERS = 140, /* of 29 bytes as reply lines */
	REST = 22,     /* the address that fills LIMIT_SMTP_EXPANSION */
};

static const char table[] = "list: alice, x@there.test, bob\n"
			    "run: \"|/bin/secret\", /var/secret\n";

/* Aliases and an alias file with the setting of it. */
static void
use_aliases(struct fixture *f, const char *text, char path[96])
{
	snprintf(path, 96, "%s/aliases", f->path);
	assert_true(fs_replace(AT_FDCWD, path, slice_of(text), 0644, NULL));
	f->settings.aliases = path;
	resolver_free(&f->tables.resolver);
	enqueue_free(&f->enqueue);
	f->tables.resolver = resolver_new(&f->settings);
	f->enqueue = enqueue_new(&f->settings, &f->tables);
}

static unsigned int
ask_about(struct fixture *f, enum inject_type type, const char *address)
{
	assert_true(enqueue_set_facts(f->enqueue, &f->facts));
	message_begin(&f->message, (uint8_t)type);
	message_put_string(&f->message, address);
	assert_int_equal(step(f), ENQUEUE_REPLY);
	return f->reply.code;
}

static void
members_are_told_to_own_hosts_alone(void **state)
{
	static const struct {
		enum who who;
		const char *address;
		unsigned int code;
		const char *members;
	} cases[] = {
		{ LOOPBACK, "list@here.test", 250,
		    "<alice@here.test>\n<x@there.test>\n<bob@here.test>\n" },
		{ LOOPBACK, "list", 250,
		    "<alice@here.test>\n<x@there.test>\n<bob@here.test>\n" },
		{ LOOPBACK, "alice@here.test", 250, "<alice@here.test>\n" },
		/* What is run, and where, is nobody's business. */
		{ LOOPBACK, "run", 250,
		    "a program of <run@here.test>\n"
		    "a file of <run@here.test>\n" },
		{ LOOPBACK, "nobody@here.test", 550, "" },
		{ LOOPBACK, "x@there.test", 252, "" },
		{ LOOPBACK, "", 501, "" },
		{ STRANGER, "list@here.test", 252, "" },
		{ STRANGER, "nobody@here.test", 252, "" },
		{ LOGGED_IN, "list@here.test", 252, "" },
	};
	struct fixture *f = *state;
	char path[96];

	use_aliases(f, table, path);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		become(f, cases[i].who);
		if (ask_about(f, INJECT_EXPN, cases[i].address) !=
		    cases[i].code)
			fail_msg("%zu: %u %s", i, f->reply.code, f->reply.text);
		assert_slice_equal(
		    enqueue_members(f->enqueue), slice_of(cases[i].members));
	}
	become(f, LOOPBACK);
	assert_int_equal(ask_about(f, INJECT_VRFY, "list"), 252);
	assert_string_equal(f->reply.text, "RCPT would take it");
	assert_int_equal(ask_about(f, INJECT_VRFY, "nobody@here.test"), 550);
	become(f, STRANGER);
	assert_int_equal(ask_about(f, INJECT_VRFY, "nobody@here.test"), 252);
}

static void
a_list_is_told_whole_or_not_at_all(void **state)
{
	struct fixture *f = *state;
	char text[8192], path[96];
	size_t len;

	for (int more = -1; more <= 1; more++) {
		len = (size_t)snprintf(text, sizeof(text), "list: ");
		for (int i = 0; i < MEMBERS; i++)
			len += (size_t)snprintf(text + len, sizeof(text) - len,
			    "x%03d@there.test, ", i);
		snprintf(text + len, sizeof(text) - len, "y%0*d@there.test\n",
		    REST - 12 + more, 1);
		use_aliases(f, text, path);
		become(f, LOOPBACK);
		assert_int_equal(
		    ask_about(f, INJECT_EXPN, "list"), more <= 0 ? 250 : 252);
		assert_int_equal(
		    enqueue_members(f->enqueue).len > 0, more <= 0);
	}
	assert_non_null(strstr(f->reply.text, "141 addresses"));
	use_aliases(f, "list: \xc3\xb6@there.test\n", path);
	assert_int_equal(ask_about(f, INJECT_EXPN, "list"), 252);
	assert_int_equal(enqueue_members(f->enqueue).len, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
		    members_are_told_to_own_hosts_alone, enqueue_setup,
		    enqueue_teardown),
		cmocka_unit_test_setup_teardown(
		    a_list_is_told_whole_or_not_at_all, enqueue_setup,
		    enqueue_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
