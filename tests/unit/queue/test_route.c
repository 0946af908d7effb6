/* SPDX-License-Identifier: ISC */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "queue/route.h"

#include "tests/unit/unit.h"

static const char *const files[] = { "mail.conf", "routes", "senders", "relays",
	"tls", "destinations", "moves" };

static const char routes[] = "named.test [192.0.2.1]:26\n"
			     ".below.test lmtp:store.test\n"
			     "source.test mx: bind=192.0.2.9\n"
			     "* catch.test\n";

static const char senders[] = "ann@me.test smtp.one.test:587\n"
			      "@me.test srv:two.test\n"
			      "@mx.test mx:\n";

static const char relays[] = "ann@me.test>smtp.one.test ann:secret\n"
			     "smtp.one.test:587 shared:word\n"
			     "@me.test>srv:two.test office@two.test\n"
			     "catch.test all:x\n"
			     "[192.0.2.1]:26 named:y\n"
			     "store.test no:no\n";

static const char levels[] = "[192.0.2.1]:26 encrypt\n"
			     "named.test none\n"
			     ".mx.test verify\n"
			     "odd.mx.test perhaps\n"
			     "* may\n";

static void
file_write(const char *directory, const char *name, const char *text)
{
	char path[256];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", directory, name);
	file = fopen(path, "we");
	assert_non_null(file);
	fputs(text, file);
	fclose(file);
}

static struct settings *
settings_make(const char *directory, const char *more)
{
	struct settings_errors errors;
	struct settings *settings;
	char text[1024], path[256];

	snprintf(text, sizeof(text),
	    "hostname = me.test\nroute_map = %s/routes\nrelay_map = %s/relays\n"
	    "sender_route_map = %s/senders\ntls_policy_map = %s/tls\n"
	    "destination_map = %s/destinations\n"
	    "tls_security_level = none\nqueue_directory = %s\n%s",
	    directory, directory, directory, directory, directory, directory,
	    more);
	file_write(directory, "mail.conf", text);
	file_write(directory, "routes", routes);
	file_write(directory, "senders", senders);
	file_write(directory, "tls", levels);
	file_write(directory, "relays", relays);
	snprintf(path, sizeof(path), "%s/mail.conf", directory);
	settings = settings_load(path, "qmgr", &errors);
	assert_int_equal(errors.count, 0);
	settings_errors_free(&errors);
	return settings;
}

/* next hop, login:password, key; or what why has. */
static const struct {
	const char *sender, *recipient, *expected;
} samples[] = {
	{ "x@other.test", "b@named.test",
	    "[192.0.2.1]:26 named:y smtp:[192.0.2.1]:26::encrypt" },
	/* A domain by name is stronger than a sender. */
	{ "ann@me.test", "b@Named.test",
	    "[192.0.2.1]:26 named:y smtp:[192.0.2.1]:26::encrypt" },
	{ "", "b@a.below.test", "lmtp:store.test : smtp:lmtp:store.test::may" },
	{ "", "b@source.test",
	    "mx: bind=192.0.2.9 : smtp:mx: bind=192.0.2.9:source.test:may" },
	{ "", "b@x.test", "catch.test all:x smtp:catch.test::may" },
	{ "Ann@ME.test", "b@x.test",
	    "smtp.one.test:587 ann:secret smtp:smtp.one.test:587::ann:may" },
	{ "bob@me.test", "b@x.test",
	    "srv:two.test office@two.test: "
	    "smtp:srv:two.test::office@two.test:may" },
	{ "c@mx.test", "b@x.test", "mx: : smtp:mx::x.test:may" },
	{ "c@mx.test", "b@a.mx.test", "mx: : smtp:mx::a.mx.test:verify" },
	{ "c@mx.test", "b@odd.mx.test",
	    "tls_policy_map: \"perhaps\" for odd.mx.test is not none, may, "
	    "encrypt or verify" },
	{ "", "nobody", "the address has no domain" },
};

static void
check_samples(struct router *router)
{
	struct spool_message message = { .id = "6C32BNCB0GAEX" };
	struct spool_recipient recipient = { .kind = TARGET_REMOTE };
	struct route route;
	struct why why;
	char found[4096];

	for (size_t i = 0; i < sizeof(samples) / sizeof(samples[0]); i++) {
		print_message(
		    "%s %s\n", samples[i].sender, samples[i].recipient);
		recipient.address = slice_of(samples[i].recipient);
		message.sender = slice_of(samples[i].sender);
		if (router_find(router, &message, &recipient, &route, &why) ==
		    RESULT_OK)
			snprintf(found, sizeof(found), "%s %s:%s %s",
			    route.nexthop, route.login, route.password,
			    route.key);
		else
			snprintf(found, sizeof(found), "%s", why.text);
		assert_string_equal(found, samples[i].expected);
	}
}

