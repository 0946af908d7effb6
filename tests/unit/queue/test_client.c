/* SPDX-License-Identifier: ISC */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "common/buf.h"

#include "queue/client.h"

#include "tests/unit/unit.h"

#define RECIPIENTS 3

/*
 * One conversation. script: "S:" what the server says, "C:" what the client
 * must have said by then, "TLS" a handshake; every line stands for one with
 * CRLF. verdicts: status and code of each recipient. Every script is played
 * whole, in pieces of three bytes, and byte by byte.
 */
struct script {
	const char *name;
	struct client_options options;
	struct client_message message;
	const char *body;
	const char *addresses[RECIPIENTS];
	const char *lines;
	const char *verdicts;
	const char *text; /* in the first verdict's text, or NULL */
	bool is_verified; /* the certificate shown */
	struct rcpt_options rcpt;
};

struct play {
	const struct script *script;
	struct client client;
	struct client_message message;
	struct client_recipient recipients[RECIPIENTS];
	struct buf said;
	bool has_begun, is_over;
};

#define HOST       .hostname = "me.test"
#define HELLO      "S:220 mx.test ESMTP\nC:EHLO me.test\n"
#define PLAIN_HOST HELLO "S:250-mx.test\nS:250 SIZE 1000\n"
#define TLS_HOST                                                               \
	HELLO "S:250-mx\nS:250 STARTTLS\nC:STARTTLS\nS:220 go\nTLS\n"          \
	      "C:EHLO me.test\n"
#define FULL_HOST                                                              \
	HELLO "S:250-mx.test\nS:250-PIPELINING\nS:250-8BITMIME\nS:250 SIZE\n"

