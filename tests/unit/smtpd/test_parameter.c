/* SPDX-License-Identifier: ISC */
/* Every parameter of MAIL and RCPT: what it becomes, and how it is refused. */
#include "config.h"

#include "tests/unit/unit.h"

#include <stdio.h>
#include <string.h>

#include "tests/unit/smtpd/driver.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
/* DRIVER_NOW is 2023-11-14T22:13:20Z; holding is for a day. */

struct parameter_case {
	const char *listener;
	bool is_tls;
	const char *text;  /* behind the address */
	const char *reply; /* or what the options became */
};

static const struct parameter_case mail_cases[] = {
	{ "smtp", false, "SMTPUTF8", "[OPTIONS 0 4 0 0 0 <>]" },
	{ "smtp", false, "smtputf8 BODY=8BITMIME", "[OPTIONS 0 5 0 0 0 <>]" },
	{ "smtp", false, "BODY=BINARYMIME", "[OPTIONS 0 2 0 0 0 <>]" },
	{ "smtp", false, "RET=FULL", "[OPTIONS 0 10 0 0 0 <>]" },
	{ "smtp", false, "ret=hdrs ENVID=QQ+2B1+203",
	    "[OPTIONS 0 20 0 0 0 <QQ+1 3>]" },
	{ "smtp", false, "BY=60;R", "[OPTIONS 0 40 0 0 1700000060 <>]" },
	{ "smtp", false, "BY=+120;rt", "[OPTIONS 0 140 0 0 1700000120 <>]" },
	{ "smtp", false, "BY=-5;N", "[OPTIONS 0 80 0 0 1699999995 <>]" },
	{ "smtp", false, "BY=0;NT", "[OPTIONS 0 180 0 0 1700000000 <>]" },
	{ "smtp", true, "REQUIRETLS", "[OPTIONS 0 8 0 0 0 <>]" },
	{ "friend", false, "MT-PRIORITY=-9", "[OPTIONS 0 0 -9 0 0 <>]" },
	{ "friend", false, "MT-PRIORITY=9", "[OPTIONS 0 0 9 0 0 <>]" },
	{ "user", true, "MT-PRIORITY=3", "[OPTIONS 0 0 3 0 0 <>]" },
	{ "user", true, "HOLDFOR=86400", "[OPTIONS 0 0 0 1700086400 0 <>]" },
	{ "user", true, "HOLDUNTIL=2023-11-15T22:13:20Z",
	    "[OPTIONS 0 0 0 1700086400 0 <>]" },
	{ "smtp", false, "SMTPUTF8=1", "501 5.5.4 SMTPUTF8 takes no value" },
	{ "smtp", false, "RET", "501 5.5.4 RET takes a value" },
	{ "smtp", false, "RET=ALL", "501 5.5.4 RET= takes" },
	{ "smtp", false, "RET=FULL RET=HDRS", "501 5.5.4 RET is given twice" },
	{ "smtp", false, "ENVID=", "501 5.5.4 ENVID= takes" },
	{ "smtp", false, "ENVID=a+2", "501 5.5.4 ENVID= takes" },
	{ "smtp", false, "ENVID=a+2b", "501 5.5.4 ENVID= takes" },
	{ "smtp", false, "ENVID=a+0Ab", "501 5.5.4 ENVID= takes" },
	{ "smtp", false, "ENVID=a+C3+A4", "501 5.5.4 ENVID= takes" },
	{ "smtp", false, "ENVID=a=b", "501 5.5.4 ENVID= takes" },
	{ "smtp", false, "BY=60", "501 5.5.4 BY= takes" },
	{ "smtp", false, "BY=60;X", "501 5.5.4 BY= takes" },
	{ "smtp", false, "BY=;R", "501 5.5.4 BY= takes" },
	{ "smtp", false, "BY=1234567890;N", "501 5.5.4 BY= takes" },
	{ "smtp", false, "BY=59;R", "501 5.5.4 BY= with R takes" },
	{ "smtp", false, "BY=-60;R", "501 5.5.4 BY= with R takes" },
	{ "smtp", false, "REQUIRETLS", "555 5.5.4 REQUIRETLS is no" },
	{ "smtp", true, "REQUIRETLS=1", "501 5.5.4 REQUIRETLS takes no" },
	{ "smtp", false, "MT-PRIORITY=1", "555 5.5.4 MT-PRIORITY is no" },
	{ "friend", false, "MT-PRIORITY=10", "501 5.5.4 MT-PRIORITY= takes" },
	{ "friend", false, "MT-PRIORITY=-", "501 5.5.4 MT-PRIORITY= takes" },
	{ "friend", false, "MT-PRIORITY=-0", "501 5.5.4 MT-PRIORITY= takes" },
	{ "friend", false, "MT-PRIORITY=+1", "501 5.5.4 MT-PRIORITY= takes" },
	{ "smtp", true, "HOLDFOR=5", "555 5.5.4 HOLDFOR is no" },
	{ "friend", true, "HOLDFOR=5", "555 5.5.4 HOLDFOR is no" },
	{ "user", true, "HOLDFOR=86401", "501 5.5.4 A message is held" },
	{ "user", true, "HOLDFOR=0", "501 5.5.4 HOLDFOR= takes" },
	{ "user", true, "HOLDFOR=1234567890", "501 5.5.4 HOLDFOR= takes" },
	{ "user", true, "HOLDFOR=-1", "501 5.5.4 HOLDFOR= takes" },
	{ "user", true, "HOLDUNTIL=2023-11-15T22:13:21Z",
	    "501 5.5.4 A message is held" },
	{ "user", true, "HOLDUNTIL=2023-11-14T22:13:20Z",
	    "501 5.5.4 HOLDUNTIL= is a time" },
	{ "user", true, "HOLDUNTIL=tomorrow", "501 5.5.4 HOLDUNTIL= takes" },
	{ "user", true, "HOLDFOR=5 HOLDUNTIL=2023-11-15T00:00:00Z",
	    "501 5.5.4 HOLDFOR and HOLDUNTIL" },
};

