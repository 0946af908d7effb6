/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "common/scram.h"

#include <stdio.h>
#include <string.h>

#include "common/base64.h"

#include "tests/unit/unit.h"

/* RFC 7677 section 3. */
#define CLIENT_FIRST "n,,n=user,r=rOprNGfwEbeRWgbNEkqO"
#define SERVER_NONCE "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0"
#define SERVER_FIRST                                                           \
	"r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,"                \
	"s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096"
#define CLIENT_FINAL                                                           \
	"c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,"         \
	"p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ="
#define SERVER_FINAL "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="

static void
keys_of(const char *password, struct scram_keys *keys)
{
	struct buf salt;

	memset(keys, 0, sizeof(*keys));
	buf_init(&salt, SCRAM_SALT_MAX);
	assert_true(base64_decode(S("W22ZaJ0SNY7soEsUEjb6gQ=="), &salt));
	memcpy(keys->salt.bytes, salt.ptr, salt.len);
	keys->salt.len = salt.len;
	keys->salt.iterations = 4096;
	buf_free(&salt);
	scram_keys_make(slice_of(password), keys);
}

static void
begin(struct scram *scram)
{
	scram_begin(scram);
	snprintf(scram->nonce, sizeof(scram->nonce), "%s", SERVER_NONCE);
}

static void
the_exchange_of_rfc_7677_is_right(void **state)
{
	struct scram_keys keys;
	struct buf server_final;
	struct scram scram;
	struct why why;

	(void)state;
	keys_of("pencil", &keys);
	buf_init(&server_final, 256);
	begin(&scram);
	assert_true(scram_client_first(&scram, S(CLIENT_FIRST), &why));
	assert_string_equal(buf_string(&scram.user), "user");
	assert_true(
	    slice_eq(scram_server_first(&scram, &keys.salt), S(SERVER_FIRST)));
	assert_true(scram_client_final(&scram, S(CLIENT_FINAL), &why));
	assert_true(scram_proves(&scram, &keys, &server_final));
	assert_string_equal(buf_string(&server_final), SERVER_FINAL);
	buf_clear(&server_final);
	keys_of("pencils", &keys);
	assert_false(scram_proves(&scram, &keys, &server_final));
	assert_int_equal(server_final.len, 0);
	scram_end(&scram);
	buf_free(&server_final);
}

/* What was right once is not right again: the nonce is another. */
static void
a_replay_is_refused(void **state)
{
	struct scram_keys keys;
	struct scram scram;
	struct why why;

	(void)state;
	keys_of("pencil", &keys);
	begin(&scram);
	scram.nonce[0] = 'x';
	assert_true(scram_client_first(&scram, S(CLIENT_FIRST), &why));
	scram_server_first(&scram, &keys.salt);
	assert_false(scram_client_final(&scram, S(CLIENT_FINAL), &why));
	assert_string_equal(why.text, "another nonce");
	scram_end(&scram);
}

/* The client of RFC 5802 section 3, for other bindings than the RFC's. */
static void
client_final(struct scram *scram, const char *password, struct slice bound,
    struct buf *out)
{
	uint8_t salted[SHA256_SIZE], key[SHA256_SIZE], sign[SHA256_SIZE];
	struct buf message, input;
	struct scram_keys keys;
	struct slice nonce = buf_slice(&scram->server_first);

	keys_of(password, &keys);
	buf_init(&input, 1024);
	buf_init(&message, 4096);
	buf_add(&input, buf_slice(&scram->header));
	buf_add(&input, bound);
	buf_add(out, S("c="));
	base64_encode(buf_slice(&input), out);
	buf_add_char(out, ',');
	buf_add(out, slice_first(nonce, slice_index(nonce, ',')));
	buf_add(&message, buf_slice(&scram->client_first));
	buf_add_char(&message, ',');
	buf_add(&message, buf_slice(&scram->server_first));
	buf_add_char(&message, ',');
	buf_add(&message, buf_slice(out));
	pbkdf2(slice_of(password), slice_make(keys.salt.bytes, keys.salt.len),
	    4096, salted);
	hmac_of(slice_make(salted, SHA256_SIZE), S("Client Key"), key);
	hmac_of(
	    slice_make(keys.stored, SHA256_SIZE), buf_slice(&message), sign);
	for (size_t i = 0; i < SHA256_SIZE; i++)
		key[i] ^= sign[i];
	buf_add(out, S(",p="));
	base64_encode(slice_make(key, SHA256_SIZE), out);
	buf_free(&input);
	buf_free(&message);
}