static const struct script scripts[] = {
	{ .name = "one recipient, nothing offered",
	    .options = { HOST },
	    .message = { .size = 10 },
	    .body = "hello\r\n",
	    .addresses = { "b@x.test" },
	    .lines =
		HELLO "S:250 mx.test\n"
		      "C:MAIL FROM:<a@me.test>\nS:250 ok\n"
		      "C:RCPT TO:<b@x.test>\nS:250 ok\n"
		      "C:DATA\nS:354 go\nC:hello\nC:.\nS:250 2.0.0 taken\n",
	    .verdicts = "D 2.0.0",
	    .text = "250 2.0.0 taken" },
	{ .name = "pipelined, dots doubled, the end of the last line added",
	    .options = { HOST },
	    .message = { .size = 10, .is_8bit = true },
	    .body = ".a\n..\r\nb\rc",
	    .addresses = { "b@x.test", "c@x.test" },
	    .lines =
		FULL_HOST "C:MAIL FROM:<a@me.test> SIZE=10 BODY=8BITMIME\n"
			  "C:RCPT TO:<b@x.test>\nC:RCPT TO:<c@x.test>\nC:DATA\n"
			  "S:250 ok\nS:250 ok\nS:250 ok\nS:354 go\n"
			  "C:..a\nC:...\nC:b\nC:c\nC:.\nS:250 ok\n",
	    .verdicts = "D 2.0.0 D 2.0.0" },
	{ .name = "one refused, one put off, one taken",
	    .options = { HOST },
	    .message = { .size = 3 },
	    .body = "x\r\n",
	    .addresses = { "b@x.test", "c@x.test", "d@x.test" },
	    .lines = FULL_HOST
	    "C:MAIL FROM:<a@me.test> SIZE=3 BODY=7BIT\n"
	    "C:RCPT TO:<b@x.test>\nC:RCPT TO:<c@x.test>\n"
	    "C:RCPT TO:<d@x.test>\nC:DATA\n"
	    "S:250 ok\nS:550-5.1.1 no\nS:550 5.1.1 such user\n"
	    "S:450 4.2.1 later\nS:250 ok\nS:354 go\nC:x\nC:.\nS:250 ok\n",
	    .verdicts = "F 5.1.1 T 4.2.1 D 2.0.0",
	    .text = "550 5.1.1 no such user (in reply to RCPT TO)" },
	{ .name = "nobody accepted, yet DATA was pipelined and got 354",
	    .options = { HOST },
	    .message = { .size = 3 },
	    .body = "x\r\n",
	    .addresses = { "b@x.test" },
	    .lines =
		FULL_HOST "C:MAIL FROM:<a@me.test> SIZE=3 BODY=7BIT\n"
			  "C:RCPT TO:<b@x.test>\nC:DATA\n"
			  "S:250 ok\nS:551 gone\nS:354 go\nC:.\nS:554 none\n",
	    .verdicts = "F 5.0.0" },
	{ .name = "nobody accepted without pipelining: no DATA",
	    .options = { HOST },
	    .message = { .size = 3 },
	    .body = "x\r\n",
	    .addresses = { "b@x.test" },
	    .lines = PLAIN_HOST "C:MAIL FROM:<a@me.test> SIZE=3\nS:250 ok\n"
				"C:RCPT TO:<b@x.test>\nS:450 later\n",
	    .verdicts = "T 4.0.0" },
	{ .name = "MAIL refused decides for all",
	    .options = { HOST },
	    .message = { .size = 3 },
	    .body = "x\r\n",
	    .addresses = { "b@x.test", "c@x.test" },
	    .lines = FULL_HOST
	    "C:MAIL FROM:<a@me.test> SIZE=3 BODY=7BIT\n"
	    "C:RCPT TO:<b@x.test>\nC:RCPT TO:<c@x.test>\nC:DATA\n"
	    "S:451 4.7.1 greylisted\nS:503 no MAIL\nS:503 no MAIL\n"
	    "S:503 no MAIL\n",
	    .verdicts = "T 4.7.1 T 4.7.1" },
	{ .name = "the end of data refused",
	    .options = { HOST },
	    .message = { .size = 3 },
	    .body = "x\r\n",
	    .addresses = { "b@x.test" },
	    .lines =
		PLAIN_HOST "C:MAIL FROM:<a@me.test> SIZE=3\nS:250 ok\n"
			   "C:RCPT TO:<b@x.test>\nS:250 ok\nC:DATA\nS:354 go\n"
			   "C:x\nC:.\nS:554 5.7.1 spam\n",
	    .verdicts = "F 5.7.1",
	    .text = "(in reply to the end of data)" },
	{ .name = "HELO when EHLO is unknown",
	    .options = { HOST },
	    .message = { .size = 3 },
	    .body = "x\r\n",
	    .addresses = { "b@x.test" },
	    .lines = HELLO "S:502 what\nC:HELO me.test\nS:250 mx\n"
			   "C:MAIL FROM:<a@me.test>\nS:250 ok\n"
			   "C:RCPT TO:<b@x.test>\nS:250 ok\n"
			   "C:DATA\nS:354 go\nC:x\nC:.\nS:250 ok\n",
	    .verdicts = "D 2.0.0" },
	{ .name = "8-bit to a host without 8BITMIME",
	    .options = { HOST },
	    .message = { .size = 3, .is_8bit = true },
	    .body = "\xe9\r\n",
	    .addresses = { "b@x.test" },
	    .lines = PLAIN_HOST,
	    .verdicts = "F 5.6.3" },
	{ .name = "larger than the host takes",
	    .options = { HOST },
	    .message = { .size = 1001 },
	    .body = "x\r\n",
	    .addresses = { "b@x.test" },
	    .lines = PLAIN_HOST,
	    .verdicts = "F 5.3.4" },
	{ .name = "an address with a line end never leaves",
	    .options = { HOST },
	    .message = { .size = 3 },
	    .body = "x\r\n",
	    .addresses = { "b@x.test>\r\nRCPT TO:<e", "caf\xc3\xa9@x.test",
		"c@x.test" },
	    .lines = PLAIN_HOST "C:MAIL FROM:<a@me.test> SIZE=3\nS:250 ok\n"
				"C:RCPT TO:<c@x.test>\nS:250 ok\nC:DATA\n"
				"S:354 go\nC:x\nC:.\nS:250 ok\n",
	    .verdicts = "F 5.1.3 F 5.6.7 D 2.0.0" },
	{ .name = "brackets and blanks only within quotes",
	    .options = { HOST },
	    .message = { .size = 3 },
	    .addresses = { "b@x.test> NOTIFY=NEVER", "\"a> \\\"<\"@x.test",
		"\"c@x.test" },
	    .lines = PLAIN_HOST "C:MAIL FROM:<a@me.test> SIZE=3\nS:250 ok\n"
				"C:RCPT TO:<\"a> \\\"<\"@x.test>\nS:550 no\n",
	    .verdicts = "F 5.1.3 F 5.0.0 F 5.1.3" },
	{ .name = "too many recipients is for later",
	    .options = { HOST },
	    .message = { .size = 3 },
	    .body = "x\r\n",
	    .addresses = { "b@x.test", "c@x.test" },
	    .lines = FULL_HOST "C:MAIL FROM:<a@me.test> SIZE=3 BODY=7BIT\n"
			       "C:RCPT TO:<b@x.test>\nC:RCPT TO:<c@x.test>\n"
			       "C:DATA\nS:250 ok\nS:250 ok\nS:552 too many\n"
			       "S:354 go\nC:x\nC:.\nS:250 ok\n",
	    .verdicts = "D 2.0.0 T 4.5.3" },
	{ .name = "STARTTLS, then EHLO again, what was offered is forgotten",
	    .options = { HOST, .tls_level = TLS_LEVEL_MAY },
	    .message = { .size = 3 },
	    .body = "x\r\n",
	    .addresses = { "b@x.test" },
	    .lines = HELLO "S:250-mx\nS:250-PIPELINING\nS:250 STARTTLS\n"
			   "C:STARTTLS\nS:220 go\nTLS\nC:EHLO me.test\n"
			   "S:250-mx\nS:250 STARTTLS\n"
			   "C:MAIL FROM:<a@me.test>\nS:250 ok\n"
			   "C:RCPT TO:<b@x.test>\nS:250 ok\n"
			   "C:DATA\nS:354 go\nC:x\nC:.\nS:250 ok\n",
	    .verdicts = "D 2.0.0" },
	{ .name = "TLS before the greeting",
	    .options = { HOST, .is_tls_first = true, .login = SLICE("test"),
		.password = SLICE("secret") },
	    .message = { .size = 3 },
	    .addresses = { "b@x.test" },
	    .lines = "TLS\n" HELLO "S:250-mx\nS:250 AUTH PLAIN\n"
		     "C:AUTH PLAIN AHRlc3QAc2VjcmV0\nS:235 in\n"
		     "C:MAIL FROM:<a@me.test>\nS:550 5.7.9 no\n",
	    .verdicts = "F 5.7.9" },
	{ .name = "STARTTLS refused: in clear",
	    .options = { HOST, .tls_level = TLS_LEVEL_MAY },
	    .message = { .size = 3 },
	    .body = "x\r\n",
	    .addresses = { "b@x.test" },
	    .lines = HELLO "S:250-mx\nS:250 STARTTLS\nC:STARTTLS\n"
			   "S:454 not now\nC:MAIL FROM:<a@me.test>\nS:250 ok\n"
			   "C:RCPT TO:<b@x.test>\nS:450 4.0.1 ok\n",
	    .verdicts = "T 4.0.1" },
	{ .name = "STARTTLS refused, but required",
	    .options = { HOST, .tls_level = TLS_LEVEL_ENCRYPT },
	    .lines = HELLO "S:250-mx\nS:250 STARTTLS\nC:STARTTLS\nS:454 no\n",
	    .verdicts = "T 4.7.5" },
	{ .name = "STARTTLS not offered, but required",
	    .options = { HOST, .tls_level = TLS_LEVEL_ENCRYPT },
	    .lines = PLAIN_HOST,
	    .verdicts = "T 4.7.5" },
	{ .name = "verify: a certificate nobody knows, and nothing is said",
	    .options = { HOST, .tls_level = TLS_LEVEL_VERIFY,
		.login = SLICE("test"), .password = SLICE("secret") },
	    .lines = TLS_HOST "S:250-mx\n"
			      "S:250 AUTH PLAIN\n",
	    .verdicts = "T 4.7.5",
	    .text = "certificate" },
	{ .name = "verify: the right certificate",
	    .options = { HOST, .tls_level = TLS_LEVEL_VERIFY },
	    .message = { .size = 3 },
	    .addresses = { "b@x.test" },
	    .is_verified = true,
	    .lines = TLS_HOST "S:250 mx\n"
			      "C:MAIL FROM:<a@me.test>\nS:550 no\n",
	    .verdicts = "F 5.0.0" },
	{ .name = "verify: STARTTLS not offered",
	    .options = { HOST, .tls_level = TLS_LEVEL_VERIFY },
	    .lines = PLAIN_HOST,
	    .verdicts = "T 4.7.5" },
	{ .name = "no TLS when none is wanted",
	    .options = { HOST, .tls_level = TLS_LEVEL_NONE },
	    .message = { .size = 3 },
	    .addresses = { "b@x.test" },
	    .lines = HELLO "S:250-mx\nS:250 STARTTLS\n"
			   "C:MAIL FROM:<a@me.test>\nS:550 no\n",
	    .verdicts = "F 5.0.0" },
	{ .name = "AUTH PLAIN",
	    .options = { HOST, .may_auth_in_clear = true,
		.login = SLICE("test"), .password = SLICE("secret") },
	    .message = { .size = 3 },
	    .addresses = { "b@x.test" },
	    .lines = HELLO "S:250-mx\nS:250 AUTH LOGIN PLAIN\n"
			   "C:AUTH PLAIN AHRlc3QAc2VjcmV0\nS:235 in\n"
			   "C:MAIL FROM:<a@me.test>\nS:550 5.7.9 no\n",
	    .verdicts = "F 5.7.9" },
	{ .name = "AUTH LOGIN",
	    .options = { HOST, .may_auth_in_clear = true,
		.login = SLICE("test"), .password = SLICE("secret") },
	    .message = { .size = 3 },
	    .lines = HELLO "S:250-mx\nS:250 AUTH=LOGIN\nC:AUTH LOGIN\n"
			   "S:334 VXNlcm5hbWU6\nC:dGVzdA==\n"
			   "S:334 UGFzc3dvcmQ6\nC:c2VjcmV0\nS:535 5.7.8 no\n",
	    .verdicts = "T 4.7.8" },
	{ .name = "no password without TLS",
	    .options = { HOST, .login = SLICE("test"),
		.password = SLICE("secret") },
	    .lines = HELLO "S:250-mx\nS:250 AUTH PLAIN\n",
	    .verdicts = "T 4.7.0" },
	{ .name = "greeting 554 is for later, at another host",
	    .options = { HOST },
	    .lines = "S:554 no service\n",
	    .verdicts = "T 4.0.0",
	    .text = "554 no service (in reply to the initial greeting)" },
	{ .name = "greeting 521 is for ever",
	    .options = { HOST },
	    .lines = "S:521 5.3.2 no mail here\n",
	    .verdicts = "F 5.3.2" },
	{ .name = "mail loops back to myself",
	    .options = { HOST, .is_own_address = true },
	    .lines = "S:220-ME.test ESMTP\nS:220 hello\n",
	    .verdicts = "F 5.4.6" },
	{ .name = "not SMTP at all",
	    .options = { HOST },
	    .lines = "S:SSH-2.0-OpenSSH_9.2\n",
	    .verdicts = "T 4.5.0" },
	{ .name = "the body in chunks, line ends mended, DATA never said",
	    .options = { HOST },
	    .message = { .size = 8, .is_8bit = true },
	    .body = ".a\n\xe9\rb",
	    .addresses = { "b@x.test", "c@x.test" },
	    .lines = HELLO "S:250-mx\nS:250-PIPELINING\nS:250-8BITMIME\n"
			   "S:250 CHUNKING\n"
			   "C:MAIL FROM:<a@me.test> BODY=8BITMIME\n"
			   "C:RCPT TO:<b@x.test>\nC:RCPT TO:<c@x.test>\n"
			   "S:250 ok\nS:550 5.1.1 no\nS:250 ok\n"
			   "C:BDAT 10 LAST\nC:.a\nC:\xe9\nC:b\n"
			   "S:250 2.6.0 taken\n",
	    .verdicts = "F 5.1.1 D 2.6.0" },
	{ .name = "a binary message keeps its bytes",
	    .options = { HOST },
	    .message = { .size = 5, .is_8bit = true, .is_binary = true },
	    .body = "\xe9\xe9\r\n",
	    .addresses = { "b@x.test" },
	    .lines = HELLO "S:250-mx\nS:250-CHUNKING\nS:250-8BITMIME\n"
			   "S:250 BINARYMIME\n"
			   "C:MAIL FROM:<a@me.test> BODY=BINARYMIME\nS:250 ok\n"
			   "C:RCPT TO:<b@x.test>\nS:250 ok\n"
			   "C:BDAT 4 LAST\nC:\xe9\xe9\nS:554 5.6.0 no\n",
	    .verdicts = "F 5.6.0" },
	{ .name = "all that was asked for, to a host that has it",
	    .options = { HOST },
	    .message = { .size = 3,
		.by_seconds = -5,
		.options = { .flags = MAIL_RET_HEADERS | MAIL_BY_NOTIFY |
				      MAIL_BY_TRACE | MAIL_UTF8,
		    .priority = -3,
		    .deliver_by = 1,
		    .envelope_id = SLICE("a=b c+") } },
	    .body = "x\r\n",
	    .addresses = { "b\xc3\xbc@x.test" },
	    .rcpt = { .notify = NOTIFY_SUCCESS | NOTIFY_DELAY,
		.original = SLICE("utf-8;\xc3\xa9+\\@x") },
	    .lines =
		HELLO "S:250-mx\nS:250-8BITMIME\nS:250-SMTPUTF8\nS:250-DSN\n"
		      "S:250-DELIVERBY\nS:250 MT-PRIORITY MIXER\n"
		      "C:MAIL FROM:<a@me.test> BODY=7BIT SMTPUTF8 RET=HDRS "
		      "ENVID=a+3Db+20c+2B BY=-5;NT MT-PRIORITY=-3\nS:250 ok\n"
		      "C:RCPT TO:<b\xc3\xbc@x.test> NOTIFY=SUCCESS,DELAY "
		      "ORCPT=utf-8;\\x{E9}\\x{2B}\\x{5C}@x\nS:550 5.1.1 no\n",
	    .verdicts = "F 5.1.1" },
	{ .name = "UTF-8 in an address: needs SMTPUTF8 with 8BITMIME",
	    .options = { HOST },
	    .message = { .size = 3 },
	    .addresses = { "b\xc3\xbc@x.test" },
	    .lines = HELLO "S:250-mx\nS:250 SMTPUTF8\n",
	    .verdicts = "F 5.6.7" },
	{ .name = "in time or returned, but the host knows no time",
	    .options = { HOST },
	    .message = { .size = 3,
		.by_seconds = 60,
		.options = { .flags = MAIL_BY_RETURN, .deliver_by = 1 } },
	    .addresses = { "b@x.test" },
	    .lines = PLAIN_HOST,
	    .verdicts = "F 5.3.3" },
	{ .name = "REQUIRETLS, offered and verified",
	    .options = { HOST, .tls_level = TLS_LEVEL_ENCRYPT,
		.requires_tls = true },
	    .message = { .size = 3, .options = { .flags = MAIL_REQUIRETLS } },
	    .addresses = { "b@x.test" },
	    .is_verified = true,
	    .lines = TLS_HOST "S:250-mx\nS:250 REQUIRETLS\n"
			      "C:MAIL FROM:<a@me.test> REQUIRETLS\nS:550 no\n",
	    .verdicts = "F 5.0.0" },
	{ .name = "REQUIRETLS and a certificate nobody knows",
	    .options = { HOST, .tls_level = TLS_LEVEL_ENCRYPT,
		.requires_tls = true },
	    .lines = TLS_HOST "S:250-mx\nS:250 REQUIRETLS\n",
	    .verdicts = "F 5.7.30",
	    .text = "certificate" },
	{ .name = "REQUIRETLS, and STARTTLS refused for now",
	    .options = { HOST, .tls_level = TLS_LEVEL_ENCRYPT,
		.requires_tls = true },
	    .lines = HELLO "S:250-mx\nS:250 STARTTLS\nC:STARTTLS\nS:454 no\n",
	    .verdicts = "T 4.7.5" },
	{ .name = "421 in the middle decides for those without verdict",
	    .options = { HOST },
	    .message = { .size = 3 },
	    .addresses = { "b@x.test", "c@x.test" },
	    .lines = PLAIN_HOST "C:MAIL FROM:<a@me.test> SIZE=3\nS:250 ok\n"
				"C:RCPT TO:<b@x.test>\nS:550 5.1.1 no\n"
				"C:RCPT TO:<c@x.test>\nS:421 4.3.2 bye\n",
	    .verdicts = "F 5.1.1 T 4.3.2" },
};

