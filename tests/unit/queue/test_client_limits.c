/* SPDX-License-Identifier: ISC */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "common/buf.h"

#include "queue/client.h"

#include "tests/unit/unit.h"

#define MOST (LIMIT_RELAY_RECIPIENTS + 2)

/* A client, what it says, and a message to MOST addresses. */
struct talk {
	struct client client;
	struct client_message message;
	struct client_recipient recipients[MOST];
	char addresses[MOST][32];
	struct buf out;
};

static void
talk_begin(struct talk *talk, const struct client_options *options)
{
	memset(talk, 0, sizeof(*talk));
	buf_init(&talk->out, 1 << 20);
	client_init(&talk->client, options);
	talk->message.sender = S("a@me.test");
	talk->message.recipients = talk->recipients;
	for (size_t i = 0; i < MOST; i++) {
		snprintf(talk->addresses[i], sizeof(talk->addresses[i]),
		    "r%zu@d%zu.test", i, i / 2);
		talk->recipients[i].address = slice_of(talk->addresses[i]);
	}
}

static void
talk_end(struct talk *talk)
{
	client_clear(&talk->client);
	buf_free(&talk->out);
}

/* The server says this; what the client says is in out. */
static enum client_effect
say(struct talk *talk, const char *text)
{
	struct slice input = slice_of(text);

	buf_clear(&talk->out);
	return client_step(&talk->client, &input, &talk->out);
}

static void
check_out(struct talk *talk, const char *expected)
{
	assert_string_equal(buf_string(&talk->out), expected);
}

/* RFC 5321 section 4.5.3.2: each wait has its own length. */
static void
each_stage_has_its_time(void **state)
{
	static const struct client_options options = { .hostname = "me.test",
		.tls_level = TLS_LEVEL_NONE };
	static struct talk talk;
	struct client *client = &talk.client;

	(void)state;
	talk_begin(&talk, &options);
	talk.message.recipient_count = 1;
	assert_int_equal(client_timeout(client), 300);
	say(&talk, "220 mx\r\n");
	assert_int_equal(client_timeout(client), 300);
	assert_int_equal(say(&talk, "250 mx\r\n"), CLIENT_READY);
	client_begin(client, &talk.message);
	say(&talk, "");
	assert_string_equal(client_stage(client), "MAIL FROM");
	assert_int_equal(client_timeout(client), 300);
	say(&talk, "250 ok\r\n");
	assert_string_equal(client_stage(client), "RCPT TO");
	assert_int_equal(client_timeout(client), 300);
	say(&talk, "250 ok\r\n");
	assert_string_equal(client_stage(client), "DATA");
	assert_int_equal(client_timeout(client), 120);
	assert_int_equal(say(&talk, "354 go\r\n"), CLIENT_BODY);
	assert_int_equal(client_timeout(client), 180);
	client_body_end(client, &talk.out);
	assert_int_equal(client_timeout(client), 600);
	assert_int_equal(say(&talk, "250 ok\r\n"), CLIENT_FINISHED);
	talk.recipients[0].verdict.status = 0;
	client_begin(client, &talk.message);
	say(&talk, "");
	assert_string_equal(client_stage(client), "RSET");
	assert_int_equal(client_timeout(client), 20);
	talk_end(&talk);
}

static size_t
count_lines(struct talk *talk, const char *start)
{
	struct slice line, rest = buf_slice(&talk->out);
	size_t count = 0;

	while (rest.len > 0) {
		slice_cut(rest, '\n', &line, &rest);
		count += slice_starts(line, slice_of(start));
	}
	return count;
}

/* One transaction of count recipients to a host with these LIMITS: how many
 * RCPT are sent. */