static const struct binding_case {
	const char *what;
	bool is_plus, offers_plus;
	const char *first; /* of the client */
	const char *bound; /* what the client believes the channel is */
	bool first_is_taken, is_right;
} binding_cases[] = {
	{ "tls-exporter", true, true, "p=tls-exporter,,n=user,r=abc",
	    "exported", true, true },
	{ "tls-server-end-point", true, true,
	    "p=tls-server-end-point,,n=user,r=abc", "certificate", true, true },
	{ "another channel", true, true, "p=tls-exporter,,n=user,r=abc",
	    "Exported", true, false },
	{ "the other binding", true, true, "p=tls-exporter,,n=user,r=abc",
	    "certificate", true, false },
	{ "tls-unique", true, true, "p=tls-unique,,n=user,r=abc", "", false,
	    false },
	{ "PLUS without binding", true, true, "n,,n=user,r=abc", "", false,
	    false },
	{ "PLUS, y", true, true, "y,,n=user,r=abc", "", false, false },
	{ "downgrade", false, true, "y,,n=user,r=abc", "", false, false },
	{ "y, and truly not offered", false, false, "y,,n=user,r=abc", "", true,
	    true },
	{ "binding without PLUS", false, true, "p=tls-exporter,,n=user,r=abc",
	    "exported", false, false },
	{ "n", false, true, "n,,n=user,r=abc", "", true, true },
	{ "n with data", false, true, "n,,n=user,r=abc", "exported", true,
	    false },
	{ "authzid", false, true, "n,a=user,n=user,r=abc", "", true, true },
};

static void
bind(const struct binding_case *c)
{
	struct buf final, server_final;
	struct scram_keys keys;
	struct scram scram;
	struct why why;
	bool taken, right = false;

	keys_of("pencil", &keys);
	buf_init(&final, 4096);
	buf_init(&server_final, 256);
	begin(&scram);
	scram.is_plus = c->is_plus;
	scram.offers_plus = c->offers_plus;
	scram.binding.exporter = S("exported");
	scram.binding.end_point = S("certificate");
	taken = scram_client_first(&scram, slice_of(c->first), &why);
	if (taken) {
		scram_server_first(&scram, &keys.salt);
		client_final(&scram, "pencil", slice_of(c->bound), &final);
		right = scram_client_final(&scram, buf_slice(&final), &why) &&
			scram_proves(&scram, &keys, &server_final);
	}
	if (taken != c->first_is_taken || right != c->is_right)
		fail_msg("%s: %d %d (%s)", c->what, taken, right, why.text);
	scram_end(&scram);
	buf_free(&final);
	buf_free(&server_final);
}

static void
bindings_are_the_channels_own(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(binding_cases) / sizeof(binding_cases[0]);
	     i++)
		bind(&binding_cases[i]);
}

static void
first_messages_are_as_the_grammar_says(void **state)
{
	static const struct {
		const char *message;
		const char *user; /* NULL: malformed */
	} cases[] = {
		{ "n,,n=user,r=x", "user" },
		{ "n,,n=a=2Cb=3Dc,r=x", "a,b=c" },
		{ "n,,n=user,r=x,ext=1", "user" },
		{ "n,a=user,n=user,r=x", "user" },
		{ "n,a=other,n=user,r=x", NULL },
		{ "n,a=,n=user,r=x", NULL },
		{ "n,,n=a=b,r=x", NULL },
		{ "n,,n=a=2c,r=x", NULL },
		{ "n,,n=,r=x", NULL },
		{ "n,,n=user,r=", NULL },
		{ "n,,n=user,r=a b", NULL },
		{ "n,,n=user", NULL },
		{ "n,,m=ext,n=user,r=x", NULL },
		{ "n,,r=x,n=user", NULL },
		{ "n,n=user,r=x", NULL },
		{ "n=user,r=x", NULL },
		{ "n", NULL },
		{ "n,", NULL },
		{ "n,,", NULL },
		{ "", NULL },
		{ ",,n=user,r=x", NULL },
		{ "N,,n=user,r=x", NULL },
	};
	struct scram scram;
	struct why why;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		bool ok;

		begin(&scram);
		ok = scram_client_first(
		    &scram, slice_of(cases[i].message), &why);
		if (ok != (cases[i].user != NULL) ||
		    (ok && strcmp(buf_string(&scram.user), cases[i].user) != 0))
			fail_msg("%s: %d", cases[i].message, ok);
		scram_end(&scram);
	}
}