static void
play_open(struct play *play, const struct script *script)
{
	memset(play, 0, sizeof(*play));
	play->script = script;
	client_init(&play->client, &script->options);
	play->message = script->message;
	play->message.sender = S("a@me.test");
	play->message.recipients = play->recipients;
	for (size_t i = 0; i < RECIPIENTS; i++) {
		if (script->addresses[i] == NULL)
			break;
		play->recipients[i].address = slice_of(script->addresses[i]);
		play->recipients[i].options = script->rcpt;
		play->message.recipient_count++;
	}
	buf_init(&play->said, 65536);
}

/* What the driver does for each effect. */
static void
play_input(struct play *play, struct slice input)
{
	struct client *client = &play->client;

	for (;;) {
		switch (client_step(client, &input, &play->said)) {
		case CLIENT_READ:
			assert_int_equal(input.len, 0);
			return;
		case CLIENT_HANDSHAKE:
			client_set_tls(client, play->script->is_verified);
			buf_add_string(&play->said, "TLS\r\n");
			break;
		case CLIENT_READY:
			assert_false(play->has_begun);
			play->has_begun = true;
			client_begin(client, &play->message);
			break;
		case CLIENT_BODY:
			client_body(
			    client, slice_of(play->script->body), &play->said);
			client_body_end(client, &play->said);
			break;
		case CLIENT_FINISHED:
		case CLIENT_CLOSED:
			play->is_over = true;
			return;
		}
	}
}

