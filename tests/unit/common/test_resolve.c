/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "tests/unit/unit.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/alias_file.h"
#include "common/fsutil.h"
#include "common/limits.h"
#include "common/resolve.h"

struct fixture {
	char path[64];
	char users[96], aliases[96], virtual_aliases[96], list[96];
	char *domains[2];
	struct settings settings;
	struct arena *arena;
};

static const char users_text[] = "alice@here.test $y$x uid=20001 gid=20001\n"
				 "bob@here.test   * uid=20002 gid=20002 "
				 "home=/srv/bob mail=/srv/bob/mbox\n"
				 "eve@here.test * uid=0\n"
				 "alice+exact@here.test * uid=20003 gid=20003\n"
				 "a.b@here.test * uid=20004 gid=20004\n";

static const char aliases_text[] =
    "postmaster: root\n"
    "root: alice\n"
    "info: alice, bob\n"
    "far: x@there.test, far2@there.test\n"
    "both: Alice, \\bob, ALICE, \"Bob\" <bob@here.test>\n"
    "bob: bob, carbon@there.test\n"
    "loop1: loop2\n"
    "loop2: loop1\n"
    "prog: \"|/usr/bin/prog -a \\\"b, c\\\"\"\n"
    "file: /var/log/mail.copy\n"
    "partly: alice, nobody-here\n"
    "nothing: nobody-here\n"
    "empty:\n"
    "tag+one: bob\n"
    "tag: alice\n";

static char *
alloc_string_for_test(const char *text)
{
	size_t size = strlen(text) + 1;
	char *copy = test_malloc(size);

	memcpy(copy, text, size);
	return copy;
}

static int
setup(void **state)
{
	struct fixture *f = test_calloc(1, sizeof(*f));
	struct settings *s = &f->settings;
	char list[256];

	snprintf(f->path, sizeof(f->path), "/tmp/test_resolve.XXXXXX");
	if (mkdtemp(f->path) == NULL)
		return -1;
	snprintf(f->users, sizeof(f->users), "%s/users", f->path);
	snprintf(f->aliases, sizeof(f->aliases), "%s/aliases", f->path);
	snprintf(f->virtual_aliases, sizeof(f->virtual_aliases), "%s/virtual",
	    f->path);
	snprintf(f->list, sizeof(f->list), "%s/list", f->path);
	f->domains[0] = alloc_string_for_test("here.test");
	f->domains[1] = alloc_string_for_test("second.test");
	s->path = f->path;
	s->hostname = f->domains[0];
	s->origin = f->domains[0];
	s->domains.count = 2;
	s->domains.items = f->domains;
	s->users = f->users;
	s->aliases = f->aliases;
	s->virtual_aliases = f->virtual_aliases;
	s->state_directory = f->path;
	s->virtual_home = f->path;
	s->minimum_uid = 1000;
	s->system_users = false;
	s->virtual_user = alloc_string_for_test("nobody");
	s->home_mailbox = alloc_string_for_test("Maildir/");
	s->recipient_delimiter = alloc_string_for_test("+");
	s->catch_all = alloc_string_for_test("");
	f->arena = arena_new("test", 16 << 20);
	snprintf(list, sizeof(list),
	    "sales@here.test: bob\n"
	    "members: :include:%s\n@second.test: alice@here.test\n",
	    f->list);
	*state = f;
	return fs_replace(
		   AT_FDCWD, f->users, slice_of(users_text), 0600, NULL) &&
		       fs_replace(AT_FDCWD, f->aliases, slice_of(aliases_text),
			   0644, NULL) &&
		       fs_replace(AT_FDCWD, f->virtual_aliases, slice_of(list),
			   0644, NULL) &&
		       fs_replace(AT_FDCWD, f->list,
			   S("# "
			     "members\nalice\nx@there.test\n|/bin/"
			     "evil\n\\bob\n"),
			   0644, NULL)
		   ? 0
		   : -1;
}

