/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "tests/unit/unit.h"

#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/fsutil.h"

#include "queue/bounce.h"

static const struct bounce_recipient recipients[] = {
	{ SLICE("x@there.test"), SLICE("info@here.test"),
	    { 'F', SLICE("5.1.1"), SLICE("mx.there.test[192.0.2.1]:25"),
		SLICE("host said: 550 5.1.1 no such user") } },
	{ SLICE("bob@here.test"), SLICE("bob@here.test"),
	    { 'F', SLICE("5.2.2"), SLICE("local"), SLICE("full \001") } },
};

static struct bounce
sample(enum bounce_kind kind)
{
	return (struct bounce){ .kind = kind,
		.hostname = "mail.here.test",
		.id = "6C32BNCB0GAF0",
		.original_id = "6C32BNCB0GAEX",
		.to = S("alice@here.test"),
		.sender = S("alice@here.test"),
		.now = 1795247921,
		.arrived = 1795247000,
		.retry_until = 1795679000,
		.recipient_count = 2,
		.recipients = recipients,
		.message = S("From: a@b\r\nSubject: hello\r\n\r\nbody\r\n") };
}

/* Whoever reads it must find the parts and fields of RFC 3464. */
static const char checker[] =
    "import email, email.policy, sys\n"
    "m = email.message_from_binary_file(sys.stdin.buffer,\n"
    "    policy=email.policy.default)\n"
    "assert not m.defects, m.defects\n"
    "assert m.get_content_type() == 'multipart/report'\n"
    "assert m.get_param('report-type') == 'delivery-status'\n"
    "assert m['auto-submitted'] == 'auto-replied'\n"
    "assert m['from'].addresses[0].addr_spec == "
    "'MAILER-DAEMON@mail.here.test'\n"
    "assert m['date'].datetime.timestamp() == 1795247921\n"
    "text, status, original = m.iter_parts()\n"
    "assert 'x@there.test' in text.get_content()\n"
    "assert status.get_content_type() == 'message/delivery-status'\n"
    "head, one, two = status.get_payload()\n"
    "assert head['reporting-mta'] == 'dns; mail.here.test'\n"
    "assert head['arrival-date']\n"
    "assert one['final-recipient'] == 'rfc822; x@there.test'\n"
    "assert one['original-recipient'] == 'rfc822; info@here.test'\n"
    "assert one['status'] == '5.1.1'\n"
    "assert one['action'] == sys.argv[1]\n"
    "assert one['remote-mta'] == 'dns; mx.there.test'\n"
    "assert one['diagnostic-code'].startswith('smtp; host said: 550')\n"
    "assert 'original-recipient' not in two\n"
    "assert two['diagnostic-code'].startswith('X-Merpati; full')\n"
    "assert original.get_content_type() == sys.argv[2]\n"
    "assert 'Subject: hello' in original.as_string()\n";

static void
check_with_python(struct slice text, const char *action, const char *type)
{
	int ends[2], status;
	pid_t pid;

	assert_int_equal(pipe(ends), 0);
	pid = fork();
	if (pid == 0) {
		dup2(ends[0], STDIN_FILENO);
		close(ends[0]);
		close(ends[1]);
		execl("/usr/bin/python3", "python3", "-c", checker, action,
		    type, (char *)NULL);
		_exit(127);
	}
	close(ends[0]);
	assert_true(fs_write_all(ends[1], text, NULL));
	close(ends[1]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

static void
a_report_is_read_by_a_mail_library(void **state)
{
	struct bounce bounce = sample(BOUNCE_FAILED);
	struct buf out;

	(void)state;
	if (access("/usr/bin/python3", X_OK) != 0)
		skip();
	buf_init(&out, 1 << 20);
	assert_true(bounce_format(&out, &bounce));
	check_with_python(buf_slice(&out), "failed", "message/rfc822");
	buf_clear(&out);
	bounce.is_cut = true;
	assert_true(bounce_format(&out, &bounce));
	check_with_python(buf_slice(&out), "failed", "text/rfc822-headers");
	buf_clear(&out);
	bounce.kind = BOUNCE_DELAYED;
	assert_true(bounce_format(&out, &bounce));
	check_with_python(buf_slice(&out), "delayed", "text/rfc822-headers");
	buf_free(&out);
}

static void
every_line_ends_in_crlf_and_has_no_other_control_bytes(void **state)
{
	struct bounce bounce = sample(BOUNCE_FAILED);
	struct buf out;

	(void)state;
	buf_init(&out, 1 << 20);
	assert_true(bounce_format(&out, &bounce));
	for (size_t i = 0; i < out.len; i++) {
		if (out.ptr[i] == '\n')
			assert_true(i > 0 && out.ptr[i - 1] == '\r');
		else if (out.ptr[i] == '\r')
			assert_int_equal(out.ptr[i + 1], '\n');
		else
			assert_true(
			    out.ptr[i] == '\t' || ascii_is_print(out.ptr[i]));
	}
	buf_free(&out);
}

static void
the_id_of_a_report_is_derived_and_its_own(void **state)
{
	char first[SPOOL_ID_SIZE], again[SPOOL_ID_SIZE], other[SPOOL_ID_SIZE];

	(void)state;
	for (uint32_t attempts = 0; attempts < 600; attempts++) {
		bounce_derive_id(
		    "6C32BNCB0GAZZ", BOUNCE_FAILED, attempts, first);
		bounce_derive_id(
		    "6C32BNCB0GAZZ", BOUNCE_FAILED, attempts, again);
		bounce_derive_id(
		    "6C32BNCB0GAZZ", BOUNCE_DELAYED, attempts, other);
		assert_true(spool_id_is_valid(slice_of(first)));
		assert_string_equal(first, again);
		assert_string_not_equal(first, other);
		assert_string_not_equal(first, "6C32BNCB0GAZZ");
		assert_string_not_equal(other, "6C32BNCB0GAZZ");
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_report_is_read_by_a_mail_library),
		cmocka_unit_test(
		    every_line_ends_in_crlf_and_has_no_other_control_bytes),
		cmocka_unit_test(the_id_of_a_report_is_derived_and_its_own),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