/* Lines that start with one of tags, each with CRLF instead of LF. */
static void
take_lines(
    struct slice *rest, struct slice tag, bool is_tagged, struct buf *out)
{
	struct slice line, tail;

	while (rest->len > 0 && slice_starts(*rest, tag) == is_tagged) {
		slice_cut(*rest, '\n', &line, &tail);
		*rest = tail;
		if (slice_starts(line, S("C:")) || is_tagged)
			line = slice_from(line, 2);
		buf_add(out, line);
		buf_add(out, S("\r\n"));
	}
}

static void
check_verdicts(const struct play *play)
{
	struct buf found;

	buf_init(&found, 4096);
	for (size_t i = 0; i < play->message.recipient_count; i++) {
		const struct client_verdict *v = &play->recipients[i].verdict;

		buf_add_format(
		    &found, "%s%c %s", i == 0 ? "" : " ", v->status, v->code);
	}
	if (play->message.recipient_count == 0)
		buf_add_format(&found, "%c %s", play->client.failure.status,
		    play->client.failure.code);
	assert_string_equal(buf_string(&found), play->script->verdicts);
	buf_free(&found);
	if (play->script->text != NULL)
		assert_non_null(strstr(play->message.recipient_count == 0
					   ? play->client.failure.text
					   : play->recipients[0].verdict.text,
		    play->script->text));
}

