/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "common/auth.h"

#include <string.h>

#include "tests/unit/unit.h"

#define RAW(literal) ((struct slice){ literal, sizeof(literal) - 1 })

static const struct plain_case {
	struct slice response;
	enum sasl_status status;
	const char *user, *password;
} plain_cases[] = {
	{ SLICE("\0alice\0secret"), SASL_DONE, "alice", "secret" },
	{ SLICE("alice\0alice\0secret"), SASL_DONE, "alice", "secret" },
	{ SLICE("\0a@b\0p w"), SASL_DONE, "a@b", "p w" },
	{ SLICE("bob\0alice\0secret"), SASL_BAD, NULL, NULL },
	{ SLICE("\0alice"), SASL_BAD, NULL, NULL },
	{ SLICE("alice"), SASL_BAD, NULL, NULL },
	{ SLICE(""), SASL_BAD, NULL, NULL },
	{ SLICE("\0\0secret"), SASL_BAD, NULL, NULL },
	{ SLICE("\0alice\0"), SASL_BAD, NULL, NULL },
	{ SLICE("\0alice\0se\0cret"), SASL_BAD, NULL, NULL },
};

static void
plain_takes_what_rfc_4616_says(void **state)
{
	struct slice challenge;
	struct sasl sasl;

	(void)state;
	for (size_t i = 0; i < sizeof(plain_cases) / sizeof(plain_cases[0]);
	     i++) {
		const struct plain_case *c = &plain_cases[i];

		assert_true(
		    sasl_begin(&sasl, S("plain"), AUTH_PLAIN | AUTH_LOGIN));
		assert_int_equal(
		    sasl_step(&sasl, true, c->response, &challenge), c->status);
		if (c->status == SASL_DONE) {
			assert_slice_equal(
			    buf_slice(&sasl.user), slice_of(c->user));
			assert_slice_equal(
			    buf_slice(&sasl.password), slice_of(c->password));
		}
		sasl_end(&sasl);
	}
}

static void
plain_without_initial_response_gets_an_empty_challenge(void **state)
{
	struct slice challenge;
	struct sasl sasl;

	(void)state;
	assert_true(sasl_begin(&sasl, S("PLAIN"), AUTH_PLAIN | AUTH_LOGIN));
	assert_int_equal(
	    sasl_step(&sasl, false, S(""), &challenge), SASL_CONTINUE);
	assert_int_equal(challenge.len, 0);
	assert_int_equal(
	    sasl_step(&sasl, true, RAW("\0a\0b"), &challenge), SASL_DONE);
	sasl_end(&sasl);
}

static void
login_asks_for_name_and_password(void **state)
{
	struct slice challenge;
	struct sasl sasl;

	(void)state;
	assert_true(sasl_begin(&sasl, S("LOGIN"), AUTH_PLAIN | AUTH_LOGIN));
	assert_int_equal(
	    sasl_step(&sasl, false, S(""), &challenge), SASL_CONTINUE);
	assert_slice_equal(challenge, S("Username:"));
	assert_int_equal(
	    sasl_step(&sasl, true, S("alice"), &challenge), SASL_CONTINUE);
	assert_slice_equal(challenge, S("Password:"));
	assert_int_equal(
	    sasl_step(&sasl, true, S("secret"), &challenge), SASL_DONE);
	assert_slice_equal(buf_slice(&sasl.user), S("alice"));
	assert_slice_equal(buf_slice(&sasl.password), S("secret"));
	sasl_end(&sasl);
}

static void
login_takes_the_name_as_initial_response(void **state)
{
	struct slice challenge;
	struct sasl sasl;

	(void)state;
	assert_true(sasl_begin(&sasl, S("login"), AUTH_PLAIN | AUTH_LOGIN));
	assert_int_equal(
	    sasl_step(&sasl, true, S("alice"), &challenge), SASL_CONTINUE);
	assert_slice_equal(challenge, S("Password:"));
	assert_int_equal(sasl_step(&sasl, true, S(""), &challenge), SASL_BAD);
	sasl_end(&sasl);
}

static void
names_and_passwords_have_limits(void **state)
{
	char name[LIMIT_USER_NAME + 2], password[LIMIT_PASSWORD + 2];
	struct slice challenge;
	struct sasl sasl;

	(void)state;
	memset(name, 'a', sizeof(name));
	memset(password, 'b', sizeof(password));
	assert_true(sasl_begin(&sasl, S("LOGIN"), AUTH_PLAIN | AUTH_LOGIN));
	assert_int_equal(sasl_step(&sasl, true,
			     slice_make(name, LIMIT_USER_NAME + 1), &challenge),
	    SASL_BAD);
	sasl_end(&sasl);
	assert_true(sasl_begin(&sasl, S("LOGIN"), AUTH_PLAIN | AUTH_LOGIN));
	assert_int_equal(sasl_step(&sasl, true,
			     slice_make(name, LIMIT_USER_NAME), &challenge),
	    SASL_CONTINUE);
	assert_int_equal(
	    sasl_step(&sasl, true, slice_make(password, LIMIT_PASSWORD + 1),
		&challenge),
	    SASL_BAD);
	sasl_end(&sasl);
}

static void
unknown_mechanisms_are_refused(void **state)
{
	struct slice challenge;
	struct sasl sasl;

	(void)state;
	assert_false(sasl_begin(&sasl, S("CRAM-MD5"), AUTH_PLAIN | AUTH_LOGIN));
	assert_int_equal(sasl_step(&sasl, true, S("x"), &challenge), SASL_BAD);
	sasl_end(&sasl);
	assert_false(sasl_begin(&sasl, S(""), AUTH_PLAIN | AUTH_LOGIN));
	sasl_end(&sasl);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(plain_takes_what_rfc_4616_says),
		cmocka_unit_test(
		    plain_without_initial_response_gets_an_empty_challenge),
		cmocka_unit_test(login_asks_for_name_and_password),
		cmocka_unit_test(login_takes_the_name_as_initial_response),
		cmocka_unit_test(names_and_passwords_have_limits),
		cmocka_unit_test(unknown_mechanisms_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
