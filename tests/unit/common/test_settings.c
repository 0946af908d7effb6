/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "tests/unit/unit.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/buf.h"
#include "common/fsutil.h"
#include "common/settings.h"
#include "common/settings_table.h"

static struct settings *
load(const char *text, const char *program, struct settings_errors *errors)
{
	char path[] = "/tmp/merpati-test-XXXXXX";
	int fd = mkstemp(path);
	struct settings *settings;

	assert_true(fd >= 0);
	assert_true(fs_write_all(fd, slice_of(text), NULL));
	close(fd);
	settings = settings_load(path, program, errors);
	unlink(path);
	return settings;
}

static void
two_lines_make_a_host(void **state)
{
	struct settings_errors errors;
	struct settings *settings;

	(void)state;
	settings = load("hostname = Mail.Example.com\n"
			"domains = example.com, Example.ORG\n",
	    NULL, &errors);
	assert_int_equal(errors.count, 0);
	assert_string_equal(settings->hostname, "mail.example.com");
	assert_int_equal(settings->domains.count, 2);
	assert_string_equal(settings->domains.items[1], "example.org");
	assert_string_equal(settings->origin, "example.com");
	assert_true(settings_is_local_domain(settings, S("EXAMPLE.com")));
	assert_false(settings_is_local_domain(settings, S("example.net")));
	assert_int_equal(settings->message_size_limit, 50 << 20);
	assert_int_equal(settings->maximal_queue_lifetime, 5 * 86400);
	assert_int_equal(settings->mynetworks.count, 2);
	settings_free(&settings);
	assert_null(settings);
}

static void
all_errors_are_reported_with_their_lines(void **state)
{
	struct settings_errors errors;
	struct settings *settings;

	(void)state;
	settings = load("hostnme = a\n\n# comment\ninternet = perhaps\n"
			"mynetworks = 0.0.0.0/0\nnonsense\n",
	    NULL, &errors);
	assert_int_equal(errors.count, 4);
	assert_non_null(strstr(errors.texts[0], ":1: "));
	assert_non_null(strstr(errors.texts[0], "did you mean hostname?"));
	assert_non_null(strstr(errors.texts[1], ":6: "));
	assert_non_null(strstr(errors.texts[2], ":4: internet"));
	assert_non_null(strstr(errors.texts[3], "open relay"));
	settings_errors_free(&errors);
	settings_free(&settings);
}

static void
order_does_not_matter_for_names_and_overrides(void **state)
{
	struct settings_errors errors;
	struct settings *settings;

	(void)state;
	settings = load("smtpd.log_level = debug\nlog_level = error\n"
			"log_file = /var/log/$hostname/$domain\n"
			"hostname = h.d\ndomains =\n   d\n   # note\n   e\n",
	    "smtpd", &errors);
	assert_int_equal(errors.count, 0);
	assert_int_equal(settings->log_level, 3);
	assert_string_equal(settings->log_file, "/var/log/h.d/d");
	assert_int_equal(settings->domains.count, 2);
	settings_free(&settings);
	settings = load("smtpd.log_level = debug\n", "qmgr", &errors);
	assert_int_equal(settings->log_level, 2);
	settings_free(&settings);
}

static void
every_default_formats_and_parses_back(void **state)
{
	const struct settings_row *row;
	struct settings_errors errors;
	struct settings *settings = load("hostname = h\n", NULL, &errors);
	struct buf text, again;
	struct why why;

	(void)state;
	buf_init(&text, 65536);
	buf_init(&again, 65536);
	for (row = settings_table; row->name != NULL; row++) {
		buf_clear(&text);
		buf_clear(&again);
		settings_format(settings, row, &text);
		assert_true(
		    settings_set(settings, row, buf_slice(&text), &why));
		settings_format(settings, row, &again);
		assert_slice_equal(buf_slice(&again), buf_slice(&text));
		assert_ptr_equal(
		    settings_nearest_row(slice_of(row->name)), row);
	}
	buf_free(&text);
	buf_free(&again);
	settings_free(&settings);
}

static void
public_networks_need_consent(void **state)
{
	struct settings_errors errors;
	struct settings *settings;

	(void)state;
	settings =
	    load("mynetworks = 10.0.0.0/8 192.0.2.0/24\n", NULL, &errors);
	assert_int_equal(errors.count, 1);
	settings_errors_free(&errors);
	settings_free(&settings);
	settings = load("mynetworks = 192.0.2.0/24\nmynetworks_public = yes\n",
	    NULL, &errors);
	assert_int_equal(errors.count, 0);
	settings_free(&settings);
	settings = load("mynetworks = 10.0.0.1/8\n", NULL, &errors);
	assert_int_equal(errors.count, 1);
	settings_errors_free(&errors);
	settings_free(&settings);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(two_lines_make_a_host),
		cmocka_unit_test(all_errors_are_reported_with_their_lines),
		cmocka_unit_test(order_does_not_matter_for_names_and_overrides),
		cmocka_unit_test(every_default_formats_and_parses_back),
		cmocka_unit_test(public_networks_need_consent),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