static size_t
send_all(const char *limits, size_t count)
{
	static const struct client_options options = { .hostname = "me.test",
		.tls_level = TLS_LEVEL_NONE };
	static struct talk talk;
	enum client_effect effect;
	char ehlo[128];
	size_t sent = 0, left = 0;

	talk_begin(&talk, &options);
	talk.message.recipient_count = count;
	say(&talk, "220 mx\r\n");
	snprintf(ehlo, sizeof(ehlo), "250-mx\r\n%s250 PIPELINING\r\n", limits);
	assert_int_equal(say(&talk, ehlo), CLIENT_READY);
	client_begin(&talk.client, &talk.message);
	for (effect = say(&talk, ""); effect == CLIENT_READ;
	     effect = say(&talk, "550 5.1.1 no\r\n")) {
		if (talk.out.len == 0)
			continue;
		sent += count_lines(&talk, "RCPT");
		if (count_lines(&talk, "MAIL") > 0)
			say(&talk, "250 ok\r\n");
	}
	assert_int_equal(effect, CLIENT_FINISHED);
	for (size_t i = 0; i < count; i++)
		left += talk.recipients[i].verdict.status == 0;
	assert_int_equal(left, count - sent);
	assert_int_equal(talk.client.state, CLIENT_STATE_READY);
	talk_end(&talk);
	return sent;
}