static int
teardown(void **state)
{
	struct fixture *f = *state;
	int status = remove_folder(f->path);

	arena_free(&f->arena);
	test_free(f->domains[0]);
	test_free(f->domains[1]);
	test_free(f->settings.virtual_user);
	test_free(f->settings.home_mailbox);
	test_free(f->settings.recipient_delimiter);
	test_free(f->settings.catch_all);
	test_free(f);
	return status;
}

static enum result
resolve(struct fixture *f, const char *text, struct resolution *out,
    struct why *why)
{
	struct resolver *resolver = resolver_new(&f->settings);
	struct address address;
	enum result result;

	assert_true(address_parse(slice_of(text), f->arena, &address));
	memset(why, 0, sizeof(*why));
	result = resolver_resolve(resolver, &address, f->arena, out, why);
	resolver_free(&resolver);
	return result;
}

/* "L alice@here.test+tag R x@there.test" */
static void
describe(const struct resolution *resolution, struct buf *out)
{
	for (size_t i = 0; i < resolution->count; i++) {
		const struct target *target = &resolution->targets[i];

		buf_add_format(out, "%s%c %.*s", i == 0 ? "" : " ",
		    (char)target->kind, SLICE_FMT(target->address));
		if (target->extension.len > 0)
			buf_add_format(
			    out, "+%.*s", SLICE_FMT(target->extension));
		if (target->argument.len > 0)
			buf_add_format(
			    out, "=%.*s", SLICE_FMT(target->argument));
	}
}

static void
addresses_resolve_in_the_fixed_order(void **state)
{
	static const struct {
		const char *address, *targets;
	} cases[] = {
		{ "alice@here.test", "L alice@here.test" },
		{ "ALICE@HERE.TEST", "L ALICE@HERE.TEST" },
		{ "alice", "L alice@here.test" },
		{ "alice+lists@here.test", "L alice@here.test+lists" },
		{ "alice+exact@here.test", "L alice+exact@here.test" },
		{ "a.b@here.test", "L a.b@here.test" },
		{ "info@here.test", "L alice@here.test L bob@here.test "
				    "R carbon@there.test" },
		{ "far@here.test", "R x@there.test R far2@there.test" },
		{ "both@here.test",
		    "L Alice@here.test L bob@here.test R carbon@there.test" },
		{ "bob@here.test", "L bob@here.test R carbon@there.test" },
		{ "postmaster@here.test", "L alice@here.test" },
		{ "postmaster", "L alice@here.test" },
		{ "root@here.test", "L alice@here.test" },
		{ "abuse@here.test", "L alice@here.test" },
		{ "mailer-daemon@here.test", "L alice@here.test" },
		{ "sales@here.test", "L bob@here.test R carbon@there.test" },
		{ "anything@second.test", "L alice@here.test" },
		{ "prog@here.test",
		    "P prog@here.test=/usr/bin/prog -a \"b, c\"" },
		{ "file@here.test", "F file@here.test=/var/log/mail.copy" },
		{ "partly@here.test", "L alice@here.test" },
		{ "tag+one@here.test", "L bob@here.test R carbon@there.test" },
		{ "tag+two@here.test", "L alice@here.test" },
		{ "members@here.test",
		    "L alice@here.test R x@there.test L bob@here.test" },
		{ "x@there.test", "R x@there.test" },
		{ "\"a b\"@there.test", "R \"a b\"@there.test" },
	};
	struct fixture *f = *state;
	struct resolution resolution;
	struct why why;
	struct buf buf;

	buf_init(&buf, 4096);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		buf_clear(&buf);
		if (resolve(f, cases[i].address, &resolution, &why) !=
		    RESULT_OK)
			fail_msg("%s: %s", cases[i].address, why.text);
		describe(&resolution, &buf);
		assert_string_equal(buf_string(&buf), cases[i].targets);
		assert_true(resolution.count == 0 ||
			    resolution.targets[0].kind == TARGET_REMOTE ||
			    resolution.targets[0].user.uid != 0);
	}
	buf_free(&buf);
}