static void
play_script(const struct script *script, size_t piece)
{
	struct slice rest = slice_of(script->lines), input;
	struct buf server, expected;
	struct play play;

	play_open(&play, script);
	buf_init(&server, 65536);
	buf_init(&expected, 65536);
	while (rest.len > 0) {
		buf_clear(&server);
		buf_clear(&expected);
		buf_clear(&play.said);
		take_lines(&rest, S("S:"), true, &server);
		take_lines(&rest, S("S:"), false, &expected);
		if (server.len == 0)
			play_input(&play, S(""));
		for (input = buf_slice(&server); input.len > 0;
		     input = slice_from(input, piece))
			play_input(&play, slice_first(input, piece));
		assert_string_equal(
		    buf_string(&play.said), buf_string(&expected));
	}
	assert_true(play.is_over);
	check_verdicts(&play);
	client_clear(&play.client);
	buf_free(&play.said);
	buf_free(&server);
	buf_free(&expected);
}

static void
every_script_goes_as_written_however_input_is_split(void **state)
{
	static const size_t pieces[] = { 65536, 3, 1 };

	(void)state;
	for (size_t i = 0; i < sizeof(scripts) / sizeof(scripts[0]); i++) {
		print_message("%s\n", scripts[i].name);
		for (size_t p = 0; p < 3; p++)
			play_script(&scripts[i], pieces[p]);
	}
}