/* Ours at, below and above; the host's own when it is smaller (RFC 9422). */
static void
a_transaction_has_so_many_recipients(void **state)
{
	static const struct {
		const char *limits;
		size_t count, sent;
	} cases[] = {
		{ "", LIMIT_RELAY_RECIPIENTS - 1, LIMIT_RELAY_RECIPIENTS - 1 },
		{ "", LIMIT_RELAY_RECIPIENTS, LIMIT_RELAY_RECIPIENTS },
		{ "", LIMIT_RELAY_RECIPIENTS + 1, LIMIT_RELAY_RECIPIENTS },
		{ "250-LIMITS RCPTMAX=5\r\n", 4, 4 },
		{ "250-LIMITS RCPTMAX=5\r\n", 5, 5 },
		{ "250-LIMITS RCPTMAX=5\r\n", 6, 5 },
		{ "250-LIMITS MAILMAX=9 rcptmax=5 X=1\r\n", 6, 5 },
		{ "250-LIMITS RCPTMAX=999999\r\n", MOST,
		    LIMIT_RELAY_RECIPIENTS },
		/* What is no limit is none. */
		{ "250-LIMITS RCPTMAX=0\r\n", 6, 6 },
		{ "250-LIMITS RCPTMAX=1000000\r\n", 6, 6 },
		{ "250-LIMITS RCPTMAX=x RCPTMAX\r\n", 6, 6 },
		/* Two recipients of each domain. */
		{ "250-LIMITS RCPTDOMAINMAX=1\r\n", 6, 2 },
		{ "250-LIMITS RCPTDOMAINMAX=2\r\n", 6, 4 },
		{ "250-LIMITS RCPTDOMAINMAX=3\r\n", 6, 6 },
		{ "250-LIMITS RCPTDOMAINMAX=4\r\n", 6, 6 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		print_message("%s %zu\n", cases[i].limits, cases[i].count);
		assert_int_equal(
		    send_all(cases[i].limits, cases[i].count), cases[i].sent);
	}
}

/* RFC 2033 section 4.2: a reply for each that was accepted, in order. */
static void
lmtp_answers_for_each_recipient(void **state)
{
	static const struct client_options options = { .hostname = "me.test",
		.tls_level = TLS_LEVEL_NONE,
		.is_lmtp = true };
	static struct talk talk;

	(void)state;
	talk_begin(&talk, &options);
	talk.message.recipient_count = 3;
	say(&talk, "220 store\r\n");
	check_out(&talk, "LHLO me.test\r\n");
	assert_int_equal(
	    say(&talk, "250-store\r\n250-CHUNKING\r\n250 PIPELINING\r\n"),
	    CLIENT_READY);
	client_begin(&talk.client, &talk.message);
	say(&talk, "");
	assert_int_equal(
	    say(&talk, "250 ok\r\n250 ok\r\n550 5.1.1 no\r\n250 ok\r\n"
		       "354 go\r\n"),
	    CLIENT_BODY);
	client_body_end(&talk.client, &talk.out);
	assert_int_equal(say(&talk, "250 2.0.0 first\r\n"), CLIENT_READ);
	assert_int_equal(say(&talk, "452 4.2.2 full\r\n"), CLIENT_FINISHED);
	assert_int_equal(talk.recipients[0].verdict.status, 'D');
	assert_int_equal(talk.recipients[1].verdict.status, 'F');
	assert_int_equal(talk.recipients[2].verdict.status, 'T');
	assert_string_equal(talk.recipients[2].verdict.code, "4.2.2");
	/* Gone in the middle: the first is delivered, the second is not. */
	for (size_t i = 0; i < 3; i++)
		talk.recipients[i].verdict.status = 0;
	client_begin(&talk.client, &talk.message);
	say(&talk, "");
	say(&talk, "250 ok\r\n250 ok\r\n250 ok\r\n250 ok\r\n550 no\r\n"
		   "354 go\r\n");
	client_body_end(&talk.client, &talk.out);
	say(&talk, "250 2.0.0 first\r\n");
	client_lose(&talk.client, "4.4.2", "lost");
	assert_int_equal(talk.recipients[0].verdict.status, 'D');
	assert_int_equal(talk.recipients[1].verdict.status, 'T');
	assert_int_equal(talk.recipients[2].verdict.status, 'F');
	talk_end(&talk);
}

/* An SMTP host is no LMTP store, and HELO is not tried. */
static void
lmtp_has_no_helo(void **state)
{
	static const struct client_options options = { .hostname = "me.test",
		.is_lmtp = true };
	static struct talk talk;

	(void)state;
	talk_begin(&talk, &options);
	say(&talk, "220 mx\r\n");
	assert_int_equal(say(&talk, "500 what\r\n"), CLIENT_CLOSED);
	assert_int_equal(talk.client.failure.status, 'T');
	talk_end(&talk);
}

struct login {
	const char *offer;
	bool is_token;
	const char *dialogue; /* "C:..." and "S:..." lines */
	enum client_effect effect;
	const char *code;
};

static const struct login logins[] = {
	{ "PLAIN SCRAM-SHA-256", false,
	    "C:AUTH SCRAM-SHA-256 "
	    "biwsbj11c2VyLHI9ck9wck5HZndFYmVSV2diTkVrcU8=\n"
	    "S:334 cj1yT3ByTkdmd0ViZVJXZ2JORWtxTyVodllEcFdVYTJSYVRDQWZ1eEZJbGop"
	    "aE5sRiRrMCxzPVcyMlphSjBTTlk3c29Fc1VFamI2Z1E9PSxpPTQwOTY=\n"
	    "C:Yz1iaXdzLHI9ck9wck5HZndFYmVSV2diTkVrcU8laHZZRHBXVWEyUmFUQ0FmdXhG"
	    "SWxqKWhObEYkazAscD1kSHpiWmFwV0lrNGpVaE4rVXRlOXl0YWc5empmTUhnc3FtbW"
	    "l6"
	    "N0FuZFZRPQ==\n"
	    "S:334 dj02cnJpVFJCaTIzV3BSUi93dHVwK21NaFVaVW4vZEI1bkxUSlJzamw5NUc0"
	    "PQ==\nC:\nS:235 in\n",
	    CLIENT_READY, "" },
	/* It knows the password, says its 235; but it did not show that. */
	{ "SCRAM-SHA-256", false,
	    "C:AUTH SCRAM-SHA-256 "
	    "biwsbj11c2VyLHI9ck9wck5HZndFYmVSV2diTkVrcU8=\n"
	    "S:235 in\n",
	    CLIENT_CLOSED, "4.7.0" },
	{ "SCRAM-SHA-256", false,
	    "C:AUTH SCRAM-SHA-256 "
	    "biwsbj11c2VyLHI9ck9wck5HZndFYmVSV2diTkVrcU8=\n"
	    "S:334 bm9uc2Vuc2U=\nC:*\n",
	    CLIENT_CLOSED, "4.7.0" },
	{ "LOGIN", false,
	    "C:AUTH LOGIN\nS:334 VXNlcm5hbWU6\nC:dXNlcg==\nS:334 no base64!\n"
	    "C:cGVuY2ls\nS:235 in\n",
	    CLIENT_READY, "" },
	{ "LOGIN", false,
	    "C:AUTH LOGIN\nS:334 a\nC:dXNlcg==\nS:334 b\nC:cGVuY2ls\n"
	    "S:334 more\nC:*\n",
	    CLIENT_CLOSED, "4.7.0" },
	{ "LOGIN", false, "C:AUTH LOGIN\nS:535 5.7.8 no\n", CLIENT_CLOSED,
	    "4.7.8" },
	{ "PLAIN LOGIN", true, "", CLIENT_CLOSED, "4.7.0" },
	{ "XOAUTH2", true,
	    "C:AUTH XOAUTH2 dXNlcj11c2VyAWF1dGg9QmVhcmVyIHBlbmNpbAEB\n"
	    "S:235 in\n",
	    CLIENT_READY, "" },
	{ "PLAIN XOAUTH2 OAUTHBEARER", true,
	    "C:AUTH OAUTHBEARER bixhPXVzZXIsAWF1dGg9QmVhcmVyIHBlbmNpbAEB\n"
	    "S:334 eyJzdGF0dXMiOiJpbnZhbGlkX3Rva2VuIn0=\nC:AQ==\n"
	    "S:535 5.7.8 no\n",
	    CLIENT_CLOSED, "4.7.8" },
	{ "CRAM-MD5", false, "", CLIENT_CLOSED, "4.7.0" },
};

static void
logins_use_the_best_that_is_offered(void **state)
{
	static struct talk talk;
	struct client_options options = { .hostname = "me.test",
		.tls_level = TLS_LEVEL_NONE,
		.may_auth_in_clear = true,
		.login = SLICE("user"),
		.password = SLICE("pencil"),
		.nonce = "rOprNGfwEbeRWgbNEkqO" };
	enum client_effect effect;
	struct slice line, rest;
	char text[1024];

	(void)state;
	for (size_t i = 0; i < sizeof(logins) / sizeof(logins[0]); i++) {
		options.is_token = logins[i].is_token;
		print_message("%s\n", logins[i].offer);
		talk_begin(&talk, &options);
		say(&talk, "220 mx\r\n");
		snprintf(text, sizeof(text), "250-mx\r\n250 AUTH %s\r\n",
		    logins[i].offer);
		effect = say(&talk, text);
		rest = slice_of(logins[i].dialogue);
		while (rest.len > 0) {
			slice_cut(rest, '\n', &line, &rest);
			snprintf(text, sizeof(text), "%.*s\r\n",
			    SLICE_FMT(slice_from(line, 2)));
			if (slice_starts(line, S("C:")))
				check_out(&talk, text);
			else
				effect = say(&talk, text);
		}
		assert_int_equal(effect, logins[i].effect);
		if (effect == CLIENT_CLOSED)
			assert_string_equal(
			    talk.client.failure.code, logins[i].code);
		talk_end(&talk);
	}
}

static void
no_more_commands_are_in_flight_than_the_window_allows(void **state)
{
	const struct client_options options = { .hostname = "me.test" };
	static struct client_recipient recipients[100];
	struct client_message message = { .recipient_count = 100,
		.recipients = recipients };
	struct slice input = S("220 mx\r\n250-mx\r\n250 PIPELINING\r\n");
	struct client client;
	struct buf out;

	(void)state;
	for (size_t i = 0; i < 100; i++)
		recipients[i].address = S("b@x.test");
	client_init(&client, &options);
	buf_init(&out, 65536);
	assert_int_equal(client_step(&client, &input, &out), CLIENT_READY);
	client_begin(&client, &message);
	assert_int_equal(client_step(&client, &input, &out), CLIENT_READ);
	assert_int_equal(client.sent, LIMIT_RELAY_PIPELINE);
	client_clear(&client);
	buf_free(&out);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_stage_has_its_time),
		cmocka_unit_test(a_transaction_has_so_many_recipients),
		cmocka_unit_test(lmtp_answers_for_each_recipient),
		cmocka_unit_test(lmtp_has_no_helo),
		cmocka_unit_test(logins_use_the_best_that_is_offered),
		cmocka_unit_test(
		    no_more_commands_are_in_flight_than_the_window_allows),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