static void
nobody_is_refused_with_the_reason(void **state)
{
	static const struct {
		const char *address, *status;
		enum result result;
	} cases[] = {
		{ "nobody-here@here.test", "5.1.1", RESULT_NEVER },
		{ "nothing@here.test", "5.1.1", RESULT_NEVER },
		{ "empty@here.test", "5.1.1", RESULT_NEVER },
		{ "loop1@here.test", "5.4.6", RESULT_NEVER },
		{ "eve@here.test", "4.3.0", RESULT_LATER },
		{ "alice%there.test@here.test", "5.1.1", RESULT_NEVER },
		{ "there.test!alice@here.test", "5.1.1", RESULT_NEVER },
		{ "\"x@there.test\"@here.test", "5.1.1", RESULT_NEVER },
	};
	struct fixture *f = *state;
	struct resolution resolution;
	struct why why;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(
		    resolve(f, cases[i].address, &resolution, &why),
		    cases[i].result);
		assert_string_equal(why.status, cases[i].status);
		assert_true(why.text[0] != '\0');
	}
}

static void
a_catch_all_takes_the_unknown_only(void **state)
{
	struct fixture *f = *state;
	struct resolution resolution;
	struct why why;
	char catch_all[] = "bob", *saved = f->settings.catch_all;

	f->settings.catch_all = catch_all;
	assert_int_equal(
	    resolve(f, "nobody-here@here.test", &resolution, &why), RESULT_OK);
	assert_slice_equal(resolution.targets[0].address, S("bob@here.test"));
	assert_int_equal(
	    resolve(f, "alice@here.test", &resolution, &why), RESULT_OK);
	assert_slice_equal(resolution.targets[0].address, S("alice@here.test"));
	f->settings.catch_all = saved;
}

static void
required_names_work_without_any_alias(void **state)
{
	struct fixture *f = *state;
	struct resolution resolution;
	struct why why;

	assert_int_equal(unlink(f->aliases), 0);
	assert_int_equal(
	    resolve(f, "postmaster@here.test", &resolution, &why), RESULT_OK);
	assert_slice_equal(resolution.targets[0].address, S("alice@here.test"));
	assert_int_equal(
	    resolve(f, "root@second.test", &resolution, &why), RESULT_OK);
}

static void
a_wide_or_deep_alias_is_cut_off(void **state)
{
	struct fixture *f = *state;
	struct resolution resolution;
	struct buf bytes;
	struct why why;

	buf_init(&bytes, 1 << 20);
	buf_add_string(&bytes, "wide: a0@there.test");
	for (int i = 1; i <= LIMIT_ALIAS_EXPANSION + 1; i++)
		buf_add_format(&bytes, ", a%d@there.test", i);
	for (int i = 0; i < LIMIT_ALIAS_DEPTH + 5; i++)
		buf_add_format(&bytes, "\ndeep%d: deep%d", i, i + 1);
	buf_add_string(&bytes, "\n");
	assert_true(
	    fs_replace(AT_FDCWD, f->aliases, buf_slice(&bytes), 0644, NULL));
	buf_free(&bytes);
	assert_int_equal(
	    resolve(f, "wide@here.test", &resolution, &why), RESULT_NEVER);
	assert_string_equal(why.status, "5.1.1");
	assert_int_equal(
	    resolve(f, "deep0@here.test", &resolution, &why), RESULT_NEVER);
}

