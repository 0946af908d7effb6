/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "common/auth.h"

#include <string.h>

#include "tests/unit/unit.h"

#define SHA512                                                                 \
	"$6$saltsalt$qFmFH.bQmmtXzyBY0s9v7Oicd2z4XSIecDzlB5"                   \
	"KiA2/jctKu9YterLp8wwnSq.qc.eoxqOmSuNp2xS0ktL3nh/"

static const struct password_case {
	const char *password, *hash;
	bool matches;
} password_cases[] = {
	{ "password", SHA512, true },
	{ "password", "{SHA512-CRYPT}" SHA512, true },
	{ "password", "{crypt}" SHA512, true },
	{ "Password", SHA512, false },
	{ "", SHA512, false },
	{ "secret", "{PLAIN}secret", true },
	{ "secre", "{PLAIN}secret", false },
	{ "secrets", "{PLAIN}secret", false },
	{ "secretsecret", "{PLAIN}secret", false },
	{ "", "{PLAIN}", false },
	{ "", "", false },
	{ "x", "*", false },
	{ "x", "!", false },
	{ "password", "!" SHA512, false },
	{ "x", "x", false },
	{ "*0", "*0", false },
	{ "secret", "{UNKNOWN}secret", false },
	{ "secret", "secret", false },
};

static void
passwords_match_their_hashes_only(void **state)
{
	(void)state;
	for (size_t i = 0;
	     i < sizeof(password_cases) / sizeof(password_cases[0]); i++) {
		const struct password_case *c = &password_cases[i];

		if (password_matches(c->password, c->hash) != c->matches)
			fail_msg("\"%s\" with \"%s\"", c->password, c->hash);
	}
}

static void
a_new_hash_takes_its_password_and_no_other(void **state)
{
	char hash[512], again[512];

	(void)state;
	assert_true(
	    password_hash("geheim", PASSWORD_CRYPT, hash, sizeof(hash)));
	assert_true(password_can_check(hash));
	assert_true(password_matches("geheim", hash));
	assert_false(password_matches("geheim ", hash));
	assert_true(
	    password_hash("geheim", PASSWORD_CRYPT, again, sizeof(again)));
	assert_string_not_equal(hash, again);
	assert_true(
	    strncmp(hash, "$y$", 3) == 0 || strncmp(hash, "$6$", 3) == 0);
}

static void
a_hash_that_does_not_fit_is_an_error(void **state)
{
	char hash[16];

	(void)state;
	assert_false(
	    password_hash("geheim", PASSWORD_CRYPT, hash, sizeof(hash)));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(passwords_match_their_hashes_only),
		cmocka_unit_test(a_new_hash_takes_its_password_and_no_other),
		cmocka_unit_test(a_hash_that_does_not_fit_is_an_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
