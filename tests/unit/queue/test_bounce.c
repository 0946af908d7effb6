/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "tests/unit/unit.h"

#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/fsutil.h"
#include "common/limits.h"

#include "queue/bounce.h"

static const struct bounce_recipient recipients[] = {
	{ SLICE("x@there.test"), SLICE("info@here.test"), SLICE(""), "failed",
	    0,
	    { 'F', SLICE("5.1.1"), SLICE("mx.there.test[192.0.2.1]:25"),
		SLICE("host said: 550 5.1.1 no such user"),
		SLICE("there is no such mailbox") } },
	{ SLICE("bob@here.test"), SLICE("bob@here.test"),
	    SLICE("rfc822;robert@here.test"), "failed", 0,
	    { 'F', SLICE("5.2.2"), SLICE("local"), SLICE("full \001"),
		SLICE("") } },
};

static const struct bounce_recipient international[] = {
	{ SLICE("b\xc3\xbc@there.test"), SLICE(""),
	    SLICE("utf-8;b\xc3\xbc@here.test"), "relayed", 0,
	    { 'D', SLICE("2.0.0"), SLICE("mx.there.test[192.0.2.1]:25"),
		SLICE("250 taken"), SLICE("") } },
};

static struct bounce_texts *texts;

static int
set_up(void **state)
{
	(void)state;
	texts = bounce_texts_new();
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	bounce_texts_free(&texts);
	return 0;
}

static struct bounce
sample(enum bounce_kind kind)
{
	return (struct bounce){ .kind = kind,
		.text = bounce_texts_find(texts, kind, S("en")),
		.hostname = "mail.here.test",
		.id = "6C32BNCB0GAF0",
		.original_id = "6C32BNCB0GAEX",
		.to = S("alice@here.test"),
		.sender = S("alice@here.test"),
		.envelope_id = S("QQ 1"),
		.now = 1795247921,
		.arrived = 1795247000,
		.retry_until = 1795679000,
		.recipient_count = 2,
		.recipients = recipients,
		.is_whole = kind == BOUNCE_FAILED };
}

static bool
collect(void *context, struct slice piece)
{
	return buf_add(context, piece);
}

/* The whole report, as bounce_send writes it. */
static void
format(struct buf *out, const struct bounce *bounce)
{
	assert_true(bounce_begin(bounce, collect, out));
	buf_add(out, S("From: a@b\r\nSubject: hello\r\n\r\n"));
	if (bounce->is_whole)
		buf_add(out, S("body\r\n"));
	assert_true(bounce_end(bounce, collect, out));
	assert_false(out->failed);
}

/* Whoever reads it must find the parts and fields of RFC 3464. */
static const char checker[] =
    "import email, email.policy, sys\n"
    "m = email.message_from_binary_file(sys.stdin.buffer,\n"
    "    policy=email.policy.default)\n"
    "action, kind_of_original, kind, subject, language = sys.argv[1:]\n"
    "assert not m.defects, m.defects\n"
    "assert m.get_content_type() == 'multipart/report'\n"
    "assert m.get_param('report-type') == kind + 'delivery-status'\n"
    "assert m['auto-submitted'] == 'auto-replied'\n"
    "assert m['from'].addresses[0].addr_spec == "
    "'MAILER-DAEMON@mail.here.test'\n"
    "assert m['date'].datetime.timestamp() == 1795247921\n"
    "text, status, original = m.iter_parts()\n"
    "content = text.get_content()\n"
    "assert m['subject'] and '=?' not in m['subject'], m['subject']\n"
    "assert subject in ('', m['subject']), m['subject']\n"
    "assert text['content-language'] == language\n"
    "assert content.isascii() or m['content-transfer-encoding'] == '8bit'\n"
    "assert '$' not in content and m['message-id'][1:14] not in content\n"
    "assert '6C32BNCB0GAEX' in content and 'mail.here.test' in content\n"
    "assert '@there.test' in text.get_content()\n"
    "assert status.get_content_type() == 'message/' + kind +\\\n"
    "    'delivery-status'\n"
    "groups = status.get_payload()\n"
    "if kind:\n"
    "    raw = status.as_bytes(policy=email.policy.SMTPUTF8).split(b'\\n')\n"
    "    raw = [line.strip(b'\\r') for line in raw]\n"
    "    assert 'Final-Recipient: utf-8; b\u00fc@there.test'.encode() in "
    "raw, raw\n"
    "    assert 'Original-Recipient: utf-8; b\u00fc@here.test'.encode() in "
    "raw\n"
    "    assert b'Action: relayed' in raw\n"
    "else:\n"
    "    head, one, two = groups\n"
    "    assert head['original-envelope-id'] == 'QQ 1'\n"
    "    assert head['reporting-mta'] == 'dns; mail.here.test'\n"
    "    assert head['arrival-date']\n"
    "    assert one['final-recipient'] == 'rfc822; x@there.test'\n"
    "    assert one['original-recipient'] == 'rfc822; info@here.test'\n"
    "    assert one['status'] == '5.1.1'\n"
    "    assert one['action'] == action\n"
    "    assert one['remote-mta'] == 'dns; mx.there.test'\n"
    "    assert one['diagnostic-code'].startswith('smtp; host said: 550')\n"
    "    assert two['original-recipient'] == 'rfc822; robert@here.test'\n"
    "    assert two['diagnostic-code'].startswith('X-Merpati; full')\n"
    "assert original.get_content_type() == kind_of_original\n"
    "assert 'Subject: hello' in original.as_string()\n";