static void
final_messages_are_as_the_grammar_says(void **state)
{
	static const char nonce[] = "r=abc" SERVER_NONCE;
	static const char proof[] =
	    "p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=";
	static const struct {
		const char *format; /* of nonce and proof */
		bool is_right;
	} cases[] = {
		{ "c=biws,%s,%s", true },
		{ "c=biws,%s,x=1,%s", true },
		{ "c=eSws,%s,%s", false },
		{ "c=biwsbg==,%s,%s", false },
		{ "%s,c=biws,%s", false },
		{ "c=biws,%s,%s,x=1", false },
		{ "c=biws,%sx,%s", false },
		{ "c=biws,%s,%s=", false },
		{ "c=biws,%s", false },
		{ "c=biws", false },
		{ "", false },
	};
	struct scram_salt salt = { .iterations = 1, .len = 1 };
	struct scram scram;
	char text[512];
	struct why why;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		begin(&scram);
		assert_true(
		    scram_client_first(&scram, S("n,,n=user,r=abc"), &why));
		scram_server_first(&scram, &salt);
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
#pragma GCC diagnostic ignored "-Wformat-security"
		snprintf(text, sizeof(text), cases[i].format, nonce, proof);
#pragma GCC diagnostic pop
		if (scram_client_final(&scram, slice_of(text), &why) !=
		    cases[i].is_right)
			fail_msg("%s (%s)", text, why.text);
		scram_end(&scram);
	}
}

static void
keys_are_read_as_they_are_written(void **state)
{
	static const char *const wrong[] = {
		"{SCRAM-SHA-256}",
		"{SCRAM-SHA-256}4096",
		"{SCRAM-SHA-256}4096$c2FsdA==:AAAA:AAAA",
		"{SCRAM-SHA-256}0$c2FsdA==:dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqm"
		"miz7AndVQ=:dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=",
		"{SCRAM-SHA-256}10000001$c2FsdA==:dHzbZapWIk4jUhN+Ute9ytag9zj"
		"fMHgsqmmiz7AndVQ=:dHzbZapWIk4jUhN+"
		"Ute9ytag9zjfMHgsqmmiz7AndVQ=",
		"{SCRAM-SHA-256}1$:dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ"
		"=:dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=",
		"$y$j9T$x$y",
	};
	char text[SCRAM_KEYS_SIZE], again[SCRAM_KEYS_SIZE];
	struct scram_keys keys, read;

	(void)state;
	assert_true(scram_salt_make(&keys.salt));
	assert_int_equal(keys.salt.iterations, LIMIT_SCRAM_ITERATIONS);
	keys.salt.iterations = 5;
	scram_keys_make(S("geheim"), &keys);
	assert_true(scram_keys_format(&keys, text));
	assert_true(scram_keys_parse(slice_of(text), &read));
	assert_true(scram_keys_format(&read, again));
	assert_string_equal(text, again);
	assert_true(scram_password_matches(S("geheim"), &read));
	assert_false(scram_password_matches(S("geheim "), &read));
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		if (scram_keys_parse(slice_of(wrong[i]), &read))
			fail_msg("%s", wrong[i]);
}

/* LIMIT_SCRAM_MESSAGE, LIMIT_USER_NAME: at, below, above. */
static void
long_messages_are_refused(void **state)
{
	char text[LIMIT_SCRAM_MESSAGE + 2];
	struct scram scram;
	struct why why;

	(void)state;
	for (size_t len = LIMIT_SCRAM_MESSAGE - 1;
	     len <= LIMIT_SCRAM_MESSAGE + 1; len++) {
		memset(text, 'x', sizeof(text));
		memcpy(text, "n,,n=u,r=a,", 11);
		text[len] = '\0';
		begin(&scram);
		assert_int_equal(
		    scram_client_first(&scram, slice_make(text, len), &why),
		    len <= LIMIT_SCRAM_MESSAGE);
		scram_end(&scram);
	}
	for (size_t len = LIMIT_USER_NAME - 1; len <= LIMIT_USER_NAME + 1;
	     len++) {
		memset(text, 'x', sizeof(text));
		memcpy(text, "n,,n=", 5);
		memcpy(text + 5 + len, ",r=a", 5);
		begin(&scram);
		assert_int_equal(
		    scram_client_first(&scram, slice_of(text), &why),
		    len <= LIMIT_USER_NAME);
		scram_end(&scram);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_exchange_of_rfc_7677_is_right),
		cmocka_unit_test(a_replay_is_refused),
		cmocka_unit_test(bindings_are_the_channels_own),
		cmocka_unit_test(first_messages_are_as_the_grammar_says),
		cmocka_unit_test(final_messages_are_as_the_grammar_says),
		cmocka_unit_test(keys_are_read_as_they_are_written),
		cmocka_unit_test(long_messages_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
