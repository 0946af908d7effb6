/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "common/oauth.h"

#include <string.h>

#include "common/limits.h"

#include "tests/unit/unit.h"

typedef bool parse_fn(struct slice bytes, struct oauth_message *out);

static const struct oauth_case {
	parse_fn *parse;
	const char *bytes; /* "|" stands for ^A */
	const char *user;  /* NULL: malformed */
	const char *token;
} oauth_cases[] = {
	/* RFC 7628 section 4.1 */
	{ oauth_parse_bearer,
	    "n,a=user@example.com,|host=server.example.com|port=143|"
	    "auth=Bearer vF9dft4qmTc2Nvb3RlckBhbHRhdmlzdGEuY29tCg==||",
	    "user@example.com", "vF9dft4qmTc2Nvb3RlckBhbHRhdmlzdGEuY29tCg==" },
	{ oauth_parse_bearer, "n,,|auth=Bearer t||", "", "t" },
	{ oauth_parse_bearer, "y,a=a=2Cb=3D,|auth=bearer t||", "a,b=", "t" },
	{ oauth_parse_bearer, "p=x,a=u,|auth=Bearer t||", NULL, NULL },
	{ oauth_parse_bearer, "n,a=a,b,|auth=Bearer t||", NULL, NULL },
	{ oauth_parse_bearer, "n,a=,|auth=Bearer t||", NULL, NULL },
	{ oauth_parse_bearer, "n,a=u|auth=Bearer t||", NULL, NULL },
	{ oauth_parse_bearer, "n,a=u\n,|auth=Bearer t||", NULL, NULL },
	{ oauth_parse_bearer, "n,a=u,|auth=Bearer t|", NULL, NULL },
	{ oauth_parse_bearer, "n,a=u,|auth=Bearer t||x", NULL, NULL },
	{ oauth_parse_bearer, "n,a=u,|auth=Bearer ||", NULL, NULL },
	{ oauth_parse_bearer, "n,a=u,|auth=Basic t||", NULL, NULL },
	{ oauth_parse_bearer, "n,a=u,|auth=Bearer a b||", NULL, NULL },
	{ oauth_parse_bearer, "n,a=u,|auth=Bearer a|auth=Bearer b||", NULL,
	    NULL },
	{ oauth_parse_bearer, "n,a=u,|host=h||", NULL, NULL },
	{ oauth_parse_bearer, "n,a=u,||", NULL, NULL },
	{ oauth_parse_bearer, "n,a=u,", NULL, NULL },
	{ oauth_parse_bearer, "", NULL, NULL },
	{ oauth_parse_xoauth2,
	    "user=someuser@example.com|auth=Bearer ya29.vF9dft4qmTc2Nvb3||",
	    "someuser@example.com", "ya29.vF9dft4qmTc2Nvb3" },
	{ oauth_parse_xoauth2, "user=|auth=Bearer t||", NULL, NULL },
	{ oauth_parse_xoauth2, "user=a\nb|auth=Bearer t||", NULL, NULL },
	{ oauth_parse_xoauth2, "auth=Bearer t|user=u||", NULL, NULL },
	{ oauth_parse_xoauth2, "user=u|auth=Bearer t\x7f||", NULL, NULL },
	{ oauth_parse_xoauth2, "user=u", NULL, NULL },
};

static void
messages_are_taken_apart(void **state)
{
	char bytes[512];

	(void)state;
	for (size_t i = 0; i < sizeof(oauth_cases) / sizeof(oauth_cases[0]);
	     i++) {
		const struct oauth_case *c = &oauth_cases[i];
		struct oauth_message message;
		size_t len = strlen(c->bytes);
		bool ok;

		for (size_t j = 0; j < len; j++)
			bytes[j] = c->bytes[j] == '|' ? '\1' : c->bytes[j];
		oauth_begin(&message);
		ok = c->parse(slice_make(bytes, len), &message);
		if (ok != (c->user != NULL) ||
		    (ok && (strcmp(buf_string(&message.user), c->user) != 0 ||
			       !slice_eq(message.token, slice_of(c->token)))))
			fail_msg("%s: %d", c->bytes, ok);
		oauth_end(&message);
	}
}

static void
users_have_their_limit(void **state)
{
	char bytes[LIMIT_USER_NAME + 64];

	(void)state;
	for (size_t len = LIMIT_USER_NAME - 1; len <= LIMIT_USER_NAME + 1;
	     len++) {
		struct oauth_message message;

		memset(bytes, 'u', sizeof(bytes));
		memcpy(bytes, "user=", 5);
		memcpy(bytes + 5 + len, "\1auth=Bearer t\1\1", 17);
		oauth_begin(&message);
		assert_int_equal(oauth_parse_xoauth2(slice_of(bytes), &message),
		    len <= LIMIT_USER_NAME);
		oauth_end(&message);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(messages_are_taken_apart),
		cmocka_unit_test(users_have_their_limit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