static const struct parameter_case rcpt_cases[] = {
	{ "smtp", false, "NOTIFY=NEVER", "[OPTIONS 1 <>]" },
	{ "smtp", false, "NOTIFY=success,FAILURE,Delay", "[OPTIONS e <>]" },
	{ "smtp", false, "NOTIFY=DELAY ORCPT=rfc822;Bob+2Bx@e.f",
	    "[OPTIONS 8 <rfc822;Bob+x@e.f>]" },
	{ "smtp", false, "ORCPT=utf-8;j\\x{F6}rg@e.f",
	    "[OPTIONS 0 <utf-8;j\xc3\xb6rg@e.f>]" },
	{ "smtp", false, "ORCPT=utf-8;j\xc3\xb6rg@e.f",
	    "[OPTIONS 0 <utf-8;j\xc3\xb6rg@e.f>]" },
	{ "smtp", false, "NOTIFY=", "501 5.5.4 NOTIFY= takes" },
	{ "smtp", false, "NOTIFY=NEVER,DELAY", "501 5.5.4 NOTIFY= takes" },
	{ "smtp", false, "NOTIFY=DELAY,DELAY", "501 5.5.4 NOTIFY= takes" },
	{ "smtp", false, "NOTIFY=DELAY,", "501 5.5.4 NOTIFY= takes" },
	{ "smtp", false, "NOTIFY=ALWAYS", "501 5.5.4 NOTIFY= takes" },
	{ "smtp", false, "ORCPT=bob@e.f", "501 5.5.4 ORCPT= takes" },
	{ "smtp", false, "ORCPT=;bob@e.f", "501 5.5.4 ORCPT= takes" },
	{ "smtp", false, "ORCPT=rfc822;", "501 5.5.4 ORCPT= takes" },
	{ "smtp", false, "ORCPT=rfc822;a+b", "501 5.5.4 ORCPT= takes" },
	{ "smtp", false, "ORCPT=rfc822;a+0D+0Ab", "501 5.5.4 ORCPT= takes" },
	{ "smtp", false, "ORCPT=rfc822;a+00b", "501 5.5.4 ORCPT= takes" },
	{ "smtp", false, "ORCPT=rfc822;\xc3\xb6", "501 5.5.4 ORCPT= takes" },
	{ "smtp", false, "ORCPT=utf-8;\\x{A}b", "501 5.5.4 ORCPT= takes" },
	{ "smtp", false, "ORCPT=utf-8;\\x{0A}b", "501 5.5.4 ORCPT= takes" },
	{ "smtp", false, "ORCPT=utf-8;\\x{D800}", "501 5.5.4 ORCPT= takes" },
	{ "smtp", false, "ORCPT=utf-8;\\x{110000}", "501 5.5.4 ORCPT= takes" },
	{ "smtp", false, "ORCPT=utf-8;\\x{F6", "501 5.5.4 ORCPT= takes" },
	{ "smtp", false, "SIZE=5", "555 5.5.4 SIZE is no parameter" },
};