static void
directory_remove(const char *directory)
{
	char path[256];

	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		snprintf(path, sizeof(path), "%s/%s", directory, files[i]);
		unlink(path);
	}
	rmdir(directory);
}

struct world {
	char directory[32];
	struct settings *settings;
	struct router *router;
};

static void
open_world(struct world *world, const char *more)
{
	snprintf(world->directory, sizeof(world->directory),
	    "/tmp/test_route.XXXXXX");
	assert_non_null(mkdtemp(world->directory));
	world->settings = settings_make(world->directory, more);
	world->router = router_new(world->settings);
}

static void
close_world(struct world *world)
{
	router_free(&world->router);
	settings_free(&world->settings);
	directory_remove(world->directory);
}

static enum result
find_x(struct world *world, const char *sender, struct route *route)
{
	const struct spool_message message = { .id = "6C32BNCB0GAEX",
		.sender = slice_of(sender) };
	const struct spool_recipient recipient = { .kind = TARGET_REMOTE,
		.address = SLICE("b@x.test") };
	struct why why;

	return router_find(world->router, &message, &recipient, route, &why);
}

static void
domains_and_senders_have_next_hops_and_logins(void **state)
{
	struct world world;

	(void)state;
	open_world(&world, "relay_token_command = /usr/bin/token\n");
	check_samples(world.router);
	close_world(&world);
}

static void
without_internet_only_domains_have_routes(void **state)
{
	struct world world;
	struct route route;

	(void)state;
	open_world(&world, "internet = no\n");
	assert_int_equal(find_x(&world, "ann@me.test", &route), RESULT_OK);
	assert_string_equal(route.nexthop, "catch.test");
	close_world(&world);
	/* And a login without password needs who gives the tokens. */
	open_world(&world, "");
	assert_int_equal(find_x(&world, "bob@me.test", &route), RESULT_LATER);
	close_world(&world);
}

static void
an_edited_table_counts_at_once(void **state)
{
	static const struct {
		const char *name, *text, *nexthop;
	} edits[] = {
		{ "routes", "* catch.test\n", "catch.test" },
		{ "routes", "x.test other.test\n", "other.test" },
		{ "moves", "6C32BNCB0GAEX [192.0.2.9]:2525\n",
		    "[192.0.2.9]:2525" },
		{ "moves", "6C32BNCB0GAEY a.test\nx\n6C32BNCB0GAEX b.test\n",
		    "b.test" },
		{ "moves", "", "other.test" },
	};
	struct world world;
	struct route route;

	(void)state;
	open_world(&world, "");
	for (size_t i = 0; i < sizeof(edits) / sizeof(edits[0]); i++) {
		file_write(world.directory, edits[i].name, edits[i].text);
		assert_int_equal(find_x(&world, "", &route), RESULT_OK);
		assert_string_equal(route.nexthop, edits[i].nexthop);
	}
	close_world(&world);
}

/* Next hop, domain, ".parent", "*"; what is wrong there changes nothing. */
static void
a_destination_has_a_policy_and_then_a_line_of_its_own(void **state)
{
	static const struct {
		const char *text;
		uint32_t concurrency;
		bool has_own_line;
	} edits[] = {
		{ "", 7, false },
		{ "y.test destination_concurrency=2\n", 7, false },
		{ "* destination_concurrency=2\n", 2, true },
		{ "* destination_concurrency=2\n"
		  ".test destination_concurrency=3\n",
		    3, true },
		{ ".test destination_concurrency=3\n"
		  "x.test destination_concurrency=4\n",
		    4, true },
		{ "x.test destination_concurrency=4\n"
		  "catch.test destination_concurrency=5\n",
		    5, true },
		{ "x.test destination_concurrency=many\n", 7, false },
		{ "x.test message_size_limit=1\n", 7, false },
	};
	struct world world;
	struct route route;

	(void)state;
	open_world(&world, "destination_concurrency = 7\n");
	for (size_t i = 0; i < sizeof(edits) / sizeof(edits[0]); i++) {
		file_write(world.directory, "destinations", edits[i].text);
		assert_int_equal(find_x(&world, "", &route), RESULT_OK);
		assert_int_equal(
		    route.policy.concurrency, edits[i].concurrency);
		assert_int_equal(strcmp(route.key, "smtp:catch.test::may") != 0,
		    edits[i].has_own_line);
	}
	close_world(&world);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(domains_and_senders_have_next_hops_and_logins),
		cmocka_unit_test(without_internet_only_domains_have_routes),
		cmocka_unit_test(an_edited_table_counts_at_once),
		cmocka_unit_test(
		    a_destination_has_a_policy_and_then_a_line_of_its_own),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
