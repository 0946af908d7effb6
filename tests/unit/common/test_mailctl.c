/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "common/buf.h"
#include "common/mailctl/certificate.h"
#include "common/mailctl/init.h"
#include "common/mailctl/mailctl.h"
#include "common/mailctl/snippet.h"
#include "common/mailctl/users_file.h"
#include "tests/unit/unit.h"

static const struct verb verbs[] = {
	{ "init", NULL, false, "", "" },
	{ "user add", NULL, false, "", "" },
	{ "user del", NULL, false, "", "" },
	{ "config check", NULL, false, "", "" },
	{ "config show", NULL, false, "", "" },
	{ "check", NULL, false, "", "" },
	{ NULL, NULL, false, NULL, NULL },
};

static const char *
find(char *first, char *second)
{
	char *words[] = { first, second, NULL };
	char **argv = words;
	int argc = first == NULL ? 0 : second == NULL ? 1 : 2;
	const struct verb *verb = verb_find(verbs, &argc, &argv, NULL);

	return verb == NULL ? "none" : verb->name;
}

static void
verbs_are_found_by_unique_prefixes(void **state)
{
	char i[] = "i", u[] = "u", a[] = "a", c[] = "c", ch[] = "ch",
	     co[] = "co", s[] = "s", x[] = "x", empty[] = "";

	(void)state;
	assert_string_equal(find(i, NULL), "init");
	assert_string_equal(find(u, a), "user add");
	assert_string_equal(find(co, s), "config show");
	assert_string_equal(find(ch, NULL), "check");
	assert_string_equal(find(c, NULL), "none");
	assert_string_equal(find(u, NULL), "none");
	assert_string_equal(find(u, x), "none");
	assert_string_equal(find(x, NULL), "none");
	assert_string_equal(find(empty, NULL), "none");
	assert_string_equal(find(NULL, NULL), "none");
}

static void
options_are_taken_from_anywhere_before_two_hyphens(void **state)
{
	char lab[] = "--lab", name[] = "name", directory[] = "--directory",
	     d[] = "d", end[] = "--", last[] = "--lab";
	char *words[] = { name, lab, directory, d, end, last, NULL };
	struct mailctl mailctl = { .argc = 6, .argv = words };
	bool is_lab = false;
	const char *place = NULL;
	const struct option_row rows[] = {
		{ "--lab", &is_lab, NULL },
		{ "--directory", NULL, &place },
		{ NULL, NULL, NULL },
	};

	(void)state;
	assert_true(options_take(&mailctl, rows, NULL));
	assert_true(is_lab);
	assert_string_equal(place, "d");
	assert_int_equal(mailctl.argc, 2);
	assert_string_equal(words[0], "name");
	assert_string_equal(words[1], "--lab");
}

static void
unknown_options_and_missing_values_are_refused(void **state)
{
	char unknown[] = "--unknown", directory[] = "--directory";
	char *first[] = { unknown, NULL }, *second[] = { directory, NULL };
	struct mailctl mailctl = { .argc = 1, .argv = first };
	const char *place = NULL;
	const struct option_row rows[] = {
		{ "--directory", NULL, &place },
		{ NULL, NULL, NULL },
	};

	(void)state;
	assert_false(options_take(&mailctl, rows, NULL));
	mailctl = (struct mailctl){ .argc = 1, .argv = second };
	assert_false(options_take(&mailctl, rows, NULL));
}

static void
a_users_file_keeps_what_an_edit_does_not_concern(void **state)
{
	const struct slice text = S("# comment\n"
				    "alice@a.test $y$x uid=7 mail=/m\n"
				    "\n"
				    "bob@a.test $y$y");
	struct user_line line;
	struct buf out;

	(void)state;
	buf_init(&out, 4096);
	assert_true(users_text_find(text, S("ALICE@a.test"), &line));
	assert_slice_equal(line.fields, S("uid=7 mail=/m"));
	assert_true(users_text_change(
	    text, S("alice@a.test"), S("$y$new"), &out, NULL));
	assert_string_equal(buf_string(&out),
	    "# comment\nalice@a.test $y$new uid=7 mail=/m\n\n"
	    "bob@a.test $y$y\n");
	buf_clear(&out);
	assert_true(
	    users_text_change(text, S("alice@a.test"), S(""), &out, NULL));
	assert_string_equal(buf_string(&out), "# comment\n\nbob@a.test $y$y\n");
	buf_clear(&out);
	assert_true(
	    users_text_add(text, S("Eve@a.test"), S("$y$z"), &out, NULL));
	assert_true(slice_ends(buf_slice(&out), S("$y$y\neve@a.test $y$z\n")));
	buf_clear(&out);
	assert_false(
	    users_text_add(text, S("bob@A.test"), S("$y$z"), &out, NULL));
	assert_false(
	    users_text_change(text, S("eve@a.test"), S("h"), &out, NULL));
	buf_free(&out);
}

static void
addresses_that_file_or_folder_cannot_hold_are_refused(void **state)
{
	static const char *const bad[] = { "alice", "@a.test", "a@", "a b@c",
		"a/b@c.test", "../x@c.test", ".a@c.test", "#a@c.test", "a@b@c",
		"a\n@c.test", "\"a\"@c.test" };

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_false(user_address_check(slice_of(bad[i]), NULL));
	assert_true(user_address_check(S("alice+x@a.test"), NULL));
}