/* "user": logged in on 587. */
static void
begin(struct driver *driver, const char *listener, bool is_tls)
{
	bool is_user = strcmp(listener, "user") == 0;

	driver_init(driver, is_user ? "submission" : listener, is_tls);
	driver_say(driver, "EHLO c\r\n");
	if (is_user)
		driver_say(driver, "AUTH PLAIN AGFubgBzZWNyZXQ=\r\n");
}

static void
check(struct driver *driver, const char *command,
    const struct parameter_case *expected)
{
	char line[1024];
	const char *got;

	snprintf(line, sizeof(line), "%s %s\r\n", command, expected->text);
	driver->is_quiet = expected->reply[0] != '[';
	got = driver_say(driver, line);
	if (strstr(got, expected->reply) == NULL)
		fail_msg("%s: %s", expected->text, got);
	if (expected->reply[0] != '[')
		assert_int_equal(strncmp(got, expected->reply, 10), 0);
	driver->is_quiet = false;
}

static void
mail_takes_what_it_is_offered(void **state)
{
	struct driver driver;

	(void)state;
	for (size_t i = 0; i < COUNT(mail_cases); i++) {
		begin(&driver, mail_cases[i].listener, mail_cases[i].is_tls);
		check(&driver, "MAIL FROM:<a@b.c>", &mail_cases[i]);
		/* What was refused leaves nothing behind. */
		driver_say(&driver, "RSET\r\n");
		assert_string_equal(
		    driver_say(&driver, "MAIL FROM:<x@y.z>\r\n"),
		    "[MAIL x@y.z]\n250 2.1.5 Ok\r\n");
		driver_clear(&driver);
	}
}

static void
rcpt_takes_what_it_is_offered(void **state)
{
	struct driver driver;

	(void)state;
	for (size_t i = 0; i < COUNT(rcpt_cases); i++) {
		begin(&driver, rcpt_cases[i].listener, rcpt_cases[i].is_tls);
		driver_say(&driver, "MAIL FROM:<a@b.c>\r\n");
		check(&driver, "RCPT TO:<d@e.f>", &rcpt_cases[i]);
		assert_string_equal(driver_say(&driver, "RCPT TO:<x@y.z>\r\n"),
		    "[RCPT x@y.z]\n250 2.1.5 Ok\r\n");
		driver_clear(&driver);
	}
}

static void
the_limits_of_envid_and_orcpt_hold(void **state)
{
	static const struct {
		const char *command;
		int length;
		bool ok;
	} cases[] = {
		{ "MAIL FROM:<a@b.c> ENVID=", LIMIT_ENVELOPE_ID - 1, true },
		{ "MAIL FROM:<a@b.c> ENVID=", LIMIT_ENVELOPE_ID, true },
		{ "MAIL FROM:<a@b.c> ENVID=", LIMIT_ENVELOPE_ID + 1, false },
		{ "RCPT TO:<d@e.f> ORCPT=rfc822;", LIMIT_ORIGINAL_RECIPIENT - 8,
		    true },
		{ "RCPT TO:<d@e.f> ORCPT=rfc822;", LIMIT_ORIGINAL_RECIPIENT - 7,
		    true },
		{ "RCPT TO:<d@e.f> ORCPT=rfc822;", LIMIT_ORIGINAL_RECIPIENT - 6,
		    false },
	};
	char line[1024], fill[LIMIT_ORIGINAL_RECIPIENT + 1];
	struct driver driver;

	(void)state;
	memset(fill, 'x', sizeof(fill));
	for (size_t i = 0; i < COUNT(cases); i++) {
		begin(&driver, "smtp", false);
		if (cases[i].command[0] == 'R')
			driver_say(&driver, "MAIL FROM:<a@b.c>\r\n");
		driver.is_quiet = true;
		snprintf(line, sizeof(line), "%s%.*s\r\n", cases[i].command,
		    cases[i].length, fill);
		assert_true(slice_starts(slice_of(driver_say(&driver, line)),
		    cases[i].ok ? S("250") : S("501")));
		driver_clear(&driver);
	}
}