static void
bytes_behind_the_reply_to_starttls_end_the_session(void **state)
{
	const struct client_options options = { HOST,
		.tls_level = TLS_LEVEL_MAY };
	struct slice input = S("220 mx\r\n250-mx\r\n250 STARTTLS\r\n"
			       "220 go\r\n250 injected\r\n");
	struct client client;
	struct buf out;

	(void)state;
	client_init(&client, &options);
	buf_init(&out, 1024);
	assert_int_equal(client_step(&client, &input, &out), CLIENT_CLOSED);
	assert_int_equal(client.failure.status, 'T');
	client_clear(&client);
	buf_free(&out);
}

static void
a_second_message_begins_with_rset(void **state)
{
	const struct client_options options = { HOST };
	struct client_recipient recipient = { .address = SLICE("b@x.test") };
	struct client_message message = { .sender = SLICE(""),
		.recipient_count = 1,
		.recipients = &recipient };
	struct slice input = S("220 mx\r\n250 mx\r\n");
	struct client client;
	struct buf out;

	(void)state;
	client_init(&client, &options);
	buf_init(&out, 1024);
	assert_int_equal(client_step(&client, &input, &out), CLIENT_READY);
	client_begin(&client, &message);
	buf_clear(&out);
	input = S("550 no\r\n");
	assert_int_equal(client_step(&client, &input, &out), CLIENT_FINISHED);
	assert_string_equal(buf_string(&out), "MAIL FROM:<>\r\n");
	recipient.verdict.status = 0;
	buf_clear(&out);
	input = S("");
	client_begin(&client, &message);
	assert_int_equal(client_step(&client, &input, &out), CLIENT_READ);
	assert_string_equal(buf_string(&out), "RSET\r\n");
	input = S("421 idle\r\n");
	assert_int_equal(client_step(&client, &input, &out), CLIENT_CLOSED);
	assert_false(client.has_answer);
	client_clear(&client);
	buf_free(&out);
}

static void
a_connection_lost_at_the_end_of_data_warns_of_a_copy(void **state)
{
	const struct client_options options = { HOST };
	struct client client;

	(void)state;
	client_init(&client, &options);
	client.state = CLIENT_STATE_END;
	client_lose(&client, "4.4.2", "lost connection");
	assert_int_equal(client.failure.status, 'T');
	assert_non_null(strstr(client.failure.text, "may be sent twice"));
	client_clear(&client);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    every_script_goes_as_written_however_input_is_split),
		cmocka_unit_test(
		    bytes_behind_the_reply_to_starttls_end_the_session),
		cmocka_unit_test(a_second_message_begins_with_rset),
		cmocka_unit_test(
		    a_connection_lost_at_the_end_of_data_warns_of_a_copy),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