static void
services_are_read_from_listen_entries(void **state)
{
	struct service service;

	(void)state;
	assert_true(service_parse(S("pop3s:[::1]:2995"), &service, NULL));
	assert_string_equal(service.listener->name, "pop3s");
	assert_string_equal(service.address, "::1");
	assert_int_equal(service.port, 2995);
	assert_true(service_parse(S("smtp"), &service, NULL));
	assert_string_equal(service.address, "");
	assert_int_equal(service.port, 25);
	assert_false(service_parse(S("http:80"), &service, NULL));
	assert_false(service_parse(S("smtp:99999"), &service, NULL));
}

static void
snippets_name_program_port_and_limits_that_survive_a_burst(void **state)
{
	char programs[] = "/usr/libexec/merpati";
	struct settings settings = { .program_directory = programs,
		.max_connections = 512,
		.rate_client = 20 };
	struct snippet_facts facts = { .settings = &settings,
		.user = "root",
		.merpatid = "/usr/sbin/merpatid" };
	struct service service;
	struct buf out;

	(void)state;
	buf_init(&out, 65536);
	assert_true(service_parse(S("smtp:2525"), &service, NULL));
	snippet_inetd(&facts, &service, &out);
	assert_string_equal(buf_string(&out),
	    "# smtp\n2525\tstream\ttcp\tnowait.60000\troot\t"
	    "/usr/libexec/merpati/smtpd\tsmtpd -s smtp\n"
	    "2525\tstream\ttcp6\tnowait.60000\troot\t"
	    "/usr/libexec/merpati/smtpd\tsmtpd -s smtp\n");
	buf_clear(&out);
	snippet_xinetd(&facts, &service, &out);
	assert_int_not_equal(
	    slice_find(buf_slice(&out), S("per_source\t= 20\n")), out.len);
	assert_int_not_equal(
	    slice_find(buf_slice(&out), S("server_args\t= -s smtp\n")),
	    out.len);
	buf_clear(&out);
	facts.is_wait = true;
	snippet_xinetd(&facts, &service, &out);
	assert_int_not_equal(
	    slice_find(buf_slice(&out),
		S("server\t\t= /usr/sbin/merpatid\n\tserver_args\t= -w "
		  "smtp\n")),
	    out.len);
	assert_int_equal(slice_find(buf_slice(&out), S("per_source")), out.len);
	buf_clear(&out);
	facts.is_wait = false;
	snippet_systemd_socket(&facts, &service, &out);
	assert_int_not_equal(
	    slice_find(buf_slice(&out), S("\nTriggerLimitIntervalSec=0\n")),
	    out.len);
	assert_int_not_equal(
	    slice_find(buf_slice(&out), S("ListenStream=2525\nAccept=yes\n")),
	    out.len);
	buf_free(&out);
}

static void
a_first_mail_conf_has_two_lines_and_four_in_a_lab(void **state)
{
	struct init_facts facts = { .hostname = "mail.a.test",
		.domain = "a.test",
		.networks = "10.0.1.0/24" };
	struct buf out;

	(void)state;
	buf_init(&out, 4096);
	init_format_conf(&facts, &out);
	assert_string_equal(
	    buf_string(&out), "hostname = mail.a.test\ndomains = a.test\n");
	buf_clear(&out);
	facts.is_lab = true;
	init_format_conf(&facts, &out);
	assert_string_equal(buf_string(&out),
	    "hostname = mail.a.test\ndomains = a.test\n"
	    "cleartext_auth = loopback 10.0.1.0/24\ninternet = no\n");
	buf_free(&out);
}

/* openssl req -x509 -newkey ed25519 -subj /CN=a.test -nodes, ended on
 * 2030-01-02 at 03:04:05. */
/* clang-format off */
static const char pem[] =
    "text in front\n-----BEGIN CERTIFICATE-----\n"
    "MIHIMHwCAQEwBQYDK2VwMBExDzANBgNVBAMMBmEudGVzdDAeFw0yNjAxMDEwMDAw\n"
    "MDBaFw0zMDAxMDIwMzA0MDVaMBExDzANBgNVBAMMBmEudGVzdDAqMAUGAytlcAMh\n"
    "ABDZAsSq6yd+jOysXL2BL/4Zkbdjgdt7Zof03YgWt2BRMAUGAytlcANBALBkAh/u\n"
    "Z5w3VMv8UtlSkiaWK/A79h4M98tm/oemLPO4WhNImQxnuDPUCkCsc+oiG/UXKo8f\n"
    "oFc71wiiA4PlhAE=\n"
    "-----END CERTIFICATE-----\n";
/* clang-format on */

static void
the_end_of_a_certificate_is_read_from_pem(void **state)
{
	int64_t end = 0;
	struct slice whole = slice_of(pem);

	(void)state;
	assert_true(certificate_parse_end(whole, &end, NULL));
	assert_int_equal(end, 1893553445);
	assert_false(certificate_parse_end(S("no PEM"), &end, NULL));
	for (size_t i = 0; i + 30 < whole.len; i++)
		(void)certificate_parse_end(slice_first(whole, i), &end, NULL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(verbs_are_found_by_unique_prefixes),
		cmocka_unit_test(
		    options_are_taken_from_anywhere_before_two_hyphens),
		cmocka_unit_test(
		    unknown_options_and_missing_values_are_refused),
		cmocka_unit_test(
		    a_users_file_keeps_what_an_edit_does_not_concern),
		cmocka_unit_test(
		    addresses_that_file_or_folder_cannot_hold_are_refused),
		cmocka_unit_test(services_are_read_from_listen_entries),
		cmocka_unit_test(
		    snippets_name_program_port_and_limits_that_survive_a_burst),
		cmocka_unit_test(
		    a_first_mail_conf_has_two_lines_and_four_in_a_lab),
		cmocka_unit_test(the_end_of_a_certificate_is_read_from_pem),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
