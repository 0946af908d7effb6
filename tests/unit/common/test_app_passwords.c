/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "common/app_passwords.h"

#include <string.h>

#include "common/limits.h"

#include "tests/unit/unit.h"

static void
lines_are_read_and_others_counted(void **state)
{
	struct slice text = S("# comment\n"
			      "\n"
			      "a@b phone imap,smtp hash\n"
			      "a@b two words smtp hash\n"
			      "a@b bad/label smtp hash\n"
			      "a@b phone ftp hash\n"
			      "a@b phone , hash\n"
			      "a@b phone smtp\n"
			      " alice\tx.y-z_1 ALL {PLAIN}x \r\n"
			      "carol last pop3 h");
	struct app_password row;
	size_t bad = 0;

	(void)state;
	assert_true(app_password_next(&text, &row, &bad));
	assert_true(slice_eq(row.user, S("a@b")));
	assert_true(slice_eq(row.label, S("phone")));
	assert_true(slice_eq(row.hash, S("hash")));
	assert_int_equal(row.services, AUTH_SERVICE_IMAP | AUTH_SERVICE_SMTP);
	assert_true(app_password_next(&text, &row, &bad));
	assert_true(slice_eq(row.label, S("x.y-z_1")));
	assert_true(slice_eq(row.hash, S("{PLAIN}x")));
	assert_int_equal(row.services, AUTH_SERVICE_ALL);
	assert_true(app_password_next(&text, &row, &bad));
	assert_true(slice_eq(row.user, S("carol")));
	assert_false(app_password_next(&text, &row, &bad));
	assert_int_equal(bad, 5);
}

static void
services_are_written_as_they_are_read(void **state)
{
	unsigned int services;
	char text[32];

	(void)state;
	for (unsigned int bits = 1; bits <= AUTH_SERVICE_ALL; bits++) {
		app_services_format(bits, text);
		assert_true(app_services_parse(slice_of(text), &services));
		assert_int_equal(services, bits);
	}
	assert_false(app_services_parse(S(""), &services));
}

static void
labels_have_their_limit(void **state)
{
	char label[LIMIT_APP_LABEL + 1];

	(void)state;
	memset(label, 'x', sizeof(label));
	for (size_t len = LIMIT_APP_LABEL - 1; len <= LIMIT_APP_LABEL + 1;
	     len++)
		assert_int_equal(app_label_is_good(slice_make(label, len)),
		    len <= LIMIT_APP_LABEL);
	assert_false(app_label_is_good(S("")));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines_are_read_and_others_counted),
		cmocka_unit_test(services_are_written_as_they_are_read),
		cmocka_unit_test(labels_have_their_limit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