static void
entries_of_a_value_are_taken_apart(void **state)
{
	static const char value[] = "user, \\user2 , \"|cmd a, b\", /f, "
				    "\":include:/x y\",  :include:/z,, "
				    "\"a, b\"@host, Full Name <u@h>, |c d, "
				    "\"unfinished, x";
	static const struct {
		enum alias_kind kind;
		const char *text;
	} expected[] = { { ALIAS_ADDRESS, "user" }, { ALIAS_MAILBOX, "user2" },
		{ ALIAS_PROGRAM, "cmd a, b" }, { ALIAS_FILE, "/f" },
		{ ALIAS_INCLUDE, "/x y" }, { ALIAS_INCLUDE, "/z" },
		{ ALIAS_ADDRESS, "\"a, b\"@host" }, { ALIAS_ADDRESS, "u@h" },
		{ ALIAS_PROGRAM, "c d" },
		{ ALIAS_ADDRESS, "\"unfinished, x" } };
	struct fixture *f = *state;
	struct slice rest = slice_of(value);
	struct alias_entry entry;

	for (size_t i = 0; i < sizeof(expected) / sizeof(expected[0]); i++) {
		assert_true(alias_next(&rest, f->arena, &entry));
		assert_int_equal(entry.kind, expected[i].kind);
		assert_slice_equal(entry.text, slice_of(expected[i].text));
	}
	assert_false(alias_next(&rest, f->arena, &entry));
}

static void
users_are_found_by_address_login_and_name(void **state)
{
	struct fixture *f = *state;
	struct user user;
	struct why why;

	assert_int_equal(
	    users_find_login(&f->settings, S("alice"), &user, &why), RESULT_OK);
	assert_string_equal(user.name, "alice@here.test");
	assert_int_equal(user.uid, 20001);
	assert_true(
	    slice_ends(slice_of(user.mail), S("/here.test/alice/Maildir/")));
	assert_int_equal(
	    users_find_login(&f->settings, S("Bob@here.test"), &user, &why),
	    RESULT_OK);
	assert_string_equal(user.home, "/srv/bob");
	assert_string_equal(user.mail, "/srv/bob/mbox");
	assert_int_equal(
	    users_find_name(&f->settings, S("bob@here.test"), &user, &why),
	    RESULT_OK);
	assert_int_equal(users_find_login(&f->settings, S("root"), &user, &why),
	    RESULT_NEVER);
	assert_int_equal(
	    users_find_login(&f->settings, S(""), &user, &why), RESULT_NEVER);
}

static void
accounts_of_the_system_are_limited(void **state)
{
	static const char *const refused[] = { "root", "daemon", "nobody",
		"no-such-user", "", "a/b" };
	struct fixture *f = *state;
	struct user user;
	struct why why;

	f->settings.system_users = true;
	f->users[0] = '\0';
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++)
		assert_int_equal(users_find_login(&f->settings,
				     slice_of(refused[i]), &user, &why),
		    RESULT_NEVER);
}

static void
unsafe_users_are_not_acceptable(void **state)
{
	static const struct {
		struct user user;
		bool ok;
	} cases[] = {
		{ { "a", "/h", "/h/M/", 1000, 1000, false }, true },
		{ { "a", "/h", "/h/M/", 999, 999, false }, false },
		{ { "a", "/h", "/h/M/", 999, 999, true }, true },
		{ { "a", "/h", "/h/M/", 0, 1000, true }, false },
		{ { "a", "h", "/h/M/", 1000, 1000, false }, false },
		{ { "a", "/h", "/h/../x", 1000, 1000, false }, false },
		{ { "a", "/h/..x", "/h/x", 1000, 1000, false }, true },
		{ { "a", "/h\n", "/h/x", 1000, 1000, false }, false },
		{ { "", "/h", "/h/x", 1000, 1000, false }, false },
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_int_equal(
		    user_is_acceptable(&f->settings, &cases[i].user),
		    cases[i].ok);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(addresses_resolve_in_the_fixed_order),
		TEST(nobody_is_refused_with_the_reason),
		TEST(a_catch_all_takes_the_unknown_only),
		TEST(required_names_work_without_any_alias),
		TEST(a_wide_or_deep_alias_is_cut_off),
		TEST(entries_of_a_value_are_taken_apart),
		TEST(users_are_found_by_address_login_and_name),
		TEST(accounts_of_the_system_are_limited),
		TEST(unsafe_users_are_not_acceptable),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