static void
utf8_addresses_need_smtputf8(void **state)
{
	static const struct {
		const char *mail, *rcpt;
	} cases[] = {
		{ "MAIL FROM:<a@b.c>\r\n", "553 5.6.7" },
		{ "MAIL FROM:<a@b.c> SMTPUTF8\r\n", "250" },
	};
	struct driver driver;

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		begin(&driver, "smtp", false);
		driver_say(&driver, cases[i].mail);
		driver.is_quiet = true;
		assert_true(
		    slice_starts(slice_of(driver_say(&driver,
				     "RCPT TO:<\xc3\xb6@\xe4\xbe\x8b.f>\r\n")),
			slice_of(cases[i].rcpt)));
		/* VRFY has its own, and gives the transaction nothing. */
		assert_true(slice_starts(
		    slice_of(driver_say(&driver, "VRFY \xc3\xb6@e.f\r\n")),
		    slice_of(cases[i].rcpt)));
		assert_true(slice_starts(slice_of(driver_say(&driver,
					     "VRFY \xc3\xb6@e.f SMTPUTF8\r\n")),
		    S("250")));
		assert_true(slice_starts(
		    slice_of(driver_say(&driver, "RCPT TO:<\xc3\xb6@e.f>\r\n")),
		    slice_of(cases[i].rcpt)));
		driver_clear(&driver);
	}
}

static void
the_address_is_asked_for_unchanged(void **state)
{
	struct driver driver;

	(void)state;
	begin(&driver, "smtp", false);
	assert_string_equal(
	    driver_say(&driver, "MAIL FROM:<e\xcc\x81@b.c> SMTPUTF8\r\n"),
	    "[MAIL e\xcc\x81@b.c]\n[OPTIONS 0 4 0 0 0 <>]\n250 2.1.5 Ok\r\n");
	driver_clear(&driver);
}

static void
ehlo_offers_by_who_and_where(void **state)
{
	static const struct {
		const char *listener;
		bool is_tls;
		const char *offered, *missing;
	} cases[] = {
		{ "smtp", false, "250-LIMITS MAILMAX=1000 RCPTMAX=1000\r\n",
		    "REQUIRETLS" },
		{ "smtp", true, "250-REQUIRETLS\r\n", "MT-PRIORITY" },
		{ "smtp", true, "250-CHUNKING\r\n", "FUTURERELEASE" },
		{ "smtp", true, "250-DSN\r\n", "ETRN" },
		{ "friend", false, "250-MT-PRIORITY\r\n", "FUTURERELEASE" },
		{ "friend", false, "250-ETRN\r\n", "REQUIRETLS" },
		{ "submission", false, "250-DSN\r\n", "FUTURERELEASE" },
		{ "submission", false, "250-DSN\r\n", "MT-PRIORITY" },
		{ "submission", true,
		    "250-FUTURERELEASE 86400 2023-11-15T22:13:20Z\r\n", "!" },
		{ "submissions", true, "250-MT-PRIORITY\r\n", "!" },
		{ "lmtp", false, "250-MT-PRIORITY\r\n", "AUTH" },
		{ "lmtp", false, "250-CHUNKING\r\n", "ETRN" },
	};
	struct driver driver;

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		const char *got;

		driver_init(&driver, cases[i].listener, cases[i].is_tls);
		got = driver_say(&driver, strcmp(cases[i].listener, "lmtp") == 0
					      ? "LHLO c\r\n"
					      : "EHLO c\r\n");
		if (strstr(got, cases[i].offered) == NULL ||
		    strstr(got, cases[i].missing) != NULL)
			fail_msg("%zu: %s", i, got);
		driver_clear(&driver);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(mail_takes_what_it_is_offered),
		cmocka_unit_test(rcpt_takes_what_it_is_offered),
		cmocka_unit_test(the_limits_of_envid_and_orcpt_hold),
		cmocka_unit_test(utf8_addresses_need_smtputf8),
		cmocka_unit_test(the_address_is_asked_for_unchanged),
		cmocka_unit_test(ehlo_offers_by_who_and_where),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