static void
check_in_language(struct slice text, const char *type, const char *kind,
    const char *subject, const char *language)
{
	int ends[2], status;
	pid_t pid;

	assert_int_equal(pipe(ends), 0);
	pid = fork();
	if (pid == 0) {
		dup2(ends[0], STDIN_FILENO);
		close(ends[0]);
		close(ends[1]);
		execl("/usr/bin/python3", "python3", "-c", checker, "failed",
		    type, kind, subject, language, (char *)NULL);
		_exit(127);
	}
	close(ends[0]);
	assert_true(fs_write_all(ends[1], text, NULL));
	close(ends[1]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

static void
check_with_python(struct slice text, const char *type, const char *kind)
{
	check_in_language(text, type, kind, "", "en");
}

static void
a_report_is_in_its_language(void **state)
{
	static const struct {
		const char *language, *subject; /* of a failure */
	} rows[] = {
		{ "en", "Undelivered Mail Returned to Sender" },
		{ "id", "Surel tidak terkirim, dikembalikan kepada pengirim" },
		{ "de", "Unzustellbare Nachricht zur\xc3\xbc"
			"ck an den Absender" },
		{ "es", "Correo no entregado, devuelto al remitente" },
		{ "fr",
		    "Message non distribu\xc3\xa9, retourn\xc3\xa9 \xc3\xa0 "
		    "l'exp\xc3\xa9"
		    "diteur" },
		{ "nl", "Onbestelbare mail terug naar de afzender" },
	};
	struct bounce bounce;
	struct buf out;

	(void)state;
	buf_init(&out, 1 << 20);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		for (int kind = 0; kind < BOUNCE_KINDS; kind++) {
			buf_clear(&out);
			bounce = sample((enum bounce_kind)kind);
			bounce.is_whole = true;
			bounce.text = bounce_texts_find(
			    texts, bounce.kind, slice_of(rows[i].language));
			format(&out, &bounce);
			check_in_language(buf_slice(&out), "message/rfc822", "",
			    kind == BOUNCE_FAILED ? rows[i].subject : "",
			    rows[i].language);
		}
	buf_free(&out);
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
	format(&out, &bounce);
	check_with_python(buf_slice(&out), "message/rfc822", "");
	for (int kind = BOUNCE_FAILED; kind < BOUNCE_KINDS; kind++) {
		buf_clear(&out);
		bounce = sample((enum bounce_kind)kind);
		bounce.is_whole = false;
		format(&out, &bounce);
		check_with_python(buf_slice(&out), "text/rfc822-headers", "");
	}
	buf_clear(&out);
	bounce = sample(BOUNCE_SUCCESS);
	bounce.is_global = true;
	bounce.recipients = international;
	bounce.recipient_count = 1;
	format(&out, &bounce);
	check_with_python(buf_slice(&out), "message/global-headers", "global-");
	buf_free(&out);
}

static void
every_line_ends_in_crlf_and_has_no_other_control_bytes(void **state)
{
	struct bounce bounce = sample(BOUNCE_FAILED);
	struct buf out;

	(void)state;
	buf_init(&out, 1 << 20);
	format(&out, &bounce);
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

struct counter {
	size_t pieces, bytes, longest;
};

static bool
count(void *context, struct slice piece)
{
	struct counter *counter = context;

	counter->pieces++;
	counter->bytes += piece.len;
	if (piece.len > counter->longest)
		counter->longest = piece.len;
	return true;
}

static void
a_report_of_any_length_comes_in_pieces(void **state)
{
	static struct bounce_recipient many[20000];
	static char text[LIMIT_REASON];
	struct bounce bounce = sample(BOUNCE_FAILED);
	struct counter counter = { 0 };

	(void)state;
	memset(text, 'x', sizeof(text));
	for (size_t i = 0; i < 20000; i++) {
		many[i] = recipients[0];
		many[i].reason.text = slice_make(text, sizeof(text) - 1);
	}
	bounce.recipients = many;
	bounce.recipient_count = 20000;
	assert_true(bounce_begin(&bounce, count, &counter));
	assert_true(counter.bytes > 40 * 1000 * 1000);
	assert_true(counter.longest < 65536);
}

static void
the_id_of_a_report_is_derived_and_its_own(void **state)
{
	char ids[BOUNCE_KINDS][SPOOL_ID_SIZE], again[SPOOL_ID_SIZE];

	(void)state;
	for (uint32_t attempts = 0; attempts < 600; attempts++)
		for (int kind = 0; kind < BOUNCE_KINDS; kind++) {
			bounce_derive_id("6C32BNCB0GAZZ",
			    (enum bounce_kind)kind, attempts, ids[kind]);
			bounce_derive_id("6C32BNCB0GAZZ",
			    (enum bounce_kind)kind, attempts, again);
			assert_true(spool_id_is_valid(slice_of(ids[kind])));
			assert_string_equal(ids[kind], again);
			assert_string_not_equal(ids[kind], "6C32BNCB0GAZZ");
			for (int i = 0; i < kind; i++)
				assert_string_not_equal(ids[kind], ids[i]);
		}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_report_is_read_by_a_mail_library),
		cmocka_unit_test(a_report_is_in_its_language),
		cmocka_unit_test(
		    every_line_ends_in_crlf_and_has_no_other_control_bytes),
		cmocka_unit_test(a_report_of_any_length_comes_in_pieces),
		cmocka_unit_test(the_id_of_a_report_is_derived_and_its_own),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
